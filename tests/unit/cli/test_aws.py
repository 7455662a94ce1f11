"""`recovery aws`: what is printed belongs to one stack, found by its name."""

import json

import pytest
from typer.testing import CliRunner

from recovery.cli.aws import aws
from recovery.errors import BadInputError

STACK = """
config:
  aws:region: eu-central-1
  recovery:machine: aws
  recovery:dns: route53
  recovery:vault: s3://vault/points?region=eu-central-1
  recovery:name: velociraptor.example.com
  recovery:dnsZone: example.com
  recovery:awsHealthCheck: true
  recovery:dnsKeySecret:
    secure: v1:abc
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Pulumi.aws2.yaml").write_text(STACK)
    (tmp_path / "Pulumi.aws.yaml").write_text(
        "config:\n  recovery:machine: aws\n  recovery:dns: route53\n"
    )
    return tmp_path


def run(*words):
    done = CliRunner().invoke(aws, list(words), catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_the_policy_is_one_stacks_own(folder):
    """`pulumi up` of aws2 tags with its own name: another one in the policy would refuse it."""
    document = json.loads(run("policy", "--stack", "aws2"))
    text = json.dumps(document)
    assert '"aws:ResourceTag/velociraptor-recovery.stack": "recovery-aws2"' in text
    assert '"arn:aws:s3:::vault/points/*"' in text
    assert '["velociraptor.example.com"]' in text
    assert run("policy", "--stack", "aws2", "--config-file", str(folder / "Pulumi.aws2.yaml"))


def test_a_policy_for_a_vault_that_is_not_set_would_not_do(folder):
    with pytest.raises(BadInputError, match="neither vault nor package"):
        run("policy")


def test_the_price_can_be_asked_before_anything_is_set(folder):
    assert "44.12 USD" in run("cost")
    assert json.loads(run("cost", "--stack", "aws2", "--json"))["dollars"] == pytest.approx(44.87)


def test_a_stack_without_a_file(folder):
    with pytest.raises(BadInputError) as refused:
        run("cost", "--stack", "aws3")
    assert refused.value.target == "Pulumi.aws3.yaml"
    assert "--stack" in refused.value.hint


def test_the_buckets_own_policy_wants_no_file():
    assert "arn:aws:s3:::bucket-1-copy" in run("policy", "--vault-bucket", "bucket-1")
