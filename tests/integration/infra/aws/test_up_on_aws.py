"""`pulumi up` on AWS, by the double: what fails once is survived, what is there is left alone."""

import dataclasses

import pytest

from recovery.drill.aws_account import resources, terminate_instances
from recovery.errors import RecoveryError
from recovery.infra.aws.permissions import action_of, actions, policy
from recovery.infra.update import destroy, preview, up
from recovery.settings import parse_settings

pytestmark = [
    pytest.mark.pulumi,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    # When the engine ends with a failure, the SDK's language server leaves its loop unclosed.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

NAME = "velociraptor.example.test"
EVERYTHING = {"awsEntry": "loadBalancer", "awsHealthCheck": "true"}
ROUNDS = 25


def kinds(left):
    return sorted(one.split()[0] for one in left)


def test_each_call_fails_once_and_the_stack_is_the_same_in_the_end(cloud, aws_stack, said):
    """No AWS call is exempt: each fails at its first time, in whatever order the engine asks."""
    stack = dataclasses.replace(aws_stack, settings={**aws_stack.settings, **EVERYTHING})
    cloud.fail_each_call_once()
    words = []
    while len(words) < ROUNDS:
        try:
            up(stack, said.append)
        except RecoveryError as failed:
            words.append(str(failed))
        else:
            break
    assert words, "nothing failed"
    assert len(words) < ROUNDS, f"not through: {words[-3:]}"
    assert all("failed as asked" in one for one in words), words
    assert {"ec2:RunInstances", "iam:CreateRole", "route53:ChangeResourceRecordSets"} <= set(
        cloud.failed()
    )
    assert len(cloud.failed()) > 25
    assert up(stack, said.append).changed == 0

    allowed = actions(policy(parse_settings(plain(stack)), f"recovery-{stack.name}"))
    assert {action_of(call) for call in cloud.calls()} <= allowed

    found = kinds(resources(f"recovery-{stack.name}", NAME, "example.test", cloud.region))
    assert found == sorted(
        [
            *("instance", "internet-gateway", "key-pair", "role", "route-table", "security-group"),
            *["security-group-rule"] * 6,
            *("subnet", "volume", "vpc", "record", "record"),
        ]
    ), "nothing is there twice, and nothing is missing"


def plain(stack):
    return {key: one for key, one in stack.settings.items() if ":" not in key}


def test_a_terminated_instance_is_replaced_and_the_rest_is_left(cloud, aws_stack, said, steps):
    up(aws_stack, said.append)
    steps.forget()
    (lost,) = terminate_instances(f"recovery-{aws_stack.name}", cloud.region)
    changes = up(aws_stack, said.append).changes
    assert changes.get("create", 0) + changes.get("replace", 0) >= 1
    assert "delete" not in changes
    assert steps.groups() == ["server", "collections", "proof"], "every step runs on the new one"
    seen = cloud.client("ec2").describe_instances()["Reservations"]
    states = {one["InstanceId"]: one["State"]["Name"] for r in seen for one in r["Instances"]}
    assert states.pop(lost) == "terminated"
    assert list(states.values()) == ["running"]

    with pytest.raises(RecoveryError, match="protected"):
        destroy(aws_stack, said.append)
    destroy(aws_stack, said.append, keep_protected=True)
    left = resources(f"recovery-{aws_stack.name}", NAME, "example.test", cloud.region)
    assert kinds(left) == ["volume"]


def test_without_credentials_a_preview_says_so(cloud, aws_stack, said, without_credentials):
    with pytest.raises(RecoveryError) as refused:
        preview(aws_stack, said.append)
    assert "there are no AWS credentials" in str(refused.value)
    assert "AWS_PROFILE" in str(refused.value)
    assert "Traceback" not in str(refused.value)
    assert not (cloud.folder / "calls.jsonl").exists(), "nothing was asked"
