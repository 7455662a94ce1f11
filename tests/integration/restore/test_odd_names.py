"""Odd names come back as they were, users without rights, and the files of tools."""

import dataclasses
import hashlib
import os
import ssl
import time
import zipfile
from urllib.request import urlopen

import pytest

from recovery.restore.accounts_of import accounts_of
from recovery.restore.context import Context
from recovery.restore.request import parse_request
from recovery.vault.store import open_vault
from tests.integration.restore.conftest import (
    ENDED,
    INTERROGATE,
    KNOWN,
    ROWS,
    fresh_machine,
    lost_server,
    same,
    start_client,
    until,
)

pytestmark = [pytest.mark.docker, pytest.mark.velociraptor, pytest.mark.slow]
ODD = "o-Acme.1"
"""A client's id ends in it, so a server cuts it at the first dash alone."""
MADE = """
SELECT org_create(name="odd", org_id=Odd).id AS A, org_create(name="B", org_id="OACME").id AS B,
       org_create(name="D", org_id="oacme").id AS D, org_create(name="E", org_id="Acme.1").id AS E
FROM scope()

SELECT notebook_create(name="n", description="d").notebook_id AS A FROM scope()

SELECT user_create(user="a+b@example.com", roles=[], password=Password) AS A,
       user_create(user="y.db", roles=["reader"], password=Password) AS B,
       user_create(user="z_", roles=["reader"], password=Password) AS D,
       user_create(user="Case", roles=["reader"], password=Password, orgs=["OACME"]) AS E,
       user_create(user="case", roles=["investigator"], orgs=["oacme"]) AS F
FROM scope()

SELECT artifact_set(definition=Rows, tags=["t"]).name AS A,
       artifact_set(definition=Small).name AS B,
       secret_add(type="AWS S3 Creds", name="Key.json", secret=dict(region="a",
                  credentials_key="a", credentials_secret="b", endpoint="")) AS D,
       secret_add(type="AWS S3 Creds", name="key.json", secret=dict(region="b",
                  credentials_key="a", credentials_secret="b", endpoint="")) AS E
FROM scope()

SELECT artifact_set(definition="name: Tag.A\nsources: []", tags=["a", "b"]).name AS A,
       artifact_set(definition="name: Tag.B\nsources: []", tags=["c"]).name AS B,
       artifact_set_metadata(name="Custom.Test.Rows", basic=TRUE) AS D,
       artifact_set(definition="name: Tag.C\nsources: []", tags=["d"]).name AS E FROM scope()

SELECT inventory_add(tool="Mine", file=File, accessor="file").hash AS A,
       inventory_add(tool="Mine", version="2", file=File, accessor="file", filename="b").hash AS B,
       inventory_add(tool="Theirs", url="https://example.com/x.exe").name AS D FROM scope()

SELECT user_create(user=LongUser, roles=["reader"], password=Password) AS A FROM scope()
""".strip().split("\n\n")
CONTENTS = """
cd /var/lib/velociraptor/orgs/*/clients/*/collections/*/uploads/data
for file in Note note; do echo "$file:$(cat $file)"; done
"""
LONG_USER = 45 * "ü"
"""On the disk over 250 bytes: a server shortens it to ``#sha1`` (seen on 0.77.2)."""
ALIKE = """name: Custom.Test.Alike
sources:
  - query: |
      SELECT upload(file="one", accessor="data", name="Note") AS A,
             upload(file="two", accessor="data", name="note") AS B FROM scope()
  - name: Rows
    query: SELECT _value AS N, "one" AS Of FROM range(start=0, end=3, step=1)
  - name: rows
    query: SELECT _value AS N, "two" AS Of FROM range(start=0, end=3, step=1)
"""
"""Names that differ in a capital letter: a server's import gives both the first one's content."""
OF_SOURCES = """
SELECT Of, count() AS Rows FROM chain(
  a={SELECT Of FROM source(client_id=C, flow_id=F, artifact="Custom.Test.Alike/Rows")},
  b={SELECT Of FROM source(client_id=C, flow_id=F, artifact="Custom.Test.Alike/rows")})
GROUP BY Of
"""
FLOW_OF_ALIKE = """
SELECT session_id AS F FROM flows(client_id=C) WHERE request.artifacts[0] = "Custom.Test.Alike"
"""
COLLECT_ALIKE = """
SELECT artifact_set(definition=D).name AS A,
       collect_client(client_id=C, artifacts="Custom.Test.Alike").flow_id AS F FROM scope()
"""
LAST_MOMENT = """
SELECT artifact_set_metadata(name=Name, tags=["built-in"], basic=TRUE) AS A FROM scope()
"""
OWN = "Generic.Client.Stats"
"""A built-in artifact to which an org gives tags of its own."""


def live(target, api):
    env = {
        "Odd": ODD,
        "Password": "a-throw-away-password",
        "Rows": ROWS,
        "File": "/srv/a tool.exe",
        "LongUser": LONG_USER,
        "Small": ROWS.replace("Custom.Test.Rows", "custom.test.rows"),
    }
    target.put(os.urandom(3 << 20), env["File"], mode=0o644)
    for vql in MADE:
        (row,) = api.query(vql, env=env, min_rows=1)
        assert all(row.values()), (vql, row)
    time.sleep(3)  # an enrolment that comes before the org's own services are up is not followed
    start_client(target, ODD)
    found = until(lambda: api.query(KNOWN, org=ODD), lambda: api.query(INTERROGATE, org=ODD))
    client = found[0]["client_id"]
    assert client.endswith(f"-{ODD}")
    (flow, *_) = until(lambda: api.query(ENDED, env={"C": client}, org=ODD))
    import_twice(target, api, client, flow["session_id"])
    asked = api.query(COLLECT_ALIKE, env={"C": client, "D": ALIKE}, org=ODD, min_rows=1)
    until(lambda: {"session_id": asked[0]["F"]} in api.query(ENDED, env={"C": client}, org=ODD))
    label = 'SELECT label(client_id=C, labels=["ä b"], op="set") AS A FROM scope()'
    api.query(label, env={"C": client}, org=ODD)
    api.query(LAST_MOMENT, env={"Name": "Generic.Client.Info"}, min_rows=1)
    api.query(LAST_MOMENT, env={"Name": OWN}, org=ODD, min_rows=1)
    return {ODD: client}


def import_twice(target, api, client, flow):
    """As a server is that was filled by hand: one export twice, on a client that never was.

    A server cuts the org even off an id that is given (facts: Exports and imports).
    """
    made = "SELECT create_flow_download(client_id=C, flow_id=F, wait=TRUE) AS A FROM scope()"
    api.query(made, env={"C": client, "F": flow}, org=ODD, min_rows=1)
    folder = f"/var/lib/velociraptor/orgs/{ODD}/downloads"
    path = target.run(["find", folder, "-name", "*.zip"]).text
    twice = "SELECT import_collection(filename=P, client_id=C) AS A FROM scope()"
    for _ in range(2):
        assert api.query(twice, env={"P": path, "C": client}, org=ODD)[0]["A"]
    target.run(["find", folder, "-type", "f", "-delete"])


@pytest.fixture(scope="module")
def odd(server_binary, tmp_path_factory):
    return lost_server(server_binary, tmp_path_factory.mktemp("odd"), live)


def test_state_and_collections_bring_every_odd_name_back(odd):
    captured = odd.manifest.inventory
    assert "a+b@example.com" in captured.orgs["root"]["passwords"]
    assert {"Case", LONG_USER} <= captured.orgs["root"]["users"].keys()
    # An org has the root org's tags of built-in artifacts without a table: they count once.
    assert "Generic.Client.Info" in captured.orgs["root"]["artifact_tags"]
    assert captured.orgs[ODD]["artifact_tags"].keys() == {OWN}
    assert len(captured.orgs[ODD]["flows"]) >= 3
    with Context(parse_request(target="local://", vault=str(odd.vault)), print) as context:
        shown = {account.shown for account in accounts_of(context, context.manifest)}
    assert LONG_USER in shown
    with fresh_machine(odd) as fresh:
        done = fresh.restore()
        assert [finding for o in done.values() for finding in o.findings] == []
        assert same(captured, fresh.inventory()) == {}
        assert fresh.run(CONTENTS).text.split() == ["Note:one", "note:two"]
        (flow,) = fresh.query(FLOW_OF_ALIKE, org=ODD, C=odd.clients[ODD])
        rows = fresh.query(OF_SOURCES, org=ODD, C=odd.clients[ODD], F=flow["F"])
        assert {row["Of"]: row["Rows"] for row in rows} == {"one": 3, "two": 3}
        assert len(odd.manifest.served) == 2
        assert set(captured.orgs["root"]["tools"]) == {"Mine", "Mine 2", "Theirs"}
        for served in odd.manifest.served:
            url = f"https://{fresh.machine.address}:8000/{served.path}"
            trusting = ssl._create_unverified_context()  # noqa: S323 - its own CA
            with urlopen(url, context=trusting) as answer:
                assert hashlib.sha256(answer.read()).hexdigest() == served.file.sha256
        assert fresh.restore()["import the archives"].detail.startswith("0 flows imported")
        only = "SELECT client_id FROM clients() WHERE client_id = C"
        assert fresh.query(only, org=ODD, C=odd.clients[ODD])


def without(odd, part):
    """The same point, its root backup without a part of the root org."""
    vault, folder = open_vault(str(odd.vault)), odd.vault.parent
    (backup,) = [one for one in odd.manifest.backups if one.org == "root"]
    source = vault.fetch(backup.file, folder / "whole.zip")
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(folder / "less.zip", "w") as new:
        for name in old.namelist():
            if not name.startswith(f"orgs/root/{part}.json"):
                new.writestr(name, old.read(name))
    with (folder / "less.zip").open("rb") as less:
        stored = vault.put(less, "less.zip")
    manifest = odd.manifest.model_copy(
        update={
            "point": f"{odd.manifest.point[:-6]}ffffff",
            "backups": [backup.model_copy(update={"file": stored})],
        }
    )
    vault.commit(manifest)
    return dataclasses.replace(odd, manifest=manifest)


def test_a_backup_that_lacks_a_part_brings_the_others_and_every_tag(odd):
    """Tags that are set one after the other are on disk late: a restart lost most of them."""
    less = without(odd, "notebooks")
    captured = less.manifest.inventory
    said = "root: notebooks do not come back: less.zip has no notebooks.json"
    with fresh_machine(less) as fresh:
        told = []
        done = fresh.restore("server", strategy=["backup"], accounts="all", say=told.append)
        assert done["check the recovery point"].findings == [said]
        assert told.index(f"not in this point: {said}") < told.index("install the package …")
        assert done["restore the backup"].findings == []
        found = fresh.inventory()
        # A backup holds the tags of custom artifacts alone; that is told, and no finding.
        assert [line for line in told if line.startswith("not back: ")] == [
            "not back: root: 1 of 1 notebooks lost or changed"
        ]
        for org, name in (("root", "Generic.Client.Info"), (ODD, OWN)):
            assert name not in found.orgs[org]["artifact_tags"]
            found.orgs[org]["artifact_tags"][name] = captured.orgs[org]["artifact_tags"][name]
        for org in captured.orgs:
            for item in ("artifacts", "artifact_tags", "clients", "labels", "hunts", "acls"):
                assert found.orgs[org][item] == captured.orgs[org][item], (org, item)
        assert len(captured.orgs["root"]["artifact_tags"]) >= 4
        assert found.orgs["root"]["notebooks"] == {}
        assert captured.orgs["root"]["notebooks"] != {}
