"""Rows of real calls (transcript of 0.77.2) into entries: what counts, what is passed over."""

import json
from pathlib import Path

import pytest

from recovery.velociraptor import inventory_entries as entries

TRANSCRIPT = Path(__file__).parents[2] / "fixtures" / "velociraptor-0.77.2" / "transcript.jsonl"


@pytest.fixture(scope="module")
def recorded():
    return [json.loads(line) for line in TRANSCRIPT.read_text().splitlines()]


def hunt(**changed):
    row = {
        "hunt_id": "H.1",
        "hunt_description": "look",
        "expires": 1796020561730690,
        "tags": ["b", "a"],
        "condition": None,
        "start_request": {
            "artifacts": ["Custom.A"],
            "cpu_limit": 50,
            "specs": [
                {
                    "artifact": "Custom.A",
                    "parameters": {"env": [{"key": "K", "value": "v", "comment": ""}]},
                    "timeout": 0,
                }
            ],
        },
    }
    return row | changed


def test_clients_are_known_by_host_and_system_not_by_when_they_called():
    row = {"client_id": "C.1", "hostname": "vm", "system": "linux", "labels": ["x"]}
    later = row | {"last_seen_at": 5, "labels": None}
    (first, labels), (second, none) = entries.clients([row]), entries.clients([later])
    assert first == second
    assert list(labels) == ["C.1/x"]
    assert none == {}


def test_the_server_itself_is_no_client():
    row = {"client_id": "server", "hostname": "server", "system": "", "labels": []}
    assert entries.clients([row]) == ({}, {})


def test_recorded_server_metadata_without_the_defaults(recorded):
    (row,) = recorded[17]["rows"]
    assert sorted(entries.server_metadata(row["m"])) == ["dr_note", "n"]


def test_recorded_server_monitoring_table(recorded):
    (row,) = recorded[25]["rows"]
    found = entries.server_monitoring(row["r"])
    assert sorted(found) == ["Server.Monitor.Health", "Server.Monitoring.RSSFeeds"]
    # The same table after a restore lists no specs: nothing that anybody set is lost by that.
    (later,) = recorded[274]["rows"]
    assert entries.server_monitoring(later["s"]) == found


def test_client_monitoring_is_known_by_label_and_artifact():
    table = {
        "version": 1,
        "artifacts": {"artifacts": ["A"]},
        "label_events": [
            {
                "label": "prod",
                "artifacts": {
                    "artifacts": ["A"],
                    "specs": [{"artifact": "A", "parameters": {"env": [{"key": "k"}]}}],
                },
            }
        ],
    }
    found = entries.client_monitoring(table)
    assert sorted(found) == ["all clients/A", "prod/A"]
    assert found["all clients/A"] != found["prod/A"]
    assert entries.client_monitoring(table | {"version": 2}) == found


def test_a_hunts_state_and_statistics_do_not_count():
    assert entries.hunts([hunt()]) == entries.hunts([hunt(state="PAUSED", stats={"x": 1})])


def test_lost_parameters_show_in_the_parameters_alone():
    bare = hunt(start_request={"artifacts": ["Custom.A"], "summary": True})
    (hunts, parameters), (same, other) = entries.hunts([hunt()]), entries.hunts([bare])
    assert hunts == same
    assert parameters != other


@pytest.mark.parametrize(
    "changed", [{"hunt_description": "x"}, {"expires": 1}, {"tags": []}, {"condition": {"os": 1}}]
)
def test_what_was_asked_of_a_hunt_counts(changed):
    assert entries.hunts([hunt(**changed)])[0] != entries.hunts([hunt()])[0]


def test_recorded_flows_count_by_artifacts_and_rows_in_any_order(recorded):
    rows = [row | {"Client": row["client_id"]} for row in recorded[105]["rows"]]
    found = entries.flows(rows)
    interrogations = [
        found["C.3c2efc19d6c01c20/F.DC1U0PG8312TK"],
        found["C.cad7afe0171b436e/F.DC1TVOS8H32B6"],
    ]
    assert interrogations[0] == interrogations[1]
    assert len(found) == 3


@pytest.mark.parametrize("state", ["RUNNING", "WAITING", "IN_PROGRESS", "UNRESPONSIVE"])
def test_flows_that_have_not_ended_do_not_count(state):
    row = {
        "Client": "C.1",
        "session_id": "F.1",
        "state": state,
        "artifacts_with_results": [],
        "total_collected_rows": 1,
        "total_uploaded_files": 1,
    }
    assert entries.flows([row]) == {}
    assert entries.flows_with_uploads([row]) == []


def test_a_recorded_upload_has_path_and_size(recorded):
    rows = [row | {"Client": "C.1", "Flow": "F.1"} for row in recorded[146]["rows"]]
    assert entries.uploads(rows) == {"C.1/F.1/file/srv/lab1/client1/evidence.txt": "4082"}


def test_a_recorded_notebook_counts_by_inputs_not_outputs(recorded):
    (row,) = recorded[277]["rows"]
    book = {
        "notebook_id": "N.1",
        "name": "DR",
        "description": "",
        "collaborators": ["b", "a"],
        "public": False,
        "cells": row["c"],
    }
    recalculated = [cell | {"output": "other", "timestamp": 1} for cell in row["c"]]
    edited = [cell | {"input": "other"} for cell in row["c"]]
    found = entries.notebooks([book])
    assert entries.notebooks([book | {"cells": recalculated, "collaborators": ["a", "b"]}]) == found
    assert entries.notebooks([book | {"cells": edited}]) != found


def test_recorded_secrets_are_known_by_type_and_name(recorded):
    found = entries.secrets(recorded[62]["rows"])
    assert list(found) == ["AWS S3 Creds/S3Token"]
    other = json.loads(json.dumps(recorded[62]["rows"]))
    other[0]["secrets"][0]["users"] = []
    assert entries.secrets(other) != found


def test_inherited_and_internal_artifacts_are_not_this_orgs():
    base = {"type": "CLIENT", "raw": "name: A", "built_in": False, "is_inherited": False}
    rows = [
        base | {"name": "Own", "metadata": {"tags": ["t"], "hidden": False}},
        base | {"name": "Inherited", "is_inherited": True, "metadata": None},
        base | {"name": "Tagged", "is_inherited": True, "metadata": {"tags": ["own"]}},
        base | {"name": "In", "type": "INTERNAL", "built_in": True, "metadata": {"hidden": True}},
    ]
    own, tags = entries.artifacts(rows)
    assert list(own) == ["Own"]
    assert list(tags) == ["Own", "Tagged"]
