"""Who is let in: nonce, key, signature."""

import json
import threading
import time

from server_app.client.identity import load_or_create
from server_app.frontend import protocol


def test_a_nonce_of_no_org_gets_403_with_the_real_words(served, by_hand):
    client = by_hand(served(), nonce="xjO1lZ2ufAY=")
    status, text = client.post(protocol.POLL)
    assert status == 403
    assert text == "Client Nonce xjO1lZ2ufAY= is not valid - rejecting message."


def test_an_unknown_client_is_asked_to_enrol(served, by_hand):
    assert by_hand(served()).post(protocol.POLL) == (406, "Please Enrol")


def test_after_enrolment_it_is_examined_once(served, by_hand):
    server = served()
    client = by_hand(server)
    assert client.enrol() == (200, json.dumps({"client_id": client.identity.client_id}))
    (row,) = server.org("").clients.list()
    assert row["client_id"] == client.identity.client_id
    assert row["first_seen_at"] > 0
    status, text = client.post(protocol.POLL)
    assert status == 200
    (task,) = json.loads(text)["tasks"]
    assert task["session_id"] == row["last_interrogate_flow_id"]
    client.enrol()
    assert json.loads(client.post(protocol.POLL)[1])["tasks"] == []


def test_a_client_of_another_org_is_listed_with_the_orgs_id(served, by_hand):
    server = served()
    nonce = server.orgs.create("Acme", "OACME")["nonce"]
    client = by_hand(server, nonce=nonce)
    client.enrol()
    (row,) = server.org("OACME").clients.list()
    assert row["client_id"] == f"{client.identity.client_id}-OACME"
    assert list(server.org("").clients.list()) == []


def test_a_key_cannot_enrol_under_another_id(served, by_hand):
    server = served()
    client = by_hand(server)
    body = json.dumps({"public_key": client.identity.public_pem()}).encode()
    status, _ = client.post(protocol.ENROL, body, client_id="C.0000000000000000")
    assert status == 403
    assert list(server.org("").clients.list()) == []


def test_a_client_cannot_be_impersonated(served, by_hand, tmp_path):
    server = served()
    client = by_hand(server)
    client.enrol()
    stranger = load_or_create(tmp_path / "stranger.yaml")
    signed = protocol.signed_part(protocol.POLL, client.identity.client_id, client.nonce, "", b"{}")
    assert client.post(protocol.POLL, signature=stranger.sign(signed))[0] == 403
    assert client.post(protocol.POLL, signature="bm8=")[0] == 403
    assert client.post(protocol.POLL, b'{"hold":0}', signed=b"{}")[0] == 403
    assert client.post(protocol.POLL)[0] == 200


def test_a_client_whose_record_vanished_is_examined_again_without_enrolling(served, by_hand):
    server = served()
    client = by_hand(server)
    client.enrol()
    client.post(protocol.POLL)
    server.org("").clients.replace_all({})
    status, answer = client.post(protocol.POLL)
    assert status == 200
    assert len(json.loads(answer)["tasks"]) == 1
    assert len(list(server.org("").clients.list())) == 1


def test_a_restored_client_enrols_without_being_examined_again(served, by_hand):
    server = served()
    client = by_hand(server)
    known = {"client_id": client.identity.client_id, "first_seen_at": 7, "labels": ["kept"]}
    server.org("").clients.replace_all(
        {known["client_id"]: {**known, "last_interrogate_flow_id": "F.1"}}
    )
    client.enrol()
    (row,) = server.org("").clients.list()
    assert (row["first_seen_at"], row["labels"]) == (7, ["kept"])
    assert json.loads(client.post(protocol.POLL)[1])["tasks"] == []


def test_a_held_poll_is_answered_at_once_when_work_comes(served, by_hand):
    server = served()
    client = by_hand(server)
    client.enrol()
    client.post(protocol.POLL)
    org = server.org("")
    later = threading.Timer(
        0.3,
        lambda: org.flows.collect(
            client.identity.client_id, ["Generic.Client.Info"], principal="a"
        ),
    )
    later.start()
    started = time.monotonic()
    status, text = client.post(protocol.POLL, b'{"hold":20}')
    assert status == 200
    assert len(json.loads(text)["tasks"]) == 1
    assert time.monotonic() - started < 10
    later.join()


def test_nonsense_is_answered_and_not_served(served, by_hand):
    client = by_hand(served())
    client.enrol()
    for body in (b"", b"[]", b"{", b'{"flow_id":"../../x"}', b'{"flow_id":"F.1","answers":7}'):
        assert client.post(protocol.REPORT, body)[0] == 400
    assert client.post(protocol.UPLOAD, b"data")[0] == 400
    assert client.post("/nothing")[0] == 404


def test_a_full_disk_answers_503(served, by_hand):
    server = served()
    client = by_hand(server)
    server.store.minimum_free_megabytes = 1 << 40
    server.store.check_space()
    assert client.enrol() == (503, "Error: Insufficient disk space!")
