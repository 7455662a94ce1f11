"""Facts, "Exports and imports": one test a trap, named after it."""

import io
import json
import zipfile

import pytest

from server_app.services import ServiceError

CLIENT = "C.cad7afe0171b436e"
HUNT = "H.DC1TTKB0VNFA8"
MARKER = "name: Custom.Server.Marker\nparameters:\n  - name: Greeting\n    default: hello\n"
MARKER += "sources:\n  - query: SELECT Greeting, OS FROM info()\n"


def flows(org, client_id=CLIENT):
    return [row["session_id"] for row in org.flows.list(client_id)]


def test_a_real_flow_comes_in_with_its_rows(root, imported):
    lines = []
    flow = imported(root, "flow_custom_artifact.zip", lines=lines)
    assert (flow["client_id"], flow["session_id"]) == (CLIENT, "F.DC1TTK8CU03NE")
    assert flow["state"] == 2
    assert lines == [
        "Searching for a client id with hostname 'vm'",
        f"Found client_info.json file in collection: Using client id '{CLIENT}' and hostname 'vm'",
    ]
    rows = list(root.flows.results(CLIENT, "F.DC1TTK8CU03NE", "Custom.Server.Marker"))
    assert rows == [{"Greeting": "hi there", "OS": "linux"}]
    assert len(list(root.flows.logs(CLIENT, "F.DC1TTK8CU03NE"))) == 4


def test_importing_twice_duplicates(root, imported):
    imported(root, "flow_custom_artifact.zip", client_id=CLIENT)
    again = imported(root, "flow_custom_artifact.zip", client_id=CLIENT)
    assert again["session_id"] != "F.DC1TTK8CU03NE"
    assert flows(root) == ["F.DC1TTK8CU03NE", again["session_id"]]


def test_without_client_id_the_host_name_decides_and_the_flow_goes_to_the_wrong_client(
    root, imported
):
    root.clients.create(client_id="C.dddddddddddddddd", hostname="VM")
    flow = imported(root, "flow_custom_artifact.zip")
    assert flow["client_id"] == "C.dddddddddddddddd"


def test_in_other_orgs_the_suffix_is_cut_and_data_lands_on_a_ghost_client(server, imported):
    server.orgs.create("Acme", "OACME")
    org = server.org("OACME")
    org.clients.create(client_id=f"{CLIENT}-OACME", hostname="real")
    flow = imported(org, "flow_custom_artifact.zip", client_id=f"{CLIENT}-OACME")
    assert flow["client_id"] == CLIENT
    assert [row["client_id"] for row in org.clients.list()] == [CLIENT, f"{CLIENT}-OACME"]
    assert flows(org, f"{CLIENT}-OACME") == []


def test_removing_client_info_json_avoids_the_ghost(server, imported, recorded, tmp_path):
    server.orgs.create("Acme", "OACME")
    org = server.org("OACME")
    org.clients.create(client_id=f"{CLIENT}-OACME", hostname="real")
    bare = tmp_path / "bare.zip"
    with (
        zipfile.ZipFile(recorded / "flow_custom_artifact.zip") as source,
        zipfile.ZipFile(bare, "w") as target,
    ):
        for name in source.namelist():
            if name != "client_info.json":
                target.writestr(name, source.read(name))
    flow = imported(org, bare, client_id=f"{CLIENT}-OACME")
    assert flow["client_id"] == f"{CLIENT}-OACME"


def test_client_id_server_works(root, imported):
    assert imported(root, "flow_custom_artifact.zip", client_id="server")["client_id"] == "server"
    assert flows(root, "server") == ["F.DC1TTK8CU03NE"]


def test_hunts_need_their_custom_artifacts_first(root, imported):
    with pytest.raises(ServiceError, match=r"^importHunt: Unknown artifact Custom.Server.Marker$"):
        imported(root, "hunt_H.DC1TTKB0VNFA8.zip")
    assert list(root.hunts.list()) == []


def test_hunts_arrive_stopped_with_their_parameters_and_flows(root, imported):
    root.artifacts.set(MARKER, [], "admin")
    hunt = imported(root, "hunt_H.DC1TTKB0VNFA8.zip")
    assert (hunt["hunt_id"], hunt["state"]) == (HUNT, "STOPPED")
    (row,) = root.hunts.list(HUNT)
    assert row["start_request"]["specs"][0]["parameters"]["env"][0]["value"] == "from hunt"
    assert (
        row["stats"]["total_clients_scheduled"],
        row["stats"]["total_clients_with_results"],
    ) == (2, 3)
    (result,) = root.hunts.results(HUNT, "Custom.Server.Marker")
    assert (result["Greeting"], result["FlowId"]) == ("from hunt", "F.DC1TTKB0VNFA8.H")


def test_importing_a_hunt_twice_makes_a_new_hunt_id(root, imported):
    root.artifacts.set(MARKER, [], "admin")
    imported(root, "hunt_H.DC1TTKB0VNFA8.zip")
    again = imported(root, "hunt_H.DC1TTKB0VNFA8.zip")
    assert again["hunt_id"] != HUNT
    assert len(list(root.hunts.list())) == 2


def test_hunt_import_after_a_hunt_restore_duplicates(root, imported, with_backup):
    with_backup(root, "backup_root_before_disaster.zip", "B")
    list(root.backups.restore("B"))
    assert imported(root, "hunt_H.DC1TTKB0VNFA8.zip")["hunt_id"] != HUNT


def test_hunt_restore_after_import_sets_it_running_without_parameters_in_its_summary(
    root, imported, with_backup
):
    root.artifacts.set(MARKER, [], "admin")
    imported(root, "hunt_H.DC1TTKB0VNFA8.zip")
    with_backup(root, "backup_root_before_disaster.zip", "B")
    list(root.backups.restore("B", providers="Hunt"))
    hunt = next(row for row in root.hunts.list() if row["hunt_id"] == HUNT)
    assert (hunt["state"], hunt["start_request"]["specs"]) == ("RUNNING", [])


def test_a_truncated_zip_gives_an_error_and_three_logs(root, recorded, tmp_path, imported):
    cut = tmp_path / "trunc.zip"
    cut.write_bytes((recorded / "flow_custom_artifact.zip").read_bytes()[:900])
    lines = []
    with pytest.raises(ServiceError, match="unable to load collection_context: zip: not a valid"):
        imported(root, cut, lines=lines)
    assert lines == ["zip: not a valid zip file"] * 3


def test_a_missing_zip_gives_an_error(root, imported, tmp_path):
    with pytest.raises(ServiceError, match=r"^unable to load collection_context: "):
        imported(root, tmp_path / "none.zip")


def test_a_damaged_member_reports_success_with_rows_silently_missing(
    root, recorded, tmp_path, imported
):
    data = bytearray((recorded / "flow_custom_artifact.zip").read_bytes())
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        member = archive.getinfo("results/Custom.Server.Marker.json")
    start = member.header_offset + 30 + len(member.filename)
    data[start + 2 : start + 12] = b"\xff" * 10
    flipped = tmp_path / "bitflip.zip"
    flipped.write_bytes(data)
    lines = []
    flow = imported(root, flipped, client_id=CLIENT, lines=lines)
    assert flow["session_id"] == "F.DC1TTK8CU03NE"
    assert not [line for line in lines if "results" in line]
    assert list(root.flows.results(CLIENT, "F.DC1TTK8CU03NE", "Custom.Server.Marker")) == []
    (row,) = root.flows.list(CLIENT)
    assert (row["state"], row["total_collected_rows"]) == ("FINISHED", 1)


def test_a_password_is_needed_and_suffices(root, imported):
    imported(root, "flow_custom_artifact.zip", client_id=CLIENT)
    path = root.exports.flow(
        CLIENT, "F.DC1TTK8CU03NE", wait=True, password="zippw", name="prot", log=lambda _: None
    )
    sealed = root.files.real_path(path)
    with zipfile.ZipFile(sealed) as archive:
        assert archive.namelist() == ["data.zip"]
    with pytest.raises(ServiceError, match="collection_context: Zip: NotFoundError"):
        imported(root, sealed, client_id=CLIENT)
    with pytest.raises(ServiceError):
        imported(root, sealed, client_id=CLIENT, password="wrong")
    assert imported(root, sealed, client_id=CLIENT, password="zippw")["client_id"] == CLIENT


def test_an_export_of_an_unknown_flow_is_a_valid_nearly_empty_zip(root):
    root.clients.create(client_id=CLIENT, hostname="vm")
    path = root.exports.flow(CLIENT, "F.NOSUCH", wait=True, log=lambda _: None)
    assert path == f"/downloads/{CLIENT}/F.NOSUCH/vm-{CLIENT}-F.NOSUCH.zip"
    with zipfile.ZipFile(root.files.real_path(path)) as archive:
        assert "collection_context.json" not in archive.namelist()
        assert json.loads(archive.read("client_info.json"))["client_id"] == CLIENT


def test_exporting_an_unknown_hunt_fails(root):
    with pytest.raises(ServiceError, match=r"^Hunt not found$"):
        root.exports.hunt("H.NOSUCH", wait=True, log=lambda _: None)


@pytest.mark.parametrize("name", ["flow_custom_artifact.zip", "flow_from_hunt.zip"])
def test_an_export_has_the_members_of_the_real_one(root, imported, recorded, name):
    root.artifacts.set(MARKER, [], "admin")
    flow = imported(root, name)
    path = root.exports.flow(CLIENT, flow["session_id"], wait=True, log=lambda _: None)
    with (
        zipfile.ZipFile(recorded / name) as real,
        zipfile.ZipFile(root.files.real_path(path)) as mine,
    ):
        assert mine.namelist() == real.namelist()
        for member in real.namelist():
            if member not in {"client_info.json", "uploads.json.index"}:
                assert mine.read(member) == real.read(member), member


def test_an_export_leaves_out_the_rows_of_an_artifact_that_is_not_known_any_more(root, imported):
    """Seen on a real server: no error and no log; the flow's record still counts the rows."""
    root.artifacts.set(MARKER, [], "admin")
    flow = imported(root, "flow_custom_artifact.zip")
    root.artifacts.delete("Custom.Server.Marker", "admin")
    said: list[str] = []
    path = root.exports.flow(CLIENT, flow["session_id"], wait=True, log=said.append)
    with zipfile.ZipFile(root.files.real_path(path)) as archive:
        assert not [name for name in archive.namelist() if name.startswith("results/")]
        context = json.loads(archive.read("collection_context.json"))
    assert context["artifacts_with_results"] == ["Custom.Server.Marker"]
    assert context["total_collected_rows"] > 0
    assert said == []


def test_a_hunt_export_has_the_members_of_the_real_one(root, imported, recorded):
    root.artifacts.set(MARKER, [], "admin")
    imported(root, "hunt_H.DC1TTKB0VNFA8.zip")
    path = root.exports.hunt(HUNT, wait=True, log=lambda _: None)
    assert path == f"/downloads/hunts/{HUNT}/{HUNT}.zip"
    with (
        zipfile.ZipFile(recorded / "hunt_H.DC1TTKB0VNFA8.zip") as real,
        zipfile.ZipFile(root.files.real_path(path)) as mine,
    ):
        assert mine.namelist() == real.namelist()


def test_the_sidecar_has_size_and_hash(root, imported):
    imported(root, "flow_custom_artifact.zip")
    path = root.exports.flow(CLIENT, "F.DC1TTK8CU03NE", wait=True, log=lambda _: None)
    place = path.removesuffix(".zip").strip("/").split("/")
    stats = root.store.load("ContainerStats", *place)
    assert stats["total_compressed_bytes"] == root.files.real_path(path).stat().st_size
    assert len(stats["hash"]) == 64


def test_an_uploaded_file_survives_export_and_import(root, make_server, imported):
    root.clients.create(client_id=CLIENT, hostname="vm")
    made = root.flows.collect(CLIENT, ["System.VFS.DownloadFile"], principal="admin")
    flow_id = made["flow_id"]
    root.flows.add_upload(CLIENT, flow_id, "file", ["etc", "a b?.txt"], b"content" * 99)
    root.flows.progress(
        CLIENT, flow_id, [{"status": 0, "uploaded_files": 1, "uploaded_bytes": 693}]
    )
    path = root.exports.flow(CLIENT, flow_id, wait=True, log=lambda _: None)
    other = make_server("other").org("")
    imported(other, root.files.real_path(path))
    (row,) = other.flows.uploads(CLIENT, flow_id)
    with other.files.open(row["vfs_path"]) as stream:
        assert stream.read() == b"content" * 99
    assert row["file_size"] == 693


def test_an_upload_whose_member_is_missing_is_only_a_log_line(root, imported):
    """The recorded export's paths were shortened: its upload cannot be found, here as there."""
    lines = []
    flow = imported(root, "flow_with_upload.zip", lines=lines)
    assert flow["total_uploaded_bytes"] == 4082
    assert [line for line in lines if line.startswith("import_flow: Zip: NotFoundError: ")]


def test_of_uploads_that_differ_in_capital_letters_alone_all_get_the_first_ones_content(
    root, imported, tmp_path
):
    """Seen on a real server."""
    path = tmp_path / "flow.zip"
    rows = [{"_Components": ["uploads", "data", name]} for name in ("Case", "case")]
    with zipfile.ZipFile(path, "w") as archive:
        record = {"client_id": CLIENT, "session_id": "F.1"}
        archive.writestr("collection_context.json", json.dumps(record))
        archive.writestr("uploads/data/Case", "one")
        archive.writestr("uploads/data/case", "two")
        archive.writestr("uploads.json", "".join(json.dumps(row) + "\n" for row in rows))
    imported(root, path, client_id=CLIENT)
    folder = ["clients", CLIENT, "collections", "F.1", "uploads", "data"]
    stored = [root.store.path(*folder, name).read_bytes() for name in ("Case", "case")]
    assert stored == [b"one", b"one"]
