"""Route 53 and target groups by boto3 against moto's server, which keeps their state."""

import secrets

import pytest

from recovery.errors import BadInputError, TargetError
from recovery.switch.fail_over import fail_over, look, way_back
from recovery.switch.open import open_switch


@pytest.fixture
def zone(client):
    route53 = client("route53")
    made = route53.create_hosted_zone(Name="example.test", CallerReference="one")["HostedZone"]
    records = [
        {"Type": "A", "ResourceRecords": [{"Value": "192.0.2.1"}]},
        {"Type": "AAAA", "ResourceRecords": [{"Value": "2001:db8::1"}]},
    ]
    route53.change_resource_record_sets(
        HostedZoneId=made["Id"],
        ChangeBatch={
            "Changes": [
                {
                    "Action": "CREATE",
                    "ResourceRecordSet": {"Name": "velo.example.test.", "TTL": 3600, **record},
                }
                for record in records
            ]
        },
    )
    yield made["Id"].rpartition("/")[2]
    sets = route53.list_resource_record_sets(HostedZoneId=made["Id"])["ResourceRecordSets"]
    gone = [{"Action": "DELETE", "ResourceRecordSet": r} for r in sets if r["Type"][0] == "A"]
    if gone:
        route53.change_resource_record_sets(HostedZoneId=made["Id"], ChangeBatch={"Changes": gone})
    route53.delete_hosted_zone(Id=made["Id"])


@pytest.mark.parametrize("by", ["id", "domain"])
def test_a_name_there_and_back(aws, client, zone, by):
    given = zone if by == "id" else "example.test"
    switch = open_switch(f"route53://velo.example.test?zone={given}&ttl=30&endpoint={aws}")
    assert "3600 s" in look(switch, 300).findings[0]

    done = fail_over(switch, "192.0.2.7", port=0, max_ttl=300)

    assert (done.before, done.ttl) == ("192.0.2.1", 3600)
    sets = client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    assert [
        (r["Type"], r["TTL"], r["ResourceRecords"][0]["Value"])
        for r in sets
        if r["Name"].startswith("velo")
    ] == [("A", 30, "192.0.2.7")]
    assert not look(switch, 300).findings
    fail_over(switch, way_back(switch), port=0, max_ttl=300)
    assert switch.current() == "192.0.2.1"


def test_a_zone_that_is_not_there(aws):
    switch = open_switch(f"route53://velo.another.test?endpoint={aws}")
    with pytest.raises(BadInputError, match="0 public zones"):
        switch.current()


def test_aws_out_of_reach_is_said(aws, monkeypatch):
    monkeypatch.setattr("recovery.aws_api._CALM", None)
    switch = open_switch("route53://velo.example.test?zone=Z1&endpoint=http://127.0.0.1:1")
    with pytest.raises(TargetError, match="Could not connect"):
        switch.current()


@pytest.fixture
def group(client):
    """A target group behind a listener, of addresses or of instances: its ARN."""
    ec2, elb = client("ec2"), client("elbv2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    balancer = elb.create_load_balancer(
        Name=f"velo-{secrets.token_hex(4)}", Type="network", Subnets=[subnet]
    )
    balancer = balancer["LoadBalancers"][0]["LoadBalancerArn"]
    made = []

    def make(kind):
        found = elb.create_target_group(
            Name=f"velo-{secrets.token_hex(4)}",
            Protocol="TCP",
            Port=8000,
            VpcId=vpc,
            TargetType=kind,
        )["TargetGroups"][0]["TargetGroupArn"]
        made.append(found)
        listener = elb.create_listener(
            LoadBalancerArn=balancer,
            Protocol="TCP",
            Port=8000 + len(made),
            DefaultActions=[{"Type": "forward", "TargetGroupArn": found}],
        )
        made.append(listener["Listeners"][0]["ListenerArn"])
        return found

    yield make
    elb.delete_load_balancer(LoadBalancerArn=balancer)


def ids(client, arn):
    health = client("elbv2").describe_target_health(TargetGroupArn=arn)
    return [one["Target"]["Id"] for one in health["TargetHealthDescriptions"]]


def test_a_group_of_addresses_there_and_back(aws, client, group):
    arn = group("ip")
    client("elbv2").register_targets(TargetGroupArn=arn, Targets=[{"Id": "172.31.0.10"}])
    switch = open_switch(f"targetgroup://{arn}?endpoint={aws}")
    assert "300 s" in look(switch, 60).findings[0], "the deregistration delay of AWS's default"

    fail_over(switch, "172.31.0.11", port=0, max_ttl=60)

    assert ids(client, arn) == ["172.31.0.11"]
    fail_over(switch, way_back(switch), port=0, max_ttl=60)
    assert ids(client, arn) == ["172.31.0.10"]


def test_a_group_of_instances_takes_the_machine_behind_an_address(aws, client, group):
    arn, ec2 = group("instance"), client("ec2")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    old, new = ec2.run_instances(ImageId=image, MinCount=2, MaxCount=2)["Instances"]
    client("elbv2").register_targets(TargetGroupArn=arn, Targets=[{"Id": old["InstanceId"]}])
    switch = open_switch(f"targetgroup://{arn}?endpoint={aws}")

    fail_over(switch, new["PrivateIpAddress"], port=0, max_ttl=300)

    assert ids(client, arn) == [new["InstanceId"]]
    assert switch.current() == new["InstanceId"]


def test_a_wrong_machine_is_refused_before_the_old_one_goes(aws, client, group):
    arn, ec2 = group("instance"), client("ec2")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    old = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    client("elbv2").register_targets(TargetGroupArn=arn, Targets=[{"Id": old}])
    switch = open_switch(f"targetgroup://{arn}?endpoint={aws}")
    with pytest.raises(BadInputError, match="no instance has"):
        switch.to("203.0.113.99")
    assert ids(client, arn) == [old]
