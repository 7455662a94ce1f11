"""`__main__.py` with each kind of machine: what it asks the engine for."""

import pytest

from recovery.infra.workspace import CLONE

# Pulumi's mocks leave event loops of their threads to the collector (see conftest).
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

DNS = {
    "dns": "rfc2136",
    "name": "velociraptor.example.test",
    "dnsServer": "192.0.2.53",
    "dnsKeyName": "recovery",
    "dnsKeySecret": "c2VjcmV0",
}


def test_it_reads_in_one_screen():
    lines = (CLONE / "__main__.py").read_text().splitlines()
    assert len(lines) <= 40
    assert max(len(line) for line in lines) <= 100


def test_docker(plan):
    made = plan({"vault": "/srv/vault", **DNS})
    assert made.one("DockerMachine").inputs["network"] == "bridge"
    assert [group.name for group in made.of("StepGroup")] == ["server", "collections", "proof"]
    assert {group.inputs["target"] for group in made.of("StepGroup")} == {"docker://velociraptor-1"}
    assert made.one("DnsRecord").inputs["addresses"] == ["192.0.2.7", ""]
    assert made.one("DnsRecord").inputs["zone"] == "example.test"
    assert made.of("SshKeys") == []


def test_the_point_is_looked_at_before_the_machine_is_made(plan):
    order = [one.name for one in plan({"vault": "/srv/vault"}).made]
    assert order.index("point") < order.index("machine")
    assert plan({"package": "/srv/server.deb"}).of("PointCheck") == []


def test_the_later_groups_take_the_point_that_the_server_came_from(plan):
    made = plan({"vault": "/srv/vault"})
    points = {group.name: group.inputs["request"]["point"] for group in made.of("StepGroup")}
    assert points == {"server": "", "collections": "newest", "proof": "newest"}


def test_the_proof_knows_the_name_and_where_to_ask(plan):
    proof = plan({"vault": "/srv/vault", **DNS}).of("StepGroup")[-1]
    assert proof.inputs["request"]["dns"] == {
        "name": "velociraptor.example.test",
        "address": "192.0.2.7",
        "address6": "",
        "nameserver": "192.0.2.53",
    }


@pytest.mark.parametrize(
    ("swapped", "order"),
    [
        ("false", ["server", "name", "collections", "proof"]),
        ("true", ["server", "collections", "name", "proof"]),
    ],
)
def test_the_order_of_name_and_archives(plan, swapped, order):
    made = plan({"vault": "/srv/vault", "importBeforeDns": swapped, **DNS}).made
    steps = [one.name for one in made if one.type.endswith((":StepGroup", ":DnsRecord"))]
    assert steps == order


def test_docker_by_ssh(plan):
    made = plan({"package": "/srv/server.deb", "dockerConnect": "ssh"})
    access = made.one("SshAccess")
    assert access.inputs["via"] == "docker://velociraptor-1"
    assert access.inputs["ready"] == []
    assert {group.inputs["target"] for group in made.of("StepGroup")} == {"ssh://root@198.51.100.8"}


def test_a_host_that_exists(plan):
    made = plan({"vault": "/v", "machine": "host", "hostUri": "ssh://root@192.0.2.9", **DNS})
    assert made.one("HostMachine").inputs["uri"] == "ssh://root@192.0.2.9"
    assert made.one("DnsRecord").inputs["addresses"] == ["192.0.2.9", ""]
    assert {group.inputs["target"] for group in made.of("StepGroup")} == {"ssh://root@192.0.2.9"}


def test_a_host_with_ipv6_alone(plan):
    made = plan({"vault": "/v", "machine": "host", "hostUri": "ssh://root@[2001:db8::9]", **DNS})
    assert made.one("DnsRecord").inputs["addresses"] == ["", "2001:db8::9"]


HOST = {"vault": "/v", "machine": "host", "hostUri": "ssh://root@192.0.2.9"}


@pytest.mark.parametrize("machine", [{"vault": "/v"}, HOST])
def test_no_name_no_record(plan, machine):
    made = plan(machine)
    assert made.of("DnsRecord") == []
    assert "dns" not in made.of("StepGroup")[-1].inputs["request"]


def test_a_host_elsewhere_with_its_name_in_route_53(plan):
    name = {"dns": "route53", "name": "v.example.com", "dnsZone": "example.com"}
    made = plan({**HOST, **name})
    assert made.one("Record").inputs["records"] == ["192.0.2.9"]
    assert made.of("Instance") == []
    assert made.of("StepGroup")[-1].inputs["request"]["dns"]["nameserver"] == "ns-1.awsdns.example"
