import json
import zipfile
from pathlib import Path

import pytest

from server_app.datastore import records


def rows(recorded: Path, archive: str, member: str) -> list[dict]:
    with zipfile.ZipFile(recorded / archive) as found:
        return [json.loads(line) for line in found.read(member).splitlines()]


def test_client_records_of_a_real_backup_survive_all_forms(recorded):
    for row in rows(recorded, "backup_root_before_disaster.zip", "orgs/root/client_info.json"):
        record = records.compact("ClientInfo", row)
        assert json.dumps(record) == json.dumps(row)
        assert records.from_wire("ClientInfo", records.to_wire("ClientInfo", record)) == record
        assert records.from_stored("ClientInfo", records.to_json("ClientInfo", record)) == record


@pytest.mark.parametrize(("kind", "field"), [("Notebook", "notebook"), ("Cell", "cell")])
def test_notebooks_of_a_real_backup_keep_fields_and_their_order(recorded, kind, field):
    found = rows(recorded, "backup_root_before_disaster.zip", "orgs/root/notebooks.json")
    kept = [row[field] for row in found if row[field]]
    assert kept
    for row in kept:
        assert json.dumps(records.compact(kind, row)) == json.dumps(row)


@pytest.mark.parametrize(
    ("member", "kind"), [("collection_context.json", "Flow"), ("requests.json", "Tasks")]
)
def test_flow_members_of_a_real_export_keep_fields_and_their_order(recorded, member, kind):
    for name in ("flow_custom_artifact.zip", "flow_with_upload.zip", "flow_from_hunt.zip"):
        with zipfile.ZipFile(recorded / name) as archive:
            found = json.loads(archive.read(member))
        assert json.dumps(records.compact(kind, found)) == json.dumps(found)


def test_hunt_info_of_a_real_export_is_spelled_the_same(recorded):
    with zipfile.ZipFile(recorded / "hunt_H.DC1TTKB0VNFA8.zip") as archive:
        found = json.loads(archive.read("hunt_info.json"))
    assert json.dumps(records.spelled("Hunt", found)) == json.dumps(found)


def test_stored_json_uses_the_names_and_numbers_of_a_real_server():
    hunt = {"hunt_id": "H.1", "create_time": 7, "state": 2}
    assert records.to_json("Hunt", hunt) == (b'{"huntId":"H.1","createTime":"7","state":"RUNNING"}')


def test_a_full_row_shows_every_field_of_the_recorded_request(recorded):
    call = (recorded / "transcript.jsonl").read_text().splitlines()[19]
    shown = json.loads(call)["rows"][0]["flow"]["request"]
    assert list(records.full("Args", shown)) == list(shown)
    assert records.full("Args", shown) == shown


@pytest.mark.parametrize("data", [b"{", b"{}x", b"\xff\xff\xff", b'{"createTime":{}}'])
def test_bytes_that_hold_no_record_are_refused(data):
    with pytest.raises(records.RecordError):
        records.from_stored("Hunt", data)


def test_unknown_fields_are_passed_over():
    assert records.from_stored("Hunt", b'{"huntId":"H.1","fromTheFuture":{"a":1}}') == {
        "hunt_id": "H.1"
    }
