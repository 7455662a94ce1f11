"""The double judges a call as IAM would: its action, the tags of what it touches, the name."""

import sys

import pytest

from recovery.infra.aws.permissions import policy
from recovery.infra.workspace import CLONE
from recovery.settings import parse_settings

SETTINGS = {
    "machine": "aws",
    "vault": "s3://vault/points",
    "awsAdminsFrom": "192.0.2.0/24",
    "dns": "route53",
    "name": "velociraptor.example.com",
    "dnsZone": "example.com",
}
TAG = "velociraptor-recovery.stack"
TAGS = {"i-1a": {TAG: "recovery-mine"}, "vol-1a": {TAG: "recovery-mine"}, "i-2b": {TAG: "other"}}


@pytest.fixture
def refuse(monkeypatch):
    monkeypatch.syspath_prepend(str(CLONE / "tests"))
    from aws_double.permission import refuse

    document = policy(parse_settings(SETTINGS), "recovery-mine")
    yield lambda action, **params: refuse(
        document, action, params, lambda ident: TAGS.get(ident, {})
    )
    for name in [name for name in sys.modules if name.startswith("aws_double")]:
        del sys.modules[name]


def change(name, kind="A"):
    record = {"Action": "UPSERT", "ResourceRecordSet": {"Name": name, "Type": kind}}
    return {"HostedZoneId": "Z1", "ChangeBatch": {"Changes": [record]}}


def test_what_is_allowed(refuse):
    tags = [{"ResourceType": "instance", "Tags": []}]
    assert refuse("ec2:RunInstances", SubnetId="subnet-9f", TagSpecifications=tags) == ""
    assert refuse("ec2:TerminateInstances", InstanceIds=["i-1a"]) == ""
    assert refuse("ec2:AttachVolume", InstanceId="i-1a", VolumeId="vol-1a") == ""
    assert refuse("route53:ChangeResourceRecordSets", **change("Velociraptor.example.com.")) == ""


def test_what_is_not(refuse):
    assert "no identity-based policy" in refuse("ec2:CreateImage", InstanceId="i-1a")
    assert "i-2b doesn't have the tag" in refuse("ec2:TerminateInstances", InstanceIds=["i-2b"])
    assert "vol-2b" in refuse("ec2:AttachVolume", InstanceId="i-1a", VolumeId="vol-2b")
    assert "may be changed" in refuse(
        "route53:ChangeResourceRecordSets", **change("www.example.com")
    )
    assert "may be changed" in refuse(
        "route53:ChangeResourceRecordSets", **change("velociraptor.example.com", "MX")
    )
    assert "names nothing" in refuse("ec2:DeleteVolume", Filters=[])
