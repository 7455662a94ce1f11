"""Whatever bytes a backup or an export holds: rows, or a ServiceError; nothing else, no hang."""

import contextlib
import io
import json
import zipfile

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from server_app.services import ServiceError
from tests.unit.server_app.fuzzing import examples, fuzzed

EXPORTS = ("flow_custom_artifact.zip", "hunt_H.DC1TTKB0VNFA8.zip", "flow_with_upload.zip")
BACKUP = "backup_root_before_disaster.zip"
MARKER = "name: Custom.Server.Marker\nsources:\n  - query: SELECT OS FROM info()\n"
calm = settings(
    **examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
places = st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 255)), min_size=1, max_size=8)


def changed(data, marks):
    out = bytearray(data)
    for place, value in marks:
        out[place % len(out)] = value
    return bytes(out)


def imported(org, data):
    with contextlib.suppress(ServiceError):
        org.exports.import_collection(
            lambda: io.BytesIO(data), display="x", client_id="", hostname="", log=lambda _: None
        )


@fuzzed
@calm
@example(  # the zip module then reads before the file's start
    name="hunt_H.DC1TTKB0VNFA8.zip",
    marks=[(95, 202), (3183, 195), (12494, 141), (937, 176), (1327, 1), (236, 236)],
)
@given(name=st.sampled_from(EXPORTS), marks=places)
def test_changed_bytes_of_an_export(root, recorded, name, marks):
    imported(root, changed((recorded / name).read_bytes(), marks))


@fuzzed
@calm
@given(marks=places)
def test_changed_bytes_of_a_backup(root, recorded, marks):
    path = root.backups.path("X")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(changed((recorded / BACKUP).read_bytes(), marks))
    with contextlib.suppress(ServiceError):
        list(root.backups.restore("X"))


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@fuzzed
@calm
@given(value=odd, member=st.sampled_from(["hunt_info.json", "collection_context.json"]))
def test_any_json_where_a_record_belongs(root, value, member):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(member, json.dumps(value))
        archive.writestr("client_info.json", json.dumps(value))
        archive.writestr("uploads.json", json.dumps(value) + "\n")
    imported(root, buffer.getvalue())


@pytest.mark.parametrize("identifier", ["../../../evil", "..", ".", "a/b"])
def test_ids_in_an_archive_cannot_leave_the_datastore(root, tmp_path, identifier):
    root.artifacts.set(MARKER, [], "admin")
    before = {path for path in tmp_path.rglob("*") if root.store.root not in path.parents}
    for member, record in (
        ("collection_context.json", {"session_id": identifier, "client_id": identifier}),
        (
            "hunt_info.json",
            {"hunt_id": identifier, "start_request": {"artifacts": ["Custom.Server.Marker"]}},
        ),
    ):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(member, json.dumps(record))
            archive.writestr(
                "uploads.json", json.dumps({"_Components": ["uploads", "..", "..", "evil"]}) + "\n"
            )
        imported(root, buffer.getvalue())
    assert {path for path in tmp_path.rglob("*") if root.store.root not in path.parents} == before
