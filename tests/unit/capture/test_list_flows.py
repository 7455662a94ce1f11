from recovery.capture.collection import flow_collection, recorded_collection
from recovery.capture.list_flows import unchanged
from recovery.vault.manifest import FlowRecord

ROW = {
    "Client": "C.1",
    "session_id": "F.1",
    "state": "FINISHED",
    "create_time": 1_795_000_000_000_000,
    "active_time": 1_795_000_000_123_457,
    "total_collected_rows": 7,
    "total_uploaded_files": 1,
    "total_uploaded_bytes": 12,
    "artifacts_with_results": ["A/B"],
    "artifacts": ["A"],
}
FLOW = flow_collection("root", ROW, "host")
BEFORE = {"C.1/F.1": FLOW.record("stamp")}


def test_a_flow_is_known_again_as_it_was():
    record = FlowRecord(*BEFORE["C.1/F.1"])
    assert recorded_collection("root", "C.1/F.1", record) == FLOW


def test_what_has_its_stamp_and_host_still_holds():
    assert unchanged(BEFORE, {"C.1/F.1": "stamp", "C.1/F.2": "new"}, {"C.1": "host"}) == BEFORE


def test_what_was_written_again_renamed_or_removed_is_asked_for():
    stamps, hosts = {"C.1/F.1": "stamp"}, {"C.1": "host"}
    assert unchanged(BEFORE, {"C.1/F.1": "other"}, hosts) == {}
    assert unchanged(BEFORE, {"C.1/F.1": ""}, hosts) == {}
    assert unchanged(BEFORE, {}, hosts) == {}
    assert unchanged(BEFORE, stamps, {"C.1": "renamed"}) == {}
    assert unchanged(BEFORE, stamps, {}) == {}


def test_what_had_no_stamp_is_asked_for():
    before = {"C.1/F.1": FLOW.record("")}
    assert unchanged(before, {"C.1/F.1": ""}, {"C.1": "host"}) == {}
