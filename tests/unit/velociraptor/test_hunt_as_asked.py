"""A hunt's record in a file against what the same server (0.77.2) answered to a query of it."""

from recovery.velociraptor import inventory_entries as entries
from recovery.velociraptor.backup_entries import hunt_as_asked

IN_AN_EXPORT = {
    "hunt_id": "H.A",
    "hunt_description": "limited",
    "expires": "1796582158343697",
    "start_request": {
        "creator": "VelociraptorServer",
        "artifacts": ["Generic.Client.Info"],
        "specs": [
            {
                "artifact": "Generic.Client.Info",
                "parameters": {"env": [{"key": "max_rows", "value": "007"}]},
                "max_batch_wait": "10",
                "timeout": "5",
            }
        ],
        "cpu_limit": 12.5,
        "timeout": "77",
        "max_rows": "9",
        "max_upload_bytes": "1234567",
        "compiled_collector_args": [{"query_id": "1", "timeout": "77"}],
        "ops_per_second": 3,
    },
}
AS_ASKED = {
    "hunt_id": "H.A",
    "hunt_description": "limited",
    "expires": 1796582158343697,
    "tags": [],
    "condition": {"os": {"os": "ALL"}},
    "start_request": {
        "creator": "VelociraptorServer",
        "artifacts": ["Generic.Client.Info"],
        "specs": [
            {
                "artifact": "Generic.Client.Info",
                "parameters": {"env": [{"key": "max_rows", "value": "007"}]},
                "cpu_limit": 0,
                "max_batch_wait": 10,
                "max_batch_rows": 0,
                "timeout": 5,
            }
        ],
        "cpu_limit": 12.5,
        "timeout": 77,
        "max_rows": 9,
        "max_logs": 0,
        "max_upload_bytes": 1234567,
        "compiled_collector_args": [{"query_id": 1, "timeout": 77}],
        "ops_per_second": 3,
    },
}


def test_a_hunts_limits_are_counted_alike():
    assert entries.hunts([hunt_as_asked(IN_AN_EXPORT)]) == entries.hunts([AS_ASKED])


def test_another_limit_is_another_count():
    for name in ("timeout", "max_rows"):
        request = {**IN_AN_EXPORT["start_request"], name: "78"}
        _, parameters = entries.hunts([hunt_as_asked({**IN_AN_EXPORT, "start_request": request})])
        assert parameters != entries.hunts([AS_ASKED])[1]


def test_a_number_that_is_none_is_left_for_the_comparison():
    request = {**IN_AN_EXPORT["start_request"], "timeout": "soon"}
    assert (
        hunt_as_asked({**IN_AN_EXPORT, "start_request": request})["start_request"]["timeout"]
        == "soon"
    )
