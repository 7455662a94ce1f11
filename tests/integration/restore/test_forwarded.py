"""Results go on to their receiver again after a rebuild, and imports send nothing twice."""

import dataclasses
import json
from ipaddress import ip_network

import docker
import pytest

from recovery.capture.capture_point import capture
from recovery.capture.options import CaptureOptions
from recovery.capture.readiness_of import look
from recovery.forwarding.kinds import receiver as to
from recovery.forwarding.send_test import send_test
from recovery.forwarding.turn_on import turn_on
from recovery.target import open_target
from recovery.vault.store import open_vault
from recovery.velociraptor.api import open_api
from tests.integration.forwarding.receiver import Receiver
from tests.integration.restore.conftest import fresh_machine

pytestmark = [pytest.mark.docker, pytest.mark.velociraptor, pytest.mark.slow]

TEST = "recovery: a test event"


@pytest.fixture
def receiver():
    """On the bridge's own address, where containers reach it."""
    client = docker.from_env()
    (settings, *_) = client.networks.get("bridge").attrs["IPAM"]["Config"]
    client.close()
    made = Receiver(settings.get("Gateway") or str(ip_network(settings["Subnet"])[1]))
    yield made
    made.close()


def test_after_a_rebuild_it_is_on_again_and_imports_send_nothing_twice(
    captured, receiver, tmp_path
):
    vault = tmp_path / "vault"
    given = {"username": receiver.user, "password": receiver.password}
    with fresh_machine(captured) as old:
        old.restore()
        target = open_target(old.uri)
        with open_api(target, captured.config) as api:
            on = turn_on(api, to("elastic", receiver.url, given), captured.config.server_name)
            assert all(one.arrived for one in send_test(api, on))
        manifest = capture(target, open_vault(str(vault)), CaptureOptions(), lambda _: None)
        lines = {line.name: line for line in look_at(vault, target)}
        target.close()
    assert lines["forwarding elastic, root"].level == "good"
    assert lines["forwarding elastic, root"].value >= 1
    before = len(receiver.documents)
    again = dataclasses.replace(captured, vault=vault, manifest=manifest)
    with fresh_machine(again) as new:
        done = new.restore()
        table = new.query("SELECT get_server_monitoring() AS Table FROM scope()")[0]["Table"]
    tried = done["test the forwarding"]
    assert tried.findings == [], tried
    assert "2 of 2 test events were taken" in tried.detail
    assert done["hold the forwarding"].detail.startswith("held in 2 orgs")
    assert done["import the archives"].status == "done"
    assert "Custom.Elastic.Flows.Upload" in table["artifacts"]
    sent = receiver.messages()[before:]
    assert set(sent) == {TEST}, "imported flows were sent once more"
    assert receiver.password not in json.dumps(done, default=str)


def look_at(vault, target):
    from datetime import timedelta

    path = "/etc/velociraptor/server.config.yaml"
    return look(open_vault(str(vault)), target, path, timedelta(hours=1), names=False)
