"""The disk is believed about flows only where it has proved that it knows them."""

from types import SimpleNamespace

import pytest

from recovery import commands
from recovery.restore.flow_records import believe_records, maybe_there

CLIENT = "C.1111111111111111"
IMPORTED, OTHER, LEFT = (CLIENT, "F.1"), (CLIENT, "F.2"), (CLIENT, "F.3")


@pytest.fixture
def context(tmp_path):
    """A server's folder with the record of one flow, and what is left of another without one."""
    config = SimpleNamespace(datastore=str(tmp_path), write_delay=0.0)
    target = SimpleNamespace(run=commands.run)
    folder = tmp_path / "orgs/OACME/clients" / CLIENT / "collections"
    (folder / "F.3").mkdir(parents=True)
    (folder / "F.1.json.db").write_text("{}")
    return SimpleNamespace(config=config, target=target, records_believed=set())


def test_before_any_proof_all_are_asked_for(context):
    assert maybe_there(context, "OACME", [IMPORTED, OTHER]) == {IMPORTED, OTHER}


def test_after_it_only_those_that_the_disk_has(context):
    believe_records(context, "OACME", [IMPORTED])
    assert maybe_there(context, "OACME", [IMPORTED, OTHER, LEFT]) == {IMPORTED, LEFT}


def test_another_org_has_to_prove_it_by_itself(context):
    believe_records(context, "OACME", [IMPORTED])
    assert maybe_there(context, "root", [OTHER]) == {OTHER}


@pytest.mark.parametrize("imported", [[], [OTHER], [IMPORTED, OTHER]])
def test_a_layout_that_keeps_records_elsewhere_is_not_believed(context, imported):
    believe_records(context, "OACME", imported)
    assert maybe_there(context, "OACME", [OTHER]) == {OTHER}


def test_a_server_that_writes_late_is_asked(context):
    context.config.write_delay = 3.0
    believe_records(context, "OACME", [IMPORTED])
    assert maybe_there(context, "OACME", [OTHER]) == {OTHER}


@pytest.mark.parametrize("flow", ["F.\u00e4", "F 2", "F.2%", "../F.2", "F.2\n", ".F"])
def test_ids_that_a_server_would_escape_are_asked_for(context, flow):
    believe_records(context, "OACME", [IMPORTED])
    assert maybe_there(context, "OACME", [(CLIENT, flow)]) == {(CLIENT, flow)}
