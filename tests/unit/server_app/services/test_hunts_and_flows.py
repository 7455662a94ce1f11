"""Flows and hunts as queries see them, and as they lie on disk."""

import json

import pytest

from server_app.datastore import tables
from server_app.services import ServiceError

CLIENT = "C.cad7afe0171b436e"
MARKER = "name: Custom.Server.Marker\nparameters:\n  - name: Greeting\n    default: hello\n"
MARKER += "sources:\n  - query: SELECT Greeting, OS FROM info()\n"


@pytest.fixture
def org(root):
    root.artifacts.set(MARKER, [], "admin")
    root.clients.create(client_id=CLIENT, hostname="vm", os="linux")
    return root


def finish(org, flow_id, rows=1):
    org.flows.add_rows(CLIENT, flow_id, "Custom.Server.Marker", [{"n": i} for i in range(rows)])
    stat = {"status": 0, "result_rows": rows, "names_with_response": ["Custom.Server.Marker"]}
    return org.flows.progress(CLIENT, flow_id, [{**stat, "last_active": 9, "first_active": 5}])


def hunt(org, **options):
    spec = {"Custom.Server.Marker": {"Greeting": "from hunt"}}
    given = {"description": "d", "artifacts": ["Custom.Server.Marker"], "spec": spec}
    return org.hunts.create(principal="apiuser", **{**given, **options})


def test_a_collection_has_the_recorded_answer(org, recorded):
    made = org.flows.collect(
        CLIENT, ["Custom.Server.Marker"], env={"Greeting": "hi there"}, principal="apiuser"
    )
    call = json.loads((recorded / "transcript.jsonl").read_text().splitlines()[19])
    wanted = json.loads(
        json.dumps(call["rows"][0]["flow"]).replace("F.DC1TTK8CU03NE", made["flow_id"])
    )
    assert made == wanted


def test_its_task_has_the_recorded_shape(org, recorded, imported):
    made = org.flows.collect(
        CLIENT, ["Custom.Server.Marker"], env={"Greeting": "hi there"}, principal="apiuser"
    )
    (task,) = org.flows.tasks.fetch(CLIENT)
    imported(org, "flow_custom_artifact.zip", client_id=CLIENT)
    real = org.flows.files(CLIENT, "F.DC1TTK8CU03NE").load_tasks()["items"][0]
    (mine,) = task["FlowRequest"]["VQLClientActions"]
    (theirs,) = real["FlowRequest"]["VQLClientActions"]
    assert mine["Query"][0].pop("Name").startswith("$")
    assert theirs["Query"][0].pop("Name").startswith("$")
    assert mine == theirs
    assert task["session_id"] == made["flow_id"]


def test_a_flow_ends_when_its_queries_have(org):
    flow_id = org.flows.collect(CLIENT, ["Custom.Server.Marker"], principal="a")["flow_id"]
    assert next(org.flows.list(CLIENT))["state"] == "RUNNING"
    assert finish(org, flow_id, rows=3)
    (row,) = org.flows.list(CLIENT)
    assert (row["state"], row["total_collected_rows"]) == ("FINISHED", 3)
    assert row["artifacts_with_results"] == ["Custom.Server.Marker"]
    assert len(list(org.flows.results(CLIENT, flow_id))) == 3
    assert not finish(org, flow_id)  # a report that comes again changes nothing


def test_an_error_in_a_query_is_the_flows_error(org):
    flow_id = org.flows.collect(CLIENT, ["Custom.Server.Marker"], principal="a")["flow_id"]
    org.flows.progress(CLIENT, flow_id, [{"status": 10, "error_message": "boom"}])
    (row,) = org.flows.list(CLIENT)
    assert (row["state"], row["status"]) == ("ERROR", "boom")


def test_cancelling_takes_the_task_back(org):
    flow_id = org.flows.collect(CLIENT, ["Custom.Server.Marker"], principal="a")["flow_id"]
    org.flows.cancel(CLIENT, flow_id, "a")
    assert org.flows.tasks.fetch(CLIENT) == []
    assert next(org.flows.list(CLIENT))["state"] == "ERROR"


def test_tasks_survive_a_restart(org, make_server):
    org.flows.collect(CLIENT, ["Custom.Server.Marker"], principal="a")
    org.server.close()
    assert len(make_server().org("").flows.tasks.fetch(CLIENT)) == 1


def test_flows_of_an_unknown_client_are_an_error_with_the_recorded_words(org):
    with pytest.raises(ServiceError) as error:
        org.flows.list("C.9999")
    assert str(error.value) == (
        "unable to get client C.9999: Client ID C.9999 not known in this org: NotFoundError"
    )


def test_an_unknown_artifact_is_refused(org):
    with pytest.raises(ServiceError, match=r"^Unknown artifact Server.Information.Clients$"):
        org.flows.collect("server", ["Server.Information.Clients"], principal="a")


def test_without_its_index_flows_are_listed_by_id(org):
    made = [
        org.flows.collect(CLIENT, ["Custom.Server.Marker"], principal="a")["flow_id"]
        for _ in range(3)
    ]
    index = org.store.path("clients", CLIENT, "flow_index", suffix=".json")
    assert [row["FlowId"] for row in tables.read(index)] == made
    index.unlink()
    assert org.flows.ids(CLIENT) == sorted(made)


def test_the_files_of_a_flow_have_the_real_names(org, recorded):
    flow_id = org.flows.collect(CLIENT, ["Custom.Server.Marker"], principal="a")["flow_id"]
    org.flows.tasks.fetch(CLIENT)
    finish(org, flow_id)
    org.flows.add_logs(CLIENT, flow_id, [{"message": "m"}])
    base = org.store.root / "clients" / CLIENT
    mine = {str(p.relative_to(base)).replace(flow_id, "F") for p in base.rglob("*") if p.is_file()}
    tree = (recorded / "tree_A_full_before_disaster.txt").read_text().splitlines()
    prefix = f"ds/clients/{CLIENT}/"
    real = {
        line.removeprefix(prefix).replace("F.DC1TTK8CU03NE", "F")
        for line in tree
        if line.startswith(prefix)
    }
    assert mine - real == set()
    assert "artifacts/Custom.Server.Marker/F.chunk" in mine


def test_a_new_hunt_has_the_recorded_answer(org, recorded):
    made = hunt(org, description="DR test hunt")
    call = json.loads((recorded / "transcript.jsonl").read_text().splitlines()[21])
    wanted = call["rows"][0]["hunt"]
    assert list(made["Request"]) == list(wanted["Request"])
    assert list(made["Request"]["start_request"]) == list(wanted["Request"]["start_request"])
    assert made["Request"]["start_request"]["flow_id"] == f"F.{made['HuntId'][2:]}.H"
    assert made["Request"]["org_ids"] == ["root"]


def test_a_hunt_runs_once_on_each_client_and_counts(org):
    hunt_id = hunt(org)["HuntId"]
    org.dispatch.check(CLIENT)
    org.dispatch.check(CLIENT)
    (task,) = org.flows.tasks.fetch(CLIENT)
    assert task["FlowRequest"]["VQLClientActions"][0]["env"][0]["value"] == "from hunt"
    finish(org, task["session_id"])
    stats = next(org.hunts.list(hunt_id))["stats"]
    assert (stats["total_clients_scheduled"], stats["total_clients_with_results"]) == (1, 1)
    assert [row["ClientId"] for row in org.hunts.flows(hunt_id)] == [CLIENT]
    (result,) = org.hunts.results(hunt_id)
    assert (result["_OrgId"], result["Fqdn"]) == ("root", "vm")


def test_a_hunt_goes_on_after_a_restart(org, make_server):
    hunt_id = hunt(org)["HuntId"]
    org.dispatch.check(CLIENT)
    org.server.close()
    again = make_server().org("")
    again.clients.create(client_id="C.2222222222222222")
    for client in (CLIENT, "C.2222222222222222"):
        again.dispatch.check(client)
    assert len(again.hunts.participants(hunt_id)) == 2
    assert next(again.hunts.list(hunt_id))["stats"]["total_clients_scheduled"] == 2


def test_a_paused_hunt_waits_until_it_is_started(org):
    hunt_id = hunt(org, pause=True)["HuntId"]
    org.dispatch.check(CLIENT)
    assert org.flows.tasks.fetch(CLIENT) == []
    org.hunts.update(hunt_id, start=True, principal="a")
    org.dispatch.check(CLIENT)
    assert len(org.flows.tasks.fetch(CLIENT)) == 1


def test_a_stopped_hunt_takes_no_more_clients(org):
    hunt_id = hunt(org)["HuntId"]
    org.hunts.update(hunt_id, stop=True, principal="a")
    org.dispatch.check(CLIENT)
    assert org.flows.tasks.fetch(CLIENT) == []
    assert next(org.hunts.list(hunt_id))["state"] == "STOPPED"


def test_labels_decide_and_a_label_given_later_counts(org):
    hunt(org, include_labels=["prod"])
    hunt(org, exclude_labels=["prod"], description="others")
    org.dispatch.check(CLIENT)
    assert len(org.flows.tasks.fetch(CLIENT)) == 1
    org.clients.label(CLIENT, ["prod"], "set")
    org.dispatch.check(CLIENT)
    assert len(org.flows.tasks.fetch(CLIENT)) == 1


def test_the_system_decides(org):
    hunt(org, os="windows")
    org.dispatch.check(CLIENT)
    assert org.flows.tasks.fetch(CLIENT) == []
    with pytest.raises(ServiceError, match="OS condition invalid"):
        hunt(org, os="plan9")


def test_where_the_client_list_was_lost_a_hunt_runs_again(org, make_server, killed):
    hunt(org)
    org.dispatch.check(CLIENT)
    killed(org.server)
    org.store.remove_tree("hunt_index")
    again = make_server().org("")
    again.clients.create(client_id=CLIENT)
    again.flows.tasks.fetch(CLIENT)
    again.dispatch.check(CLIENT)
    assert len(again.flows.tasks.fetch(CLIENT)) == 1


def test_one_hunt_in_several_orgs_has_one_id(server, org):
    server.orgs.create("Acme", "OACME")
    made = hunt(org, org_ids=["root", "OACME"])
    assert next(server.org("OACME").hunts.list(made["HuntId"]))["org_ids"] == []
    assert next(org.hunts.list(made["HuntId"]))["org_ids"] == ["root", "OACME"]


def test_hunt_results_of_an_unknown_hunt(org):
    with pytest.raises(ServiceError, match=r"^Hunt not found$"):
        org.hunts.results("H.NO")
