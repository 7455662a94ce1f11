"""The double judges a call as IAM would: each action on each resource, its tags and names."""

import sys

import pytest

from recovery.infra.aws.permissions import policy
from recovery.infra.workspace import CLONE
from recovery.settings import parse_settings

SETTINGS = {
    "machine": "aws",
    "vault": "s3://vault/points",
    "awsAdminsFrom": "192.0.2.0/24",
    "awsEntry": "loadBalancer",
    "dns": "route53",
    "name": "velociraptor.example.com",
    "dnsZone": "example.com",
}
TAG = "velociraptor-recovery.stack"
MINE = {TAG: "recovery-mine"}
BALANCER = "arn:aws:elasticloadbalancing:eu-1:1:loadbalancer/net/machine-1/0a"
TAGS = {
    **dict.fromkeys(("i-1a", "vol-1a", "subnet-1a", "sg-1a", "key-pair/mine", BALANCER), MINE),
    "i-2b": {TAG: "other"},
}


@pytest.fixture
def double(monkeypatch):
    monkeypatch.syspath_prepend(str(CLONE / "tests"))
    from aws_double import asks, judge

    yield asks, judge
    for name in [name for name in sys.modules if name.startswith("aws_double")]:
        del sys.modules[name]


@pytest.fixture
def refuse(double):
    asks, judge = double
    document = policy(parse_settings(SETTINGS), "recovery-mine")
    world = asks.World(
        "eu-1",
        "1",
        tags_of=lambda ident: TAGS.get(ident, {}),
        roles_of=lambda profile: [f"machine-{profile}"],
        joined_by=lambda _: ["i-1a"],
    )

    def reasons(call, **params):
        found = [judge.refusal(document, one) for one in asks.asks(call, params, world)]
        return "; ".join(one for one in found if one)

    return reasons


def change(name, kind="A"):
    record = {"Action": "UPSERT", "ResourceRecordSet": {"Name": name, "Type": kind}}
    return {"HostedZoneId": "Z1", "ChangeBatch": {"Changes": [record]}}


def launch(**more):
    tags = [{"ResourceType": "instance", "Tags": [{"Key": TAG, "Value": "recovery-mine"}]}]
    door = {"SubnetId": "subnet-1a", "Groups": ["sg-1a"]}
    return {
        "ImageId": "ami-1a",
        "KeyName": "mine",
        "IamInstanceProfile": {"Name": "1"},
        "NetworkInterfaces": [door],
        "TagSpecifications": tags,
        **more,
    }


def test_what_is_allowed(refuse):
    assert refuse("ec2:RunInstances", **launch()) == ""
    assert refuse("ec2:TerminateInstances", InstanceIds=["i-1a"]) == ""
    assert refuse("ec2:AttachVolume", InstanceId="i-1a", VolumeId="vol-1a") == ""
    assert refuse("route53:ChangeResourceRecordSets", **change("Velociraptor.example.com.")) == ""
    assert refuse("elasticloadbalancing:CreateLoadBalancer", Name="machine-1") == ""
    assert refuse("iam:CreateRole", RoleName="machine-1") == ""


def test_what_is_not(refuse):
    assert "no identity-based policy" in refuse("ec2:CreateImage", InstanceId="i-1a")
    assert "i-2b doesn't have aws:ResourceTag" in refuse(
        "ec2:TerminateInstances", InstanceIds=["i-2b"]
    )
    assert "vol-2b" in refuse("ec2:AttachVolume", InstanceId="i-1a", VolumeId="vol-2b")
    assert "www.example.com" in refuse(
        "route53:ChangeResourceRecordSets", **change("www.example.com")
    )
    assert "not MX" in refuse(
        "route53:ChangeResourceRecordSets", **change("velociraptor.example.com", "MX")
    )


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"KeyName": "another"}, "key-pair/another"),
        ({"NetworkInterfaces": [{"SubnetId": "subnet-2b", "Groups": ["sg-1a"]}]}, "subnet-2b"),
        ({"NetworkInterfaces": [{"SubnetId": "subnet-1a", "Groups": ["sg-2b"]}]}, "sg-2b"),
    ],
)
def test_a_machine_with_anothers_key_network_or_group(refuse, more, why):
    assert why in refuse("ec2:RunInstances", **launch(**more))


def test_resources_go_by_their_names(refuse):
    assert "Role is for" in refuse("iam:PutRolePolicy", RoleName="administrator")
    assert "PassRole is for" in refuse(
        "iam:AddRoleToInstanceProfile", RoleName="admin", InstanceProfileName="machine-1"
    )
    assert "Balancer is for" in refuse("elasticloadbalancing:CreateLoadBalancer", Name="web")
    assert "no identity-based policy" in refuse("s3:PutBucketPolicy", Bucket="vault")


def test_tags_come_with_what_is_made_only(refuse, double):
    asks, judge = double
    document = policy(parse_settings(SETTINGS), "recovery-mine")
    later = asks.Ask("ec2:CreateTags", "arn:aws:ec2:eu-1:1:instance/i-2b", "instance", {})
    assert "ec2:CreateAction" in judge.refusal(document, later)


def test_a_right_to_use_a_key_is_asked_of_whoever_makes_a_volume(refuse):
    key = "arn:aws:kms:eu-1:1:key/1"
    assert "kms:CreateGrant" in refuse("ec2:CreateVolume", KmsKeyId=key)


def test_what_the_judge_does_not_know_is_an_error(double):
    asks, judge = double
    ask = asks.Ask("ec2:TerminateInstances", "arn:aws:ec2:eu-1:1:instance/i-1a", "instance", {})
    statement = {"Sid": "S", "Effect": "Allow", "Action": ["ec2:*"], "Resource": "*"}
    key = "aws:ResourceTag/a"
    for wrong in (
        {**statement, "Effect": "Deny"},
        {**statement, "NotAction": []},
        {**statement, "Condition": {"StringNotLike": {key: "x"}}},
    ):
        with pytest.raises(ValueError, match="doesn't know"):
            judge.refusal({"Statement": [wrong]}, ask)
    with pytest.raises(KeyError, match="no action ec2:RunInstance"):
        judge.refusal(
            {"Statement": [{**statement, "Condition": {"StringEquals": {key: "x"}}}]},
            asks.Ask("ec2:RunInstance", "*"),
        )


def test_a_condition_that_the_action_lacks_never_holds(double):
    """As in AWS: the text looks as if it allowed something, and allows nothing."""
    asks, judge = double
    only = {"StringEquals": {"ec2:ResourceTag/a": "x"}}
    statement = {"Sid": "S", "Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "*"}
    ask = asks.Ask(
        "ec2:RunInstances", "arn:aws:ec2:eu-1:1:volume/*", "volume", {"ec2:ResourceTag/a": ["x"]}
    )
    words = judge.refusal({"Statement": [{**statement, "Condition": only}]}, ask)
    assert "has no key ec2:ResourceTag/a on volume" in words
