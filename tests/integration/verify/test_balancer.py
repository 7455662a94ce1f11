"""Behind a load balancer: what AWS says of it, against moto's server, which keeps its state."""

import secrets

import boto3
import pytest

from recovery.errors import TargetError
from recovery.verify.addresses import led_to
from recovery.verify.balancer import BalancerEyes, has_no_credentials
from recovery.verify.facts import BalancerFacts, DnsFacts, ServerFacts
from recovery.verify.run_checks import run_checks

NAME = "velo.balanced.test"
NOTHING = ServerFacts(folders=["/d"], frontend_port=1, api_port=2, config_fingerprint="", keys={})


@pytest.fixture(scope="module")
def machines(aws):
    """Two instances' ids."""
    ec2 = boto3.client("ec2", endpoint_url=aws, region_name="eu-west-1")
    image = ec2.describe_images(Owners=["099720109477"])["Images"][0]["ImageId"]
    made = ec2.run_instances(ImageId=image, MinCount=2, MaxCount=2)["Instances"]
    yield [one["InstanceId"] for one in made]
    ec2.close()


@pytest.fixture
def stand(client, aws, machines, monkeypatch):
    """A balancer with a listener, and a group with the first machine in it; a zone without it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws)
    ec2, elb, dns = client("ec2"), client("elbv2"), client("route53")
    word = f"velo-{secrets.token_hex(4)}"
    subnet = ec2.describe_subnets()["Subnets"][0]
    made = elb.create_load_balancer(Name=word, Type="network", Subnets=[subnet["SubnetId"]])
    balancer = made["LoadBalancers"][0]
    group = elb.create_target_group(
        Name=word, Protocol="TCP", Port=8000, VpcId=subnet["VpcId"], TargetType="instance"
    )["TargetGroups"][0]["TargetGroupArn"]
    elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="TCP",
        Port=8000,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": machines[0]}])
    zone = dns.create_hosted_zone(Name="balanced.test", CallerReference=word)["HostedZone"]["Id"]
    facts = BalancerFacts(
        dns_name=balancer["DNSName"],
        group=group,
        instance=machines[0],
        zone=zone.rpartition("/")[2],
        region="eu-west-1",
        wait=0,
    )
    yield Stand(facts, machines, elb, dns)
    elb.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])
    sets = dns.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    gone = [{"Action": "DELETE", "ResourceRecordSet": r} for r in sets if r["Type"][0] == "A"]
    if gone:
        dns.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": gone})
    dns.delete_hosted_zone(Id=zone)


class Stand:
    def __init__(self, facts, ids, elb, dns):
        self.facts, self.ids, self._elb, self._dns = facts, ids, elb, dns

    def alias_to(self, target, kind="A"):
        self.publish(
            kind,
            AliasTarget={"HostedZoneId": "ZLB", "DNSName": target, "EvaluateTargetHealth": False},
        )

    def publish(self, kind, **record):
        change = {"Action": "UPSERT", "ResourceRecordSet": {"Name": NAME, "Type": kind, **record}}
        self._dns.change_resource_record_sets(
            HostedZoneId=self.facts.zone, ChangeBatch={"Changes": [change]}
        )

    def register(self, ident):
        self._elb.register_targets(TargetGroupArn=self.facts.group, Targets=[{"Id": ident}])

    def deregister(self, ident):
        self._elb.deregister_targets(TargetGroupArn=self.facts.group, Targets=[{"Id": ident}])


def behind(facts):
    return BalancerEyes(facts).behind().shortfall(facts.instance)


def test_the_new_machine_is_healthy_and_alone(stand):
    assert behind(stand.facts) == ""


def test_another_machine_beside_it_gets_clients_too(stand):
    stand.register(stand.ids[1])
    assert behind(stand.facts) == (
        f"clients are sent to {stand.ids[1]} as well, not to {stand.ids[0]} alone"
    )


def test_a_machine_that_is_not_registered(stand):
    stand.deregister(stand.ids[0])
    assert f"{stand.ids[0]} is " in behind(stand.facts)


def test_it_is_waited_for(stand):
    """As AWS has it: a new target is no target until its checks passed."""
    stand.deregister(stand.ids[0])
    waited = []

    def pause(seconds):
        waited.append(seconds)
        stand.register(stand.ids[0])

    patient = stand.facts.model_copy(update={"wait": 60})
    eyes = BalancerEyes(patient, pause)
    unsettled = eyes.until(lambda: behind(stand.facts), lambda words: not words)
    assert (unsettled, waited) == ("", [2.0])


def test_the_alias_is_the_balancers_own(stand):
    eyes = BalancerEyes(stand.facts)
    assert eyes.alias(NAME) == {"A": ""}, "there is no record yet"
    stand.alias_to(f"dualstack.{stand.facts.dns_name.upper()}.")
    assert eyes.is_alias_of(eyes.alias(NAME)["A"])
    stand.alias_to("of-the-lost-stack.elb.amazonaws.com.")
    assert not eyes.is_alias_of(eyes.alias(NAME)["A"])
    stand.publish("A", TTL=60, ResourceRecords=[{"Value": "192.0.2.1"}])
    assert not eyes.is_alias_of(eyes.alias(NAME)["A"]), "the lost server's address"


def test_both_kinds_are_looked_at(stand):
    eyes = BalancerEyes(stand.facts.model_copy(update={"kinds": ["A", "AAAA"]}))
    stand.alias_to(stand.facts.dns_name)
    assert eyes.alias(NAME) == {"A": stand.facts.dns_name.lower(), "AAAA": ""}


def test_credentials_that_are_the_providers_alone(stand, monkeypatch):
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(key)
    for key in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(key, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(TargetError) as refused:
        BalancerEyes(stand.facts).behind()
    assert has_no_credentials(refused.value)
    found = checks(Resolver({}), stand.facts)
    for name in ("network: load balancer", "network: alias"):
        assert found[name].outcome == "skipped"
        assert "AWS_PROFILE" in found[name].detail


class Resolver:
    """A machine that can be asked for nothing but a name's addresses."""

    uri = testinfra_uri = "ssh://resolver"

    def __init__(self, known):
        self._known = known

    def run(self, argv, **_):
        raise TargetError("nothing else", target=self.uri)

    def get(self, path):
        raise TargetError("nothing else", target=self.uri)


def checks(target, balancer):
    dns = DnsFacts(name=NAME, address="192.0.2.7", nameserver="127.0.0.1:1", balancer=balancer)
    facts = NOTHING.model_copy(update={"dns": dns})
    return {one.name: one for one in run_checks(target, facts, None, lambda _: None)}


def test_the_checks_of_a_proof(stand):
    stand.alias_to(stand.facts.dns_name)
    found = checks(Resolver({}), stand.facts)
    assert found["network: load balancer"].outcome == "passed", found
    assert found["network: load balancer"].detail.endswith(stand.ids[0])
    assert found["network: alias"].outcome == "passed"
    stand.register(stand.ids[1])
    stand.alias_to("of-the-lost-stack.elb.amazonaws.com.")
    found = checks(Resolver({}), stand.facts)
    assert {one.outcome for name, one in found.items() if "network" in name} >= {"failed"}
    assert found["network: load balancer"].outcome == "failed"
    assert "of-the-lost-stack" in found["network: alias"].detail


def test_without_a_balancer_no_check_speaks_of_one(monkeypatch):
    said = run_checks(Resolver({}), NOTHING, None, lambda _: None)
    assert not {one.name for one in said} & {"network: load balancer", "network: alias"}


class Host:
    """testinfra's host, as far as a resolver is asked: `getent` of the balancer's own name."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def run(self, command, *arguments):
        assert (command, arguments) == ("getent ahostsv4 %s", ("lb.elb.test",))
        known = self.answers.pop(0)
        return type("Said", (), {"stdout": "".join(f"{one} STREAM\n" for one in known)})


def test_the_name_leads_where_the_balancers_own_name_does(monkeypatch):
    """The zone's server is asked for the name, the machine's resolver for the balancer's."""
    asked = []

    def ask(record, kind):
        asked.append((record.name, kind))
        return {"198.51.100.9"}

    monkeypatch.setattr("recovery.verify.addresses._ask", ask)
    monkeypatch.setattr("recovery.verify.balancer._EVERY", 0)
    balancer = BalancerFacts(
        dns_name="lb.elb.test", group="g", instance="i", zone="Z", kinds=["A", "AAAA"], wait=60
    )
    record = DnsFacts(
        name=NAME, address="192.0.2.7", address6="", nameserver="ns.test", balancer=balancer
    )
    host = Host([], ["198.51.100.9"])
    assert led_to(record, host) == (["198.51.100.9"], ["198.51.100.9"])
    assert host.answers == [], "a new balancer's name is not known at once"
    assert asked == [(NAME, "A")]
