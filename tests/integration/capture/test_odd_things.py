"""What real servers have and nobody thinks of: odd names, sources, uploads; things deleted."""

import os
import tarfile
import zipfile

import pytest

from recovery.capture.export_only import export_to
from recovery.capture.identify_server import identify_server
from recovery.target import open_target
from recovery.vault.open import open_shelf, open_vault
from recovery.vault.verify_points import verify_points
from recovery.velociraptor.api import open_api

from .conftest import ask, running_server, start_client, until

pytestmark = pytest.mark.slow
LABELS = ["prüfung", "雪 & <Eis>", "a'b\"c"]
SOURCES = """name: Custom.Odd.Sources
parameters:
  - name: Path
    default: ""
sources:
  - name: First Ünit
    query: SELECT _value AS Row FROM range(start=0, end=3, step=1)
  - name: Second & Part
    query: SELECT "line\\nbreak" AS Text FROM scope()
  - name: Nothing
    query: SELECT 1 AS A FROM scope() WHERE FALSE
  - name: Files
    query: SELECT upload(file=Path) AS U FROM scope() WHERE Path
"""
SERVER = """name: Custom.Odd.Server
type: SERVER
sources:
  - query: SELECT "on the server" AS Place FROM scope()
"""
DO = """
SELECT artifact_set(definition=Sources).name AS A, artifact_set(definition=Own).name AS B
FROM scope()

SELECT user_create(user="nobody@example.com", roles=["reader"]) AS A FROM scope()

SELECT collect_client(client_id=C, artifacts="Custom.Odd.Sources", env=dict(Path=Large)).flow_id
           AS A,
       collect_client(client_id=C, artifacts="Custom.Odd.Sources", env=dict()).flow_id AS B,
       collect_client(client_id="server", artifacts="Custom.Odd.Server", env=dict()).flow_id AS D
FROM scope()

SELECT hunt(description="läuft", artifacts="Custom.Odd.Sources", expires=now()+864000).HuntId AS A,
       hunt(description="paused", artifacts="Custom.Odd.Sources", expires=now()+864000,
            pause=TRUE).HuntId AS B,
       hunt(description="", artifacts="Custom.Odd.Sources", expires=now()+864000,
            pause=TRUE).HuntId AS D FROM scope()
""".strip().split("\n\n")


def is_real(running):
    with open_api(open_target("local://"), running.config) as api:
        return identify_server(api, "local://")[0] == "velociraptor"


@pytest.fixture(scope="module")
def odd(server_binary, tmp_path_factory):
    """A server with three orgs, and everything odd in it. Yields it, and what was lost on it."""
    folder = tmp_path_factory.mktemp("odd")
    with running_server(server_binary, folder) as running:
        for name, org in (("Acme & Söhne GmbH", "OACME"), ("空 org", "OEMPTY")):
            running.query(
                "SELECT org_create(name=Name, org_id=Org).id AS A FROM scope()", Name=name, Org=org
            )
        start_client(running, "root", "")
        known = "SELECT client_id FROM clients() WHERE last_interrogate_flow_id"
        running.client = until(lambda: ask(running, known))[0]["client_id"]
        large = folder / "gröss 5%.bin"
        with large.open("wb") as out:
            out.write(os.urandom(24 << 20))
        env = {"C": running.client, "Sources": SOURCES, "Own": SERVER, "Large": str(large)}
        made = [running.query(vql, **env)[0] for vql in DO]
        assert all(all(row.values()) for row in made), made
        if is_real(running):  # the reference server takes plain names only
            user = 'SELECT user_create(user="jürgen müller", roles=["reader"]) AS A FROM scope()'
            assert running.query(user)[0]["A"]
        labels = "SELECT label(client_id=C, labels=L, op='set') AS A FROM scope()"
        for label in LABELS:
            running.query(labels, C=running.client, L=label)
        ended = "SELECT session_id FROM flows(client_id=C) WHERE state = 'FINISHED'"
        # The interrogation, two collections, the running hunt's.
        until(lambda: ask(running, ended, C=running.client)[3:])
        until(lambda: ask(running, ended, C="server"))
        yield running, made


@pytest.fixture(scope="module")
def point(odd, tmp_path_factory):
    vault = tmp_path_factory.mktemp("odd-vault") / "vault"
    return vault, odd[0].capture(vault)


def test_nothing_odd_is_a_gap(point):
    assert point[1].gaps == []


def test_every_flow_and_hunt_is_there_with_its_rows(odd, point):
    _, made = odd
    _, manifest = point
    flows = {a.flow_id: a for a in manifest.archives if a.kind == "flow"}
    large, small, own = made[2]["A"], made[2]["B"], made[2]["D"]
    assert flows[small].rows == 4
    assert flows[large].rows == 5
    assert flows[large].upload_bytes == 24 << 20
    assert flows[own].client_id == "server"
    assert flows[own].rows == 1
    for org, items in manifest.inventory.orgs.items():
        held = [a for a in manifest.archives if a.org == org and a.kind == "flow"]
        assert len(held) == len(items["flows"])
    hunts = {a.hunt_id: a for a in manifest.archives if a.kind == "hunt"}
    assert {*made[3].values()} == set(hunts)
    assert hunts[made[3]["A"]].rows == 4
    assert manifest.org_names["OACME"] == "Acme & Söhne GmbH"
    assert len(manifest.inventory.orgs["root"]["labels"]) >= 1


def test_the_large_upload_comes_out_of_the_export_as_it_was(odd, tmp_path):
    running, made = odd
    archives, gaps = export_to(
        open_target("local://"), open_shelf(str(tmp_path)), running.options(), lambda _: None
    )
    assert gaps == []
    (found,) = [a for a in archives if a.flow_id == made[2]["A"]]
    with zipfile.ZipFile(tmp_path / found.file.name) as archive:
        name = next(n for n in archive.namelist() if "/uploads/" in f"/{n}" and n.endswith(".bin"))
        assert archive.read(name) == (running.folder / "gröss 5%.bin").read_bytes()


SLASH = """name: Custom.Odd.Slash
sources:
  - name: Plain
    query: SELECT 1 AS A FROM scope()
  - name: With/Slash
    query: SELECT 2 AS A FROM scope()
"""


def test_a_source_that_the_servers_export_leaves_out_is_a_gap(odd, tmp_path):
    """A real server's export lacks sources with a slash in their names, and says nothing."""
    running, _ = odd
    running.query("SELECT artifact_set(definition=S).name AS A FROM scope()", S=SLASH)
    collect = 'SELECT collect_client(client_id=C, artifacts="Custom.Odd.Slash").flow_id AS Flow '
    (row,) = running.query(f"{collect} FROM scope()", C=running.client)
    ended = "SELECT state FROM flows(client_id=C, flow_id=F) WHERE state = 'FINISHED'"
    until(lambda: ask(running, ended, C=running.client, F=row["Flow"]))
    manifest = running.capture(tmp_path / "vault")
    (archive,) = [a for a in manifest.archives if a.flow_id == row["Flow"]]
    gaps = [gap for gap in manifest.gaps if row["Flow"] in gap]
    assert archive.rows == 2 or gaps == [
        f"root: {running.client} {row['Flow']}: the export has 1 of 2 rows"
    ]
    assert len(manifest.gaps) == len(gaps)
    delete = "SELECT * FROM delete_flow(client_id=C, flow_id=F, really_do_it=TRUE)"
    ask(running, delete, C=running.client, F=row["Flow"])


def test_results_of_an_artifact_that_is_gone_are_a_gap_that_says_why(odd, tmp_path):
    """Seen on 0.77.2: the export of such a flow is made, and has none of its rows."""
    running, _ = odd
    gone = SLASH.replace("With/Slash", "Other").replace("Odd.Slash", "Odd.Gone")
    running.query("SELECT artifact_set(definition=S).name AS A FROM scope()", S=gone)
    collect = 'SELECT collect_client(client_id=C, artifacts="Custom.Odd.Gone").flow_id AS Flow '
    (row,) = running.query(f"{collect} FROM scope()", C=running.client)
    ended = "SELECT state FROM flows(client_id=C, flow_id=F) WHERE state = 'FINISHED'"
    until(lambda: ask(running, ended, C=running.client, F=row["Flow"]))
    running.query('SELECT artifact_delete(name="Custom.Odd.Gone") AS A FROM scope()')
    manifest = running.capture(tmp_path / "vault")
    (gap,) = manifest.gaps
    assert gap == (
        f"root: {running.client} {row['Flow']}: the export has 0 of 2 rows: the server has no "
        "Custom.Odd.Gone any more, and exports none of its rows; set the artifact once more, "
        "then capture again"
    )
    delete = "SELECT * FROM delete_flow(client_id=C, flow_id=F, really_do_it=TRUE)"
    ask(running, delete, C=running.client, F=row["Flow"])


SPARSE = """name: Custom.Odd.Sparse
parameters:
  - name: Path
sources:
  - query: |
      SELECT upload(accessor="sparse", name=pathspec(Path="/sparse.bin", path_type="linux"),
          file=pathspec(
          DelegateAccessor="file", DelegatePath=Path,
          Path=serialize(format="json", item=[dict(Offset=0, Length=5),
                                              dict(Offset=1048576, Length=7)]))) AS U
      FROM scope()
"""


@pytest.mark.velociraptor
def test_sparse_and_lost_uploads(odd, tmp_path):
    """A sparse upload is no gap; one whose content is gone from the server's disk is, and stays."""
    running, made = odd
    if not is_real(running):
        pytest.skip("the reference client has no sparse accessor")
    running.query("SELECT artifact_set(definition=S).name AS A FROM scope()", S=SPARSE)
    (row,) = running.query(
        'SELECT collect_client(client_id=C, artifacts="Custom.Odd.Sparse", '
        "env=dict(Path=P)).flow_id AS Flow FROM scope()",
        C=running.client,
        P=str(running.folder / "gröss 5%.bin"),
    )
    ended = (
        "SELECT total_uploaded_bytes AS Size FROM flows(client_id=C, flow_id=F) "
        "WHERE state = 'FINISHED'"
    )
    (flow,) = until(lambda: ask(running, ended, C=running.client, F=row["Flow"]))
    assert flow["Size"] == 12
    # Under a plain text as its name the server itself would keep nothing of it (seen on 0.77.2).
    manifest = running.capture(tmp_path / "vault")
    assert manifest.gaps == []
    (archive,) = [each for each in manifest.archives if each.flow_id == row["Flow"]]
    assert archive.upload_bytes > 12
    folder = running.datastore / f"clients/{running.client}/collections/{made[2]['A']}/uploads"
    stored = [path for path in folder.rglob("*") if path.is_file()]
    away = {path: path.rename(path.with_suffix(".away")) for path in stored}
    try:
        assert away
        for _ in range(2):
            (gap,) = running.capture(tmp_path / "other").gaps
            assert made[2]["A"] in gap
            assert f"0 of {24 << 20} bytes" in gap
    finally:
        for path, there in away.items():
            there.rename(path)
    assert running.capture(tmp_path / "other").gaps == []


def test_the_recovery_point_is_whole(point):
    vault, _ = point
    assert verify_points(open_vault(str(vault), {}), [], 1.0, lambda _: None).whole


def test_deleted_and_stopped_things_leave_a_point_without_gaps(odd, point):
    """After a flow, a client and a hunt's life have ended on the server."""
    running, made = odd
    vault, before = point
    ask(running, "SELECT hunt_update(hunt_id=H, stop=TRUE) FROM scope()", H=made[3]["A"])
    ask(
        running,
        "SELECT * FROM delete_flow(client_id=C, flow_id=F, really_do_it=TRUE)",
        C=running.client,
        F=made[2]["B"],
    )
    after = running.capture(vault)
    assert after.gaps == []
    assert made[2]["B"] not in {a.flow_id for a in after.archives}
    assert made[2]["B"] in {a.flow_id for a in before.archives}
    running.pause_clients()
    try:
        ask(
            running, "SELECT * FROM client_delete(client_id=C, really_do_it=TRUE)", C=running.client
        )
        last = running.capture(vault)
        assert last.gaps == []
    finally:
        running.pause_clients(go_on=True)
    assert open_vault(str(vault), {}).points() == [before, after, last]
    assert running.left_behind() == []


def test_what_a_server_itself_forgets_is_said(odd, tmp_path):
    """Seen on a real server: both are gone after its next start."""
    running, _ = odd
    user = 'SELECT user_create(user="x.json", roles=["reader"]) AS A FROM scope()'
    running.query(user)
    running.query('SELECT org_create(name="Odd", org_id="OODD_").id AS A FROM scope()')
    manifest = running.capture(tmp_path / "vault")
    assert [gap.partition(":")[0] for gap in manifest.gaps] == ["org 'OODD_'", "user x.json"]
    assert manifest.orgs == ["root", "OACME", "OEMPTY"]
    assert set(manifest.inventory.orgs["root"]["orgs"]) == {"root", "OACME", "OEMPTY"}
    tar = open_vault(str(tmp_path / "vault"), {}).fetch(manifest.state[0].tar, tmp_path / "s.tar")
    with tarfile.open(tar) as state:
        assert {"users/x.json.db", "acl/x.json.json.db", "orgs/OACME.json.db"} < {*state.getnames()}
        assert "orgs/OODD_.json.db" not in state.getnames()
