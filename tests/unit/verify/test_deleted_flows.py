"""A flow deleted before the capture is no loss, though its hunt lists it still."""

from recovery.vault.manifest import FlowRecord
from recovery.velociraptor.inventory import Inventory
from recovery.velociraptor.inventory_entries import hunt_results
from recovery.verify.compare import compare
from recovery.verify.deleted_flows import without_deleted_flows
from tests.unit.restore.points import Point

RECORD = FlowRecord("1", "h", "FINISHED", 1, [], 0, 0, "x")


def members(*flows):
    return hunt_results(
        {"HuntId": "H.1", "ClientId": client, "FlowId": "F.1.H"} for client in flows
    )


def lines(tmp_path, strategy, restored, **records):
    """The line of a hunt of three clients; the second's flow was deleted before."""
    items = {"hunt_results": members("C.1", "C.2", "C.3"), "flows": {"C.1/F.1.H": "x"}}
    known = {"flow_records": {"root": {"C.3/F.1.H": RECORD}}} | records
    inventory = Inventory(orgs={"root": items})
    manifest = Point(tmp_path).make().model_copy(update={"inventory": inventory} | known)
    there = Inventory(orgs={"root": {"hunt_results": members(*restored)}})
    found = compare(*without_deleted_flows(manifest, there), strategy)
    return next(line for line in found if line.item == "hunt_results")


def test_it_is_not_lost_where_archives_bring_the_others(tmp_path):
    line = lines(tmp_path, ["backup", "collections"], ["C.1", "C.3"])
    assert (line.captured, line.restored, line.lost, line.added) == (2, 2, 0, 0)


def test_it_is_not_new_where_a_state_brings_the_line(tmp_path):
    line = lines(tmp_path, ["state"], ["C.1", "C.2", "C.3"])
    assert (line.captured, line.restored, line.lost, line.added) == (2, 2, 0, 0)


def test_what_is_lost_or_new_is_called_that(tmp_path):
    line = lines(tmp_path, ["backup", "collections"], ["C.1", "C.9"])
    assert (line.missing, line.unknown) == (["H.1/C.3/F.1.H"], ["H.1/C.9/F.1.H"])


def test_a_point_that_does_not_say_which_flows_there_were_keeps_all(tmp_path):
    line = lines(tmp_path, ["backup", "collections"], ["C.1", "C.3"], flow_records={})
    assert line.missing == ["H.1/C.2/F.1.H"]
