"""The small copy that brings a server back (facts: "Best small copy found")."""

import shutil

import pytest

from server_app.services import ServiceError

CLIENT = "C.cad7afe0171b436e"
FOLDERS = (
    "users", "acl", "config", "artifact_definitions", "hunts", "notebooks", "client_info",
)  # fmt: skip
MARKER = "name: Custom.Server.Marker\nparameters:\n  - name: Greeting\n    default: hello\n"
MARKER += "sources:\n  - query: SELECT Greeting, OS FROM info()\n"


@pytest.fixture
def living(root):
    root.server.orgs.create("Acme", "OACME")
    root.users.create("alice", ["investigator"], password="alicepw")
    root.artifacts.set(MARKER, ["dr"], "alice")
    root.clients.create(client_id=CLIENT, hostname="vm", labels=["prod"])
    root.clients.set_metadata(CLIENT, {"owner": "ops"})
    spec = {"Custom.Server.Marker": {"Greeting": "from hunt"}}
    root.hunts.create(
        artifacts=["Custom.Server.Marker"], spec=spec, include_labels=["prod"], principal="alice"
    )
    root.notebooks.create(name="DR", principal="alice")
    root.secrets.add(
        "S3", "AWS S3 Creds", {"credentials_key": "k", "credentials_secret": "s"}, "alice"
    )
    root.monitoring.add_server("Server.Monitor.Health", {})
    return root


def copy_small_state(source, target):
    for folder in (source, source / "orgs" / "OACME"):
        for name in FOLDERS:
            if (folder / name).is_dir():
                shutil.copytree(folder / name, target / folder.relative_to(source) / name)
    shutil.copy(source / "orgs" / "OACME.json.db", target / "orgs")
    for path in source.glob("clients/*/metadata.json.db"):
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)


def test_it_brings_back_everything_that_a_backup_lacks(living, make_server, tmp_path):
    living.server.close()
    copy_small_state(tmp_path / "ds", tmp_path / "new")
    server = make_server("new")
    org = server.org("")
    assert server.org("OACME").nonce == living.server.org("OACME").nonce
    assert org.users.password_is("alice", "alicepw")
    assert org.users.policy("alice") == {"roles": ["investigator"]}
    assert org.artifacts.metadata("Custom.Server.Marker") == {"tags": ["dr"]}
    (row,) = org.clients.list()
    assert (row["client_id"], row["labels"]) == (CLIENT, ["prod"])
    assert org.clients.metadata(CLIENT) == {"owner": "ops"}
    (hunt,) = org.hunts.all()
    whole = org.hunts.get(hunt["hunt_id"], request=True)
    assert whole["start_request"]["specs"][0]["parameters"]["env"][0]["value"] == "from hunt"
    assert whole["condition"] == {"labels": {"label": ["prod"]}}
    assert [row["name"] for row in org.notebooks.list("alice")] == ["DR"]
    assert [row["type_name"] for row in org.secrets.types() if row["secrets"]] == ["AWS S3 Creds"]
    assert org.monitoring.get_server()["artifacts"][-1] == "Server.Monitor.Health"


def test_from_a_running_server_with_a_written_list_a_client_does_not_run_the_hunt_again(
    living, make_server, tmp_path
):
    living.dispatch.check(CLIENT)
    living.clients.save()  # as the timer does
    living.hunts.save_changes()
    copy_small_state(tmp_path / "ds", tmp_path / "new")
    org = make_server("new").org("")
    org.dispatch.check(CLIENT)
    assert org.flows.tasks.fetch(CLIENT) == []


def test_without_the_list_the_labels_are_gone_and_the_client_runs_the_hunts_again(
    living, make_server, tmp_path
):
    living.hunts.create(artifacts=["Custom.Server.Marker"], principal="alice")
    living.dispatch.check(CLIENT)
    copy_small_state(tmp_path / "ds", tmp_path / "new")
    org = make_server("new").org("")
    with pytest.raises(ServiceError, match="not known in this org"):
        org.flows.list(CLIENT)
    org.clients.create(client_id=CLIENT, hostname="vm")
    org.dispatch.check(CLIENT)
    assert org.clients.labels(CLIENT) == []
    assert len(org.flows.tasks.fetch(CLIENT)) == 1  # the one without a label condition
