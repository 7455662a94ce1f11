"""`pulumi up` on AWS, by the double: what fails once is survived, what is there is left alone."""

import dataclasses
import os
from base64 import b64decode

import pytest
import yaml

from recovery import commands
from recovery.drill.aws_account import resources, terminate_instances
from recovery.errors import RecoveryError
from recovery.infra.aws.permissions import policy, vault_policy
from recovery.infra.engine_events import Told, as_error
from recovery.infra.update import destroy, preview, up
from recovery.infra.workspace import CLONE, PulumiFailed, StackRequest, environment, open_stack
from recovery.settings import parse_settings
from tests.integration.infra.aws.least_rights import (
    BY_NAME,
    BY_THE_PROOF,
    BY_THE_TOOLKIT,
    UNTAGGED,
    allowed,
    beside,
    elsewhere,
    needless,
    refused,
)

pytestmark = [
    pytest.mark.pulumi,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    # When the engine ends with a failure, the SDK's language server leaves its loop unclosed.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

NAME = "velociraptor.example.test"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/0d5a3c1e-0000-4000-8000-000000000000"
GROUPS = ["server", "collections", "proof"]
ROUNDS = 20
A_FEW = (
    "elasticloadbalancing:CreateTargetGroup",  # nothing was made
    "ec2:ModifyInstanceAttribute",  # the instance is there, but not settled
    "route53:ChangeResourceRecordSets",  # all is there but the name
)


def kinds(left):
    return sorted(one.split()[0] for one in left)


def plain(stack):
    return {key: one for key, one in stack.settings.items() if ":" not in key}


def with_settings(stack, **more):
    return dataclasses.replace(stack, settings={**stack.settings, **more})


def left_of(stack, cloud):
    return kinds(resources(f"recovery-{stack.name}", NAME, "example.test", cloud.region))


def until_nothing_fails(stack, say):
    """The words of each failed `up`, one after the other, until one gets through.

    With ``--continue-on-error``: what doesn't hang on the failed call is made, and may fail too.
    """
    words = []
    while len(words) < ROUNDS:
        opened, told = open_stack(stack), Told(say)
        try:
            opened.up(refresh=True, continue_on_error=True, on_event=told.hear, color="never")
        except PulumiFailed as failed:
            words.append(str(as_error(told.errors, stack.name, str(failed))))
        else:
            assert all("failed as asked" in one for one in words), words
            return words
    raise AssertionError(f"not through: {words[-3:]}")


@pytest.mark.skipif(
    "RECOVERY_AWS_FAILURES" not in os.environ,
    reason="fails on purpose for minutes: `make aws-failures`; three calls fail in the next test",
)
def test_each_call_fails_once_and_the_stack_is_the_same_in_the_end(cloud, aws_stack, said):
    """No AWS call is exempt: each fails at its first time, in whatever order the engine asks."""
    stack = with_settings(aws_stack, awsEntry="loadBalancer", awsHealthCheck="true")
    cloud.fail_once("*")
    words = until_nothing_fails(stack, said.append)
    assert words, "nothing failed"
    assert {"ec2:RunInstances", "iam:CreateRole", *A_FEW} <= set(cloud.failed())
    assert len(cloud.failed()) > 25
    assert up(stack, said.append).changed == 0
    assert left_of(stack, cloud) == sorted(
        [
            *("instance", "internet-gateway", "key-pair", "role", "route-table", "security-group"),
            *["security-group-rule"] * 6,
            *("subnet", "volume", "vpc", "record", "record", "loadbalancer", "targetgroup"),
        ]
    ), "nothing is there twice, and nothing is missing"


@pytest.fixture
def full_plan(cloud, aws_stack):
    """A given network, a balancer, a health check, a volume from a snapshot, a key."""
    ec2 = cloud.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]
    before = ec2.create_volume(AvailabilityZone=subnet["AvailabilityZone"], Size=11)["VolumeId"]
    return with_settings(
        aws_stack,
        awsVpc=subnet["VpcId"],
        awsSubnet=subnet["SubnetId"],
        awsEntry="loadBalancer",
        awsHealthCheck="true",
        awsSnapshot=ec2.create_snapshot(VolumeId=before)["SnapshotId"],
        awsVolumeSize="12",
        awsKmsKey=KEY,
        awsRootSize="21",
    )


def test_the_life_of_a_stack_with_every_option(cloud, full_plan, said, steps):
    """By a user who may do what `recovery aws policy` prints, and nothing else."""
    stack, label = full_plan, f"recovery-{full_plan.name}"
    printed = policy(parse_settings(plain(stack)), label)
    cloud.enforce(printed)
    cloud.fail_once(*A_FEW)
    assert len(until_nothing_fails(stack, said.append)) >= 2
    assert set(cloud.failed()) == set(A_FEW)
    assert steps.groups() == GROUPS
    steps.forget()
    assert up(stack, said.append).changed == 0
    assert steps.groups() == []

    machine = instances(cloud)["running"]
    is_as_planned(cloud, stack, machine)
    says_no_secret(cloud, stack, machine, said)
    assert terminate_instances(label, cloud.region) == [machine]

    changes = up(stack, said.append).changes
    assert changes.get("create", 0) + changes.get("replace", 0) >= 1
    assert "delete" not in changes
    assert steps.groups() == GROUPS, "every step runs on the new machine"
    with pytest.raises(RecoveryError, match="protected"):
        destroy(stack, said.append)
    destroy(stack, said.append, keep_protected=True)

    assert instances(cloud).keys() == {"terminated"}
    assert left_of(stack, cloud) == ["volume"]
    asked = [*cloud.asked(), *BY_THE_TOOLKIT, *BY_THE_PROOF]
    # The volume, from a snapshot and given its size, is not changed in this life.
    holds_to_its_rights(printed, asked, beyond=["ec2:ModifyVolume"], reaches=BY_NAME)


def test_a_stack_with_a_network_of_its_own_by_its_rights_alone(cloud, aws_stack, said):
    """Held to another stack's policy an `up` gets no further than what it makes itself.

    With its own it goes on from there, changes, and ends.
    """
    cloud.enforce(policy(parse_settings(plain(aws_stack)), "recovery-another"))
    assert preview(aws_stack, said.append)["create"] > 25
    looks = ("Describe", "Get", "List")
    assert [call for call in cloud.calls() if not call.split(":")[1].startswith(looks)] == []
    with pytest.raises(RecoveryError, match=r"not authorized: .*doesn't have") as stopped:
        up(aws_stack, said.append)
    assert "velociraptor-recovery.stack=recovery-another" in str(stopped.value)

    label = f"recovery-{aws_stack.name}"
    printed = policy(parse_settings(plain(aws_stack)), label)
    cloud.enforce(printed)
    up(aws_stack, said.append)
    larger = with_settings(aws_stack, awsVolumeSize="200")
    assert up(larger, said.append).changes.get("update") == 1
    destroy(larger, said.append, keep_protected=True)
    holds_to_its_rights(printed, [*cloud.asked(), *BY_THE_TOOLKIT], reaches=UNTAGGED)


def holds_to_its_rights(printed, asked, *, beyond=(), reaches=()):
    """All that was asked is allowed; each right is needed; nothing of another's is reached."""
    assert refused(printed, asked) == []
    assert needless(printed, asked) == beside(printed, beyond)
    others = list(elsewhere(asked))
    assert len(others) > 5
    assert allowed(printed, others) <= {*reaches}


def instances(cloud):
    seen = cloud.client("ec2").describe_instances()["Reservations"]
    return {one["State"]["Name"]: one["InstanceId"] for part in seen for one in part["Instances"]}


def is_as_planned(cloud, stack, machine):
    ec2, elb, dns = (cloud.client(name) for name in ("ec2", "elbv2", "route53"))
    seen = ec2.describe_instances(InstanceIds=[machine])["Reservations"][0]["Instances"][0]
    assert seen["SubnetId"] == stack.settings["awsSubnet"]
    assert seen["MetadataOptions"]["HttpTokens"] == "required"
    filters = [{"Name": "snapshot-id", "Values": [stack.settings["awsSnapshot"]]}]
    (volume,) = ec2.describe_volumes(Filters=filters)["Volumes"]
    assert (volume["Size"], volume["Encrypted"], volume["KmsKeyId"]) == (12, True, KEY)
    assert [one["InstanceId"] for one in volume["Attachments"]] == [machine]
    (group,) = elb.describe_target_groups()["TargetGroups"]
    health = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
    assert [one["Target"]["Id"] for one in health["TargetHealthDescriptions"]] == [machine]
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    (zone,) = dns.list_hosted_zones()["HostedZones"]
    records = dns.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    (alias,) = [one for one in records if one["Name"].rstrip(".") == NAME]
    assert alias["AliasTarget"]["DNSName"].rstrip(".") == balancer["DNSName"]
    (check,) = dns.list_health_checks()["HealthChecks"]
    assert check["HealthCheckConfig"]["FullyQualifiedDomainName"] == balancer["DNSName"]
    assert check["HealthCheckConfig"]["Port"] == 8000


def says_no_secret(cloud, stack, machine, said):
    """Neither key stands in the state, its export, the outputs, the stack's files or what is said.

    The host's private key is in the instance's user data, from where it is read here.
    """
    ec2 = cloud.client("ec2")
    data = ec2.describe_instance_attribute(InstanceId=machine, Attribute="userData")["UserData"]
    boot = yaml.safe_load(b64decode(data["Value"]))
    secret = [
        boot["ssh_keys"]["ed25519_private"],
        (stack.folder.parent / "ssh/identity").read_text(),
    ]
    bodies = [line for key in secret for line in key.splitlines()[1:-1]]
    assert len(bodies) > 4
    export = ["pulumi", "stack", "export", "--stack", stack.name]
    exported = commands.run(export, env=environment(stack.folder), cwd=stack.project).text
    files = [path for path in stack.folder.rglob("*") if path.is_file()]
    assert stack.state_file in files
    words = [path.read_bytes().decode("utf-8", "replace") for path in files]
    words += [exported, *said]
    everything = "\n".join(words)
    assert "user_data" in everything or "userData" in everything
    assert not [body for body in (*bodies, data["Value"][:80]) if body in everything]


def test_the_vaults_bucket_and_its_copy_in_a_second_region(cloud, tmp_path, said):
    settings = {
        "aws:region": cloud.region,
        "bucket": "vault-of-a-test",
        "copyRegion": "eu-west-1",
        "kmsKey": KEY,
    }
    program = CLONE / "recovery" / "infra" / "aws" / "vault_stack"
    stack = StackRequest("vault", tmp_path / "stack", settings, program=program)
    printed = vault_policy("vault-of-a-test", copied=True)
    cloud.enforce(printed)
    up(stack, said.append)
    assert up(stack, said.append).changed == 0

    kept = {"endpoint_url": os.environ["AWS_ENDPOINT_URL"]}
    s3 = cloud.client("s3", **kept)
    replication = s3.get_bucket_replication(Bucket="vault-of-a-test")["ReplicationConfiguration"]
    (rule,) = replication["Rules"]
    assert rule["Destination"]["Bucket"] == "arn:aws:s3:::vault-of-a-test-copy"
    assert ":role/vault-copy-" in replication["Role"]
    where = s3.get_bucket_location(Bucket="vault-of-a-test-copy")["LocationConstraint"]
    assert where == "eu-west-1"
    default = s3.get_bucket_encryption(Bucket="vault-of-a-test")
    (rule,) = default["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == KEY
    holds_to_its_rights(
        printed,
        cloud.asked(),
        beyond=["iam:DeleteRole", "iam:DeleteRolePolicy"],  # not ended here
    )
    real = cloud.client("s3")
    for bucket in ("vault-of-a-test", "vault-of-a-test-copy"):
        assert real.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    with pytest.raises(RecoveryError, match="protected"):
        destroy(stack, said.append)


def test_without_credentials_a_preview_says_so(cloud, aws_stack, said, without_credentials):
    with pytest.raises(RecoveryError) as refused:
        preview(aws_stack, said.append)
    assert "there are no AWS credentials" in str(refused.value)
    assert "AWS_PROFILE" in str(refused.value)
    assert "Traceback" not in str(refused.value)
    assert not (cloud.folder / "calls.jsonl").exists(), "nothing was asked"
