"""The runbook's steps for "all is gone", as they are printed, by the plain command line."""

import os
import shlex
import shutil
import subprocess

import pytest

from recovery.infra.workspace import CLONE

pytestmark = [
    pytest.mark.pulumi,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        "RECOVERY_AWS_FAILURES" not in os.environ,
        reason="the drill on AWS does the same by the engine: `make aws-failures` types it",
    ),
]
RUNBOOK = (CLONE / "docs" / "runbook.md").read_text()
INIT = "cp Pulumi.aws.yaml Pulumi.aws2.yaml && pulumi stack init aws2"
DESTROY = "pulumi destroy --exclude-protected"
YES = " --yes --non-interactive"


@pytest.fixture
def shell(cloud, clone_copy, typed_environment):
    """Types a line in a folder like the clone."""
    shutil.copy(CLONE / "Pulumi.aws.yaml", clone_copy)

    def run(line):
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=clone_copy,
            env=typed_environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def printed(line):
    """A command of the runbook; whoever changes it there is told here."""
    assert f"`{line}`" in RUNBOOK
    return line


def test_a_new_stack_is_made_up_to_date_and_ended(cloud, shell, steps, tmp_path):
    shell(printed(INIT))
    for key, value in {
        "aws:region": cloud.region,
        "vault": "s3://vault/points",
        "point": "p1",
        "name": "velociraptor.example.test",
        "dnsZone": "example.test",
        "awsAdminsFrom": "192.0.2.0/24",
        "folder": str(tmp_path / "ssh"),
    }.items():
        shell(f"pulumi config set {key} {shlex.quote(value)}")
    shell(printed("pulumi up") + YES)
    assert steps.groups() == ["server", "collections", "proof"]
    assert "unchanged" in shell(printed("pulumi up") + YES + " --expect-no-changes")
    said = shell(printed(DESTROY) + YES)
    assert "deleted" in said
    ec2 = cloud.client("ec2")
    tag = {"Name": "tag-key", "Values": ["velociraptor-recovery.stack"]}
    assert len(ec2.describe_volumes(Filters=[tag])["Volumes"]) == 1
    assert ec2.describe_vpcs(Filters=[tag])["Vpcs"] == []
    found = ec2.describe_tags(Filters=[{"Name": "key", "Values": tag["Values"]}])["Tags"]
    assert "volume" in {one["ResourceType"] for one in found}, "step 9 finds it"
