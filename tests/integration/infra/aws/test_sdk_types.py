"""The double refuses what the SDK doesn't know: checked against the SDK's own definitions."""

import sys

import pytest

from recovery.infra.workspace import CLONE

INSTANCE = "aws:ec2/instance:Instance"


@pytest.fixture
def sdk(monkeypatch):
    monkeypatch.syspath_prepend(str(CLONE / "tests"))
    from aws_double import sdk_types

    yield sdk_types
    for name in [name for name in sys.modules if name.startswith("aws_double")]:
        del sys.modules[name]


def test_an_unknown_property_and_a_wrong_type_are_refused(sdk):
    given = {
        "ami": "ami-1",
        "instanceTyp": "t3.medium",
        "rootBlockDevice": {"encrypted": "yes", "size": 8},
        "vpcSecurityGroupIds": "sg-1",
        "tags": {"a": 1},
    }
    assert {path for path, _ in sdk.refuse_inputs(INSTANCE, given)} == {
        "instanceTyp",
        "rootBlockDevice.encrypted",
        "rootBlockDevice.size",
        "vpcSecurityGroupIds",
        "tags.a",
    }


def test_what_must_be_there_and_is_not(sdk):
    rule = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    refused = dict(sdk.refuse_inputs(rule, {"fromPort": 22, "toPort": 22}))
    assert refused == {"ipProtocol": "it is missing", "securityGroupId": "it is missing"}


def test_what_is_right_or_not_known_yet_is_not_refused(sdk):
    given = {"ami": sdk.UNKNOWN, "rootBlockDevice": {"encrypted": True, "volumeSize": 8}}
    assert sdk.refuse_inputs(INSTANCE, given) == []


def test_unknown_types_functions_outputs_and_arguments(sdk):
    for token in ("aws:ec2/instanse:Instanse", "aws:ec2/getAmis:getAmis"):
        with pytest.raises(sdk.UnknownError):
            sdk.described(token)
    assert sdk.refuse_outputs("aws:ec2/eip:Eip", {"publicIp": "", "adress": ""}) == ["adress"]
    assert sdk.refuse_arguments("aws:ec2/getAmi:getAmi", {"owner": []}) == ["owner"]
