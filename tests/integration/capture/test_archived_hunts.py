"""Hunts that an older server archived: on the disk, but in no list of today's server."""

import io
import json
import tarfile

import pytest

from recovery.target import open_target
from recovery.vault.open import open_vault
from recovery.velociraptor.api import open_api

from .conftest import ROWS, ask, running_server, start_client, until

pytestmark = pytest.mark.slow
HUNT = """SELECT hunt(description="old", artifacts="Custom.Test.Rows", expires=now()+864000).HuntId
          AS Hunt FROM scope()"""
TAKEN_PART = "SELECT FlowId FROM hunt_flows(hunt_id=H) WHERE Flow.state = 'FINISHED'"


def wait_ready(running):
    with open_api(open_target("local://"), running.config) as api:
        api.wait_ready(60)


def archive(running, hunt):
    """As an older server left it: the record says so, and the index has it no more."""
    server = running.processes[0]
    server.terminate()
    server.wait(60)
    hunts = running.datastore / "hunts"
    record = hunts / f"{hunt}.json.db"
    content = json.loads(record.read_text()) | {"state": "ARCHIVED"}
    record.write_text(json.dumps(content))
    for index in hunts.glob("index.json*"):
        index.unlink()
    running.start("--config", str(running.folder / "server.config.yaml"), "frontend")
    wait_ready(running)


@pytest.fixture(scope="module")
def archived(server_binary, tmp_path_factory):
    """A server with one hunt, archived; its id, and the id of the flow of its client."""
    with running_server(server_binary, tmp_path_factory.mktemp("archived")) as running:
        start_client(running, "root", "")
        known = "SELECT client_id FROM clients() WHERE last_interrogate_flow_id"
        until(lambda: ask(running, known))
        running.query("SELECT artifact_set(definition=R).name AS A FROM scope()", R=ROWS)
        hunt = running.query(HUNT)[0]["Hunt"]
        flow = until(lambda: ask(running, TAKEN_PART, H=hunt))[0]["FlowId"]
        # A server of today knows the word, and does nothing.
        delete = "SELECT * FROM hunt_delete(hunt_id=H, archive=TRUE, really_do_it=TRUE)"
        assert ask(running, delete, H=hunt) == []
        assert [row["hunt_id"] for row in ask(running, "SELECT * FROM hunts()")] == [hunt]
        archive(running, hunt)
        assert ask(running, "SELECT * FROM hunts()") == []
        yield running, hunt, flow


@pytest.fixture(scope="module")
def vault(tmp_path_factory):
    return tmp_path_factory.mktemp("archived-vault") / "vault"


def test_its_record_and_its_flows_are_captured_and_nothing_is_a_gap(archived, vault, tmp_path):
    running, hunt, flow = archived
    manifest = running.capture(vault)
    assert manifest.gaps == []
    kept = {archive.flow_id: archive for archive in manifest.archives}
    assert kept[flow].rows == 7
    assert not [archive for archive in manifest.archives if archive.kind == "hunt"]
    assert manifest.inventory.orgs["root"]["hunts"] == {}
    stored = open_vault(str(vault), {}).fetch(manifest.state[0].tar, tmp_path / "state.tar")
    with tarfile.open(fileobj=io.BytesIO(stored.read_bytes())) as tar:
        record = json.load(tar.extractfile(f"hunts/{hunt}.json.db"))
        assert record["state"] == "ARCHIVED"
        assert f"hunts/{hunt}/request.json.db" in tar.getnames()


def test_asked_for_by_its_id_it_is_a_gap_with_its_name(archived, vault):
    running, hunt, flow = archived
    manifest = running.capture(vault, hunts=[hunt])
    (gap,) = manifest.gaps
    assert gap.startswith(f"{hunt}: the server lists no such hunt")
    assert flow in {archive.flow_id for archive in manifest.archives}
