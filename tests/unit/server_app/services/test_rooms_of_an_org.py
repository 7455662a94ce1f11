"""Notebooks, monitoring, secrets, files, artifacts."""

import pytest

from server_app.services import ServiceError

BAD_QUERY = "name: A\nsources:\n- query: SELECT FROM"
SECRET = {"region": "us-east-1", "credentials_key": "key", "credentials_secret": "hidden"}


def test_notebooks_come_back_with_their_cells(root, make_server):
    made = root.notebooks.create(name="N", collaborators=["alice"], principal="bob")
    root.notebooks.update_cell(
        made["notebook_id"], type="vql", input="SELECT 1 AS x FROM scope()", principal="bob"
    )
    root.server.close()
    notebooks = make_server().org("").notebooks
    cells = notebooks.get(made["notebook_id"])["cell_metadata"]
    assert [cell["type"] for cell in cells] == ["markdown", "vql"]
    assert list(notebooks.cell_rows(made["notebook_id"], cells[1]["cell_id"])) == [{"x": 1}]


def test_notebooks_are_seen_by_those_they_are_shared_with(root):
    root.notebooks.create(name="N", collaborators=["alice"], principal="bob")
    assert [len(list(root.notebooks.list(user))) for user in ("alice", "bob", "eve")] == [1, 1, 0]
    assert len(list(root.notebooks.list("eve", all=True))) == 1


def test_a_cell_can_be_removed(root):
    made = root.notebooks.create(name="N", principal="bob")
    cell_id = made["cell_metadata"][0]["cell_id"]
    changed = root.notebooks.update_cell(
        made["notebook_id"], cell_id=cell_id, delete=True, principal="bob"
    )
    assert changed["cell_metadata"] == []


def test_server_monitoring_answers_as_recorded(root):
    wanted = {
        "artifacts": ["Server.Monitoring.RSSFeeds", "Server.Monitor.Health"],
        "specs": [{"artifact": "Server.Monitor.Health", "parameters": {}}],
        "max_upload_bytes": 1073741824,
    }
    assert root.monitoring.add_server("Server.Monitor.Health", {}) == wanted
    assert root.monitoring.get_server() == wanted


def test_a_scalar_where_a_list_belongs_gives_the_recorded_error(root):
    with pytest.raises(ServiceError) as error:
        root.monitoring.set_server({"artifacts": "Server.Monitor.Health", "specs": []})
    assert str(error.value) == (
        'proto:\u00a0syntax error (line 1:14): unexpected token "Server.Monitor.Health"'
    )


def test_client_monitoring_keeps_groups_of_labels(root, make_server):
    root.monitoring.add_client("Generic.Client.Stats", {}, "prod")
    root.server.close()
    table = make_server().org("").monitoring.get_client()
    assert [group["label"] for group in table["label_events"]] == ["Quarantine", "prod"]
    assert table["artifacts"]["artifacts"] == ["Generic.Client.Stats"]


def test_secrets_are_encrypted_and_open_for_those_they_are_shared_with(root, make_server):
    root.secrets.add("S3", "AWS S3 Creds", SECRET, "admin")
    with pytest.raises(ServiceError, match="not shared"):
        root.secrets.get("S3", "AWS S3 Creds", "bob")
    root.secrets.modify("S3", "AWS S3 Creds", add_users=["bob"], principal="admin")
    stored = root.store.path("config", "secrets", "AWS S3 Creds", "S3", suffix=".json.db")
    assert b"hidden" not in stored.read_bytes()
    root.server.close()
    again = make_server().org("")
    assert again.secrets.get("S3", "AWS S3 Creds", "bob")["credentials_secret"] == "hidden"
    shown = [row for row in again.secrets.types() if row["secrets"]]
    assert shown[0]["secrets"][0]["encrypted_secret"] is None


def test_secrets_do_not_open_under_another_obfuscation_nonce(root, make_server, tmp_path):
    root.secrets.add("S3", "AWS S3 Creds", SECRET, "admin")
    root.secrets.modify("S3", "AWS S3 Creds", add_users=["bob"], principal="admin")
    root.server.close()
    server = make_server()
    server.config["obfuscation_nonce"] = "another"
    with pytest.raises(ServiceError, match="authentication failed"):
        server.org("").secrets.get("S3", "AWS S3 Creds", "bob")


def test_fs_refuses_backups_and_the_rest_of_the_servers_own(root):
    list(root.backups.create("b"))
    for path in ("/backups/b.zip", "/config", "/users", "/acl", "/orgs", "/clients/../users"):
        with pytest.raises(PermissionError, match=r"^No access to filesystem path$"):
            root.files.open(path)
    with pytest.raises(FileNotFoundError):
        root.files.open("/downloads/none.zip")


def test_fs_reads_compressed_results_plain(root, imported):
    imported(root, "flow_custom_artifact.zip")
    root.flows.add_rows("C.cad7afe0171b436e", "F.DC1TTK8CU03NE", "Custom.More", [{"a": 1}])
    path = "/clients/C.cad7afe0171b436e/artifacts/Custom.More/F.DC1TTK8CU03NE.json"
    with root.files.open("fs:" + path) as stream:
        assert stream.read() == b'{"a":1}\n'
    assert root.files.stat(path)["Size"] == 8
    assert root.files.listdir(path.rpartition("/")[0]) == [
        "F.DC1TTK8CU03NE.json",
        "F.DC1TTK8CU03NE.json.index",
    ]


def test_a_built_in_artifact_is_neither_overridden_nor_deleted(root):
    with pytest.raises(ServiceError, match="Unable to override built in artifact"):
        root.artifacts.set("name: Generic.Client.Info\nsources: []\n", [], "admin")
    with pytest.raises(ServiceError, match="Can only delete custom artifacts"):
        root.artifacts.delete("Generic.Client.Info", "admin")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a",
        "name: ../x",
        "name: A\ntype: ODD",
        "a: [",
        "name: 7",
        "name: A\nsources: 7",
        BAD_QUERY,
    ],
)
def test_what_is_no_artifact_is_refused(root, text):
    with pytest.raises(ServiceError):
        root.artifacts.set(text, [], "admin")


def test_other_orgs_inherit_the_root_orgs_artifacts_but_do_not_back_them_up(server, root):
    server.orgs.create("Acme", "OACME")
    root.artifacts.set("name: Custom.Root\nsources: []\n", ["t"], "admin")
    org = server.org("OACME")
    (row,) = org.artifacts.list(["Custom.Root"])
    assert (row["is_inherited"], row["metadata"]["tags"]) == (True, ["t"])
    (row,) = org.artifacts.list(["Generic.Client.Info"])
    assert (row["is_inherited"], row["built_in"]) == (True, True)
    assert org.artifacts.custom() == []
    assert root.artifacts.delete("Custom.Root", "admin") == "Custom.Root"
    assert list(org.artifacts.list(["Custom.Root"])) == []


def test_a_flow_of_the_server_itself_runs_at_once(root):
    made = root.flows.collect("server", ["Generic.Client.Info"], principal="admin")
    (row,) = root.flows.list("server")
    assert (row["session_id"], row["state"]) == (made["flow_id"], "FINISHED")
    names = row["artifacts_with_results"]
    (info,) = root.flows.results("server", made["flow_id"], names[0])
    assert info["OS"] == "linux"
    assert row["total_collected_rows"] == len(list(root.flows.results("server", made["flow_id"])))


def test_metadata_is_kept_and_changed_key_by_key(root):
    client_id = "C.cad7afe0171b436e"
    root.clients.create(client_id=client_id)
    root.clients.set_metadata(client_id, {"owner": "ops", "site": "HQ"})
    root.clients.set_metadata(client_id, {"site": None, "n": 1})
    assert root.clients.metadata(client_id) == {"owner": "ops", "n": "1"}
    assert root.clients.set_server_metadata({"dr_note": "x"}) is True
    assert root.clients.server_metadata() == {"SlackToken": "", "dr_note": "x"}
