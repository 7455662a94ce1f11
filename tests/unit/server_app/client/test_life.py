"""A client's life: enrolment, work, loss of its server, return under its old id."""

import json
import os
import time

from server_app.client import loop
from server_app.client.identity import load_or_create

MARKER = "name: Custom.Server.Marker\nparameters:\n  - name: Greeting\n    default: hello\n"
MARKER += "sources:\n  - query: SELECT Greeting, OS FROM info()\n"


def known(org):
    return [row["client_id"] for row in org.clients.list() if row["os_info"]["hostname"]]


def finished(org, client_id, flow_id):
    rows = list(org.flows.list(client_id, flow_id))
    return rows and rows[0]["state"] == "FINISHED"


def test_it_enrols_is_examined_and_echoes_a_parameter(served, client_config, clients, until):
    server = served()
    org = server.org("")
    clients(client_config(server.ports["Frontend"]))
    (client_id,) = until(lambda: known(org))
    (row,) = org.clients.list()
    assert (row["os_info"]["system"], row["agent_information"]["name"]) == (
        "linux",
        "velociraptor",
    )
    org.artifacts.set(MARKER, [], "admin")
    made = org.flows.collect(
        client_id, ["Custom.Server.Marker"], env={"Greeting": "hi"}, principal="a"
    )
    until(lambda: finished(org, client_id, made["flow_id"]))
    rows = list(org.flows.results(client_id, made["flow_id"]))
    assert rows == [{"Greeting": "hi", "OS": "linux"}]


def test_it_uploads_a_file(served, client_config, clients, until, tmp_path):
    server = served()
    org = server.org("")
    evidence = tmp_path / "evidence.bin"
    evidence.write_bytes(bytes(range(256)) * 64)
    clients(client_config(server.ports["Frontend"]))
    (client_id,) = until(lambda: known(org))
    made = org.flows.collect(
        client_id,
        ["System.VFS.DownloadFile"],
        env={"Components": json.dumps(evidence.parts[1:])},
        principal="a",
    )
    until(lambda: finished(org, client_id, made["flow_id"]))
    (row,) = org.flows.uploads(client_id, made["flow_id"])
    with org.files.open(row["vfs_path"]) as stream:
        assert stream.read() == evidence.read_bytes()
    (flow,) = org.flows.list(client_id, made["flow_id"])
    assert (flow["total_uploaded_files"], flow["total_uploaded_bytes"]) == (1, 16_384)


def test_a_file_that_is_not_there_is_a_row_without_upload(served, client_config, clients, until):
    server = served()
    org = server.org("")
    clients(client_config(server.ports["Frontend"]))
    (client_id,) = until(lambda: known(org))
    made = org.flows.collect(
        client_id, ["System.VFS.DownloadFile"], env={"Components": '["no", "such"]'}, principal="a"
    )
    until(lambda: finished(org, client_id, made["flow_id"]))
    assert list(org.flows.results(client_id, made["flow_id"])) == [{"Upload": None}]
    assert any("/no/such" in row["message"] for row in org.flows.logs(client_id, made["flow_id"]))


def test_a_hunt_reaches_it_at_once(served, client_config, clients, until):
    server = served()
    org = server.org("")
    org.artifacts.set(MARKER, [], "admin")
    clients(client_config(server.ports["Frontend"], max_poll=30))
    until(lambda: known(org))
    spec = {"Custom.Server.Marker": {"Greeting": "from hunt"}}
    made = org.hunts.create(artifacts=["Custom.Server.Marker"], spec=spec, principal="a")
    (row,) = until(lambda: list(org.hunts.results(made["HuntId"])), seconds=10)
    assert row["Greeting"] == "from hunt"


def test_after_a_server_loss_it_comes_back_by_itself_under_its_old_id(
    served, client_config, clients, until, monkeypatch
):
    monkeypatch.setattr(loop, "_ENROL_EVERY", 1.0)
    first = served("lost")
    port = first.ports["Frontend"]
    clients(client_config(port))
    before = until(lambda: known(first.org("")))
    first.stop_serving()
    empty = served("new", port=port)
    assert until(lambda: known(empty.org(""))) == before


def test_it_enrols_at_most_once_a_minute_in_one_life(served, client_config, clients, until):
    first = served("lost")
    port = first.ports["Frontend"]
    config = client_config(port)
    lines = clients(config)
    (client_id,) = until(lambda: known(first.org("")))
    first.stop_serving()
    empty = served("new", port=port)
    asked = len(lines)
    until(lambda: any("406" in line for line in lines[asked:]))
    time.sleep(2)
    assert not list(empty.org("").clients.list())
    clients.end()
    clients(config)
    assert until(lambda: known(empty.org(""))) == [client_id]


def test_it_comes_back_to_its_restored_record_without_a_new_examination(
    served, client_config, clients, until
):
    first = served("ds")
    port = first.ports["Frontend"]
    clients(client_config(port))
    (client_id,) = until(lambda: known(first.org("")))
    first.org("").clients.label(client_id, ["prod"], "set")
    first.stop_serving()
    first.close()
    again = served("ds", port=port)
    seen = next(again.org("").clients.list())["last_seen_at"]
    until(lambda: next(again.org("").clients.list())["last_seen_at"] > seen)
    (row,) = again.org("").clients.list()
    assert (row["client_id"], row["labels"]) == (client_id, ["prod"])
    assert len(list(again.org("").flows.list(client_id))) == 1


def test_a_client_of_another_org_waits_until_the_old_nonce_is_back(
    served, client_config, clients, until
):
    server = served()
    lines = clients(client_config(server.ports["Frontend"], nonce="xjO1lZ2ufAY="))
    until(lambda: any("HTTP 403 Client Nonce xjO1lZ2ufAY=" in line for line in lines))
    record = {"name": "Acme", "nonce": "xjO1lZ2ufAY=", "id": "OACME"}
    server.store.save("Org", record, "orgs", "OACME")
    server.orgs.scan()
    (client_id,) = until(lambda: known(server.org("OACME")))
    assert client_id.endswith("-OACME")


def test_after_a_failure_it_waits_max_poll_plus_up_to_max_poll_std(client_config, clients, until):
    lines = clients(client_config(1, max_poll=2, max_poll_std=3))
    until(lambda: any("next try in" in line for line in lines))
    (seconds,) = [float(line.split()[-2]) for line in lines if "next try in" in line][:1]
    assert 2 <= seconds <= 5


def test_it_trusts_the_deployments_own_authority_only(
    served, client_config, clients, until, recorded_config
):
    server = served()
    stranger = recorded_config["GUI"]["gw_certificate"]
    lines = clients(client_config(server.ports["Frontend"], ca_certificate=stranger))
    until(lambda: any("CertificateError" in line or "SSL" in line for line in lines))
    assert list(server.org("").clients.list()) == []


def test_it_talks_to_the_pinned_name_only(served, client_config, clients, until):
    server = served()
    lines = clients(client_config(server.ports["Frontend"], pinned_server_name="Another"))
    until(lambda: any("CertificateError" in line or "SSL" in line for line in lines))
    assert list(server.org("").clients.list()) == []


def test_work_whose_results_could_not_be_sent_is_done_again(
    served, client_config, clients, until, tmp_path
):
    """The server goes away between handing out a task and its results."""
    server = served("ds")
    port, org = server.ports["Frontend"], server.org("")
    slow = tmp_path / "slow"
    os.mkfifo(slow)  # reading it lasts until somebody writes
    clients(client_config(port))
    (client_id,) = until(lambda: known(org))
    made = org.flows.collect(
        client_id,
        ["System.VFS.DownloadFile"],
        env={"Components": json.dumps(slow.parts[1:])},
        principal="a",
    )
    until(lambda: not list(org.store.record_names("clients", client_id, "tasks")))
    server.stop_serving()
    server.close()
    with slow.open("wb") as stream:
        slow.unlink()
        slow.write_bytes(b"read the second time")
        stream.write(b"read the first time")
    again = served("ds", port=port).org("")
    until(lambda: finished(again, client_id, made["flow_id"]))
    (row,) = again.flows.uploads(client_id, made["flow_id"])
    with again.files.open(row["vfs_path"]) as stream:
        assert stream.read() == b"read the second time"


def test_many_clients_in_one_process(served, client_config, clients, until):
    server = served()
    clients(client_config(server.ports["Frontend"], max_poll=10), name="pool", many=12)
    until(lambda: len(known(server.org(""))) == 12, seconds=60)
    hosts = {row["os_info"]["hostname"] for row in server.org("").clients.list()}
    assert hosts == {f"simulated-{place:05d}" for place in range(12)}


def test_the_writeback_file_keeps_key_and_id(tmp_path):
    path = tmp_path / "wb.yaml"
    made = load_or_create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_or_create(path).client_id == made.client_id
    assert f"client_id: {made.client_id}" in path.read_text()


def test_a_real_writeback_file_is_read(recorded, tmp_path):
    copy = tmp_path / "wb.yaml"
    copy.write_bytes((recorded / "client_writeback.yaml").read_bytes())
    assert load_or_create(copy).client_id == "C.cad7afe0171b436e"
    assert copy.read_bytes() == (recorded / "client_writeback.yaml").read_bytes()


def test_a_damaged_writeback_file_means_a_new_client(tmp_path):
    path = tmp_path / "wb.yaml"
    path.write_text("private_key: nonsense\n")
    assert load_or_create(path).client_id.startswith("C.")


def test_it_stops_when_told(served, client_config, clients, until):
    server = served()
    clients(client_config(server.ports["Frontend"], max_poll=60))
    until(lambda: known(server.org("")))
    started = time.monotonic()
    clients.end()
    assert time.monotonic() - started < 5
