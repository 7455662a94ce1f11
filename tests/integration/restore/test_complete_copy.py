"""A complete copy comes back on a new machine: everything, as it was then, whoever owns it."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from recovery.capture.capture_point import capture
from recovery.capture.options import CaptureOptions
from recovery.errors import BadInputError, CommandError
from recovery.restore.request import RestoreRequest
from recovery.restore.run_group import run_group
from recovery.target import open_target
from recovery.vault.store import open_vault
from recovery.velociraptor.api import open_api
from recovery.velociraptor.config import ServerConfig
from server_deb.build import BuildRequest, build_package
from tests.integration.restore.conftest import Captured, Fresh, live, same, until
from tests.integration.target.machines import machine
from tests.integration.verify.conftest import MERGE

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(shutil.which("restic") is None, reason="no restic here; `make setup`"),
]
REPOSITORY = "/srv/copies"
PASSWORD = "only-for-this-test"
COLLECT = """
SELECT collect_client(client_id=C, artifacts="Custom.Test.Rows", env=dict(N="9")).flow_id AS F
FROM scope()
"""
FLOW = "SELECT session_id FROM flows(client_id=C, flow_id=F) WHERE state = 'FINISHED'"
STATE = "SELECT hunt_id, state FROM hunts()"


@pytest.fixture(scope="module")
def copies(server_binary, tmp_path_factory):
    """Two points of one server, each with its copy; the repository as a tar; a later flow."""
    folder = tmp_path_factory.mktemp("copies")
    os.environ["XDG_STATE_HOME"] = str(folder / "state")
    merge = folder / "merge.json"
    merge.write_text(json.dumps(MERGE))
    made = subprocess.run(
        [server_binary, "config", "generate", "--merge_file", merge],
        capture_output=True,
        check=True,
    )
    config = ServerConfig.parse(made.stdout)
    package = build_package(
        BuildRequest(binary=server_binary, config=config.raw, output=folder / "package")
    )
    vault = folder / "vault"
    options = CaptureOptions(
        strategy=["redeploy", "state", "datastore"],
        package=str(package.path),
        repository=REPOSITORY,
    )
    with pytest.MonkeyPatch.context() as patch, machine("test-copied") as found:
        patch.setenv("RESTIC_PASSWORD", PASSWORD)
        target = open_target(found.uri)
        target.put(package.path, "/root/server.deb", mode=0o600)
        target.run(["dpkg", "-i", "/root/server.deb"], timeout=120)
        with open_api(target, config) as api:
            api.wait_ready(60)
            clients = live(target, api)
            said = []
            first = capture(target, open_vault(str(vault)), options, said.append)
            env = {"C": clients["root"]}
            later = api.query(COLLECT, env=env, min_rows=1)[0]["F"]
            until(lambda: api.query(FLOW, env={**env, "F": later}))
            second = capture(target, open_vault(str(vault)), options, said.append)
        tar = target.run(["tar", "-c", "-C", REPOSITORY, "."], timeout=120).stdout
        target.close()
    assert first.gaps == second.gaps == []
    return Captured(vault, first, config, clients), second, tar, later, said


@pytest.fixture
def empty(copies, monkeypatch):
    """A machine that has the repository, as one has a mounted share, and another uid."""
    monkeypatch.setenv("RESTIC_PASSWORD", PASSWORD)
    captured, _, tar, _, _ = copies
    with machine("test-copy") as found:
        target = open_target(found.uri)
        target.run(["useradd", "--system", "someone-else"])
        target.run(["mkdir", "-p", REPOSITORY])
        target.run(["tar", "-x", "-C", REPOSITORY], stdin=tar, timeout=120)
        target.close()
        yield Fresh(found, captured)


def test_the_second_copy_is_incremental_and_each_has_its_point(copies):
    captured, second, _, _, said = copies
    assert captured.manifest.datastore.snapshot != second.datastore.snapshot
    lines = [line for line in said if line.startswith("copy ") and "sent" in line]
    sent = [float(line.split(" MB sent")[0].rsplit(" ", 1)[1]) for line in lines]
    assert sent[1] < sent[0] / 2


def test_everything_is_back_as_it_was_then(copies, empty):
    captured, second, _, later, _ = copies
    done = empty.restore("server", strategy=["datastore"], point=second.point)
    assert done["place the datastore"].findings == []
    assert same(second.inventory, empty.inventory()) == {}
    assert empty.query(FLOW, C=captured.clients["root"], F=later)
    ds = captured.config.datastore
    assert empty.run(f"find {ds} ! -user velociraptor").text == ""
    assert empty.run(f"ls -a {ds}").text.count("velociraptor-recovery") == 0
    # A recovery starts nothing.
    assert {str(row["state"]) for row in empty.query(STATE)} <= {"PAUSED", "1"}


def test_an_earlier_point_and_one_org_alone(copies, empty):
    captured, _, _, later, _ = copies
    done = empty.restore("server", strategy=["datastore"], orgs=["root"])
    assert done["place the datastore"].status == "done"
    assert empty.query(FLOW, C=captured.clients["root"], F=later) == []
    orgs = {row["OrgId"] for row in empty.query("SELECT OrgId FROM orgs()")}
    assert orgs == {"root"}
    ds = captured.config.datastore
    assert empty.run(f"ls {ds}/orgs 2>/dev/null || :").text == ""
    # Again: what is done is not done twice.
    again = empty.restore("server", strategy=["datastore"], orgs=["root"])
    assert again["place the datastore"].status == "already done"


def test_what_was_caught_half_written_comes_from_the_copy_before(copies, empty):
    captured, second, _, _, _ = copies
    ds, client = captured.config.datastore, captured.clients["root"]
    env = f"RESTIC_PASSWORD={PASSWORD} RESTIC_REPOSITORY={REPOSITORY}"
    target = open_target(empty.uri)
    target.put(Path(shutil.which("restic")), "/usr/bin/restic", mode=0o755)
    target.close()
    # The second copy once more, with a record emptied as a write in progress leaves it.
    empty.run(f"mkdir -p {ds}; {env} restic restore {second.datastore.snapshot} --target {ds}")
    records = f"clients/{client}/collections/*/task.json.db clients/{client}/*.json.db"
    record = empty.run(f"cd {ds}; ls {records} 2>/dev/null | head -n 1").text
    assert record
    host = f"velociraptor-{captured.config.deployment[:16]}"
    tags = f"--tag velociraptor-recovery --tag deployment={captured.config.deployment}"
    # A copy in between is a stranger's: a link in the record's place, and a file to be picked up.
    empty.run("echo mine > /root/victim")
    empty.run(
        f"ln -sf /root/victim {ds}/{record}; mkdir {ds}/none; echo {{}} > {ds}/none/x.json.db"
    )
    empty.run(f"cd {ds}; {env} restic backup . --host {host} {tags} --tag point=Y; sleep 1.1")
    empty.run(f"cd {ds}; rm {record}; : > {record}; mv none 'n*ne'; : > 'n*ne/x.json.db'")
    empty.run(f"cd {ds}; {env} restic backup . --host {host} {tags} --tag point=X")
    torn = json.loads(empty.run(f"{env} restic snapshots --json --tag point=X").text)[0]["id"]
    # What an attempt that was cut off may leave: restic would write through it.
    empty.run(f"rm -rf {ds}; mkdir -p {ds}/{Path(record).parent}; ln -s /root/victim {ds}/{record}")
    copy = second.datastore.model_copy(update={"snapshot": torn})
    vault = open_vault(str(captured.vault))
    point = second.model_copy(update={"point": "20990101T000000Z-aaaaaa", "datastore": copy})
    vault.commit(point)
    try:
        request = RestoreRequest(
            target=empty.uri, vault=str(captured.vault), point=point.point, strategy=["datastore"]
        )
        result = run_group("server", request, lambda _line: None)
        placed = next(o for o in result.outcomes if o.step == "place the datastore")
        unmended = "n*ne/x.json.db: caught half-written, and no earlier copy has it whole"
        assert placed.findings == [unmended]
        assert empty.run(f"ls {ds}/none 2>/dev/null; cat /root/victim").text == "mine"
        assert empty.run(f"stat -c %F {ds}/{record}").text == "regular file"
        assert empty.run(f"stat -c %U {ds}/{record}").text == "velociraptor"
    finally:
        (captured.vault / "points" / f"{point.point}.json").unlink()


def test_a_wrong_password_or_a_choice_within_is_refused(copies, empty, monkeypatch):
    with pytest.raises(BadInputError, match="whole, or by org"):
        empty.restore("server", strategy=["datastore"], users=["alice"])
    monkeypatch.setenv("RESTIC_PASSWORD", "another")
    with pytest.raises(CommandError) as refused:
        empty.restore("server", strategy=["datastore"])
    assert "another repository's password" in refused.value.hint
