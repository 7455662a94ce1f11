"""Datastore.filestore_directory may be another folder than Datastore.location."""

import pytest

CLIENT = "C.cad7afe0171b436e"
ROWS = "name: Custom.Rows\nsources:\n  - query: SELECT 1 AS A FROM scope()\n"


@pytest.fixture
def org(make_server, tmp_path):
    server = make_server(Datastore={"filestore_directory": str(tmp_path / "files")})
    org = server.org("root")
    org.artifacts.set(ROWS, [], "admin")
    org.clients.create(client_id=CLIENT, hostname="vm", os="linux")
    return org


def below(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def collected(org):
    flow = org.flows.collect(CLIENT, ["Custom.Rows"], env={}, principal="admin")["flow_id"]
    org.flows.add_rows(CLIENT, flow, "Custom.Rows", [{"A": 1}])
    org.flows.add_upload(CLIENT, flow, "file", ["etc", "x.db"], b"content")
    done = {"status": 0, "result_rows": 1, "names_with_response": ["Custom.Rows"]}
    org.flows.progress(CLIENT, flow, [done])
    return flow


def test_records_lie_in_one_and_files_in_the_other(org, tmp_path):
    flow = collected(org)
    org.hunts.create(description="d", artifacts=["Custom.Rows"], principal="admin")
    list(org.backups.create("mine"))
    records, files = below(tmp_path / "ds"), below(tmp_path / "files")
    assert {name for name in records if not name.endswith(".db")} == set()
    assert {name for name in files if name.endswith(".db")} == set()
    assert f"clients/{CLIENT}/collections/{flow}.json.db" in records
    assert {"artifact_definitions/Custom/Rows.yaml", "backups/mine.zip"} <= files
    assert any(name.startswith(f"clients/{CLIENT}/collections/{flow}/uploads/") for name in files)


def test_what_is_deleted_is_gone_from_both(org, tmp_path):
    flow = collected(org)
    rows = list(org.flows.delete(flow, CLIENT, really_do_it=True, principal="admin"))
    assert all(row["data"]["vfs_path"].startswith("/clients/") for row in rows)
    left = below(tmp_path / "ds") | below(tmp_path / "files")
    assert not [name for name in left if flow in name]
    kinds = {row["type"] for row in org.clients.delete(CLIENT, True, "admin")}
    assert kinds <= {"Datastore", "Filestore"}
    left = below(tmp_path / "ds") | below(tmp_path / "files")
    assert not [name for name in left if name.startswith(f"clients/{CLIENT}/")]
