"""The policies that `recovery aws policy` prints: enough for the plan, and nothing beside it."""

import pytest

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
    small = actions(policy(parse_settings({**AWS, "awsVpc": "v", "awsSubnet": "s"}), "recovery-x"))
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
    for sid, statement in printed.items():
        services = {action.split(":")[0] for action in statement["Action"]}
        if not services & {"ec2", "elasticloadbalancing"} or sid == "PortRules":
            continue
        bound = [one for one in statement["Action"] if one.split(":")[1].startswith(reaching)]
        assert not bound or statement["Condition"] == own, sid
    assert printed["Ports"]["Resource"] == "arn:aws:ec2:*:*:security-group/*"
    assert printed["PortRules"]["Resource"] == "arn:aws:ec2:*:*:security-group-rule/*"
    assert set(printed["PortRules"]["Action"]) == set(printed["Ports"]["Action"])


def test_the_tag_itself_is_put_on_new_things_only(printed, plan):
    for sid, own, action in (
        ("TagNew", "ServerOwn", "ec2:CreateTags"),
        ("BalancerTagNew", "BalancerOwn", "elasticloadbalancing:AddTags"),
    ):
        allowing = {one: st for one, st in printed.items() if action in st["Action"]}
        assert set(allowing) == {sid, own}
        assert "CreateAction" in str(allowing[sid]["Condition"])
    made = plan(AWS)
    assert "tags" not in made.one("Instance").inputs["rootBlockDevice"], "put on afterwards"
    assert "tags" not in made.one("DefaultSecurityGroup").inputs, "it is there before"


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
    printed = vault_policy("vault-1", copied=True, kms_key="arn:k")
    found = actions(printed)
    assert {"s3:PutBucketObjectLockConfiguration", "iam:CreateRole", "kms:DescribeKey"} <= found
    assert not {action for action in found if action.startswith("s3:Delete")}
    arn = "arn:aws:s3:::vault-1"
    assert printed["Statement"][0]["Resource"] == [arn, f"{arn}-copy"]
    assert action_of("s3:HeadBucket") == "s3:ListBucket"
    assert action_of("ec2:RunInstances") == "ec2:RunInstances"
