"""The AWS double without machines: real engine and SDK, moto; the steps and SSH are stubs."""

import importlib
import json
import os
import secrets
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from recovery.infra.workspace import CLONE, StackRequest

with warnings.catch_warnings():  # the SDK warns of its own old names while it loads
    warnings.simplefilter("ignore", DeprecationWarning)
    for _module in ("ebs", "ec2", "iam", "lb", "route53", "s3", "vpc"):
        getattr(importlib.import_module(f"pulumi_aws.{_module}"), "load", None)

DOUBLE = CLONE / "tests" / "aws_double"
NAME = "velociraptor.example.test"


@dataclass
class Cloud:
    """A running double."""

    folder: Path
    region: str

    def calls(self):
        """Every call that the double has made so far."""
        lines = (self.folder / "calls.jsonl").read_text().splitlines()
        return [json.loads(line)["call"] for line in lines]

    def fail_once(self, *calls):
        """Each of these calls fails at its first time; ``*``: each call there is."""
        (self.folder / "fail").write_text("\n".join(calls))

    def failed(self):
        path = self.folder / "failed"
        return path.read_text().split() if path.exists() else []

    def client(self, service, **more):
        return boto3.client(service, region_name=self.region, **more)

    def asked(self):
        """Every different question to IAM so far; each is one that a policy was held to."""
        lines = (self.folder / "asks.jsonl").read_text().splitlines()
        return [json.loads(line) for line in sorted(set(lines))]

    def enforce(self, document):
        """From here on the double does what this policy allows, and nothing else."""
        (self.folder / "policy.json").write_text(json.dumps(document))


@pytest.fixture
def cloud(tmp_path, monkeypatch, pulumi_cli, steps):
    """The double's own AWS, as this process and its children see it."""
    folder = tmp_path / "aws"
    process = subprocess.Popen(
        [sys.executable, str(DOUBLE / "cloud.py"), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    process.stdin.write(json.dumps({"zone": "example.test"}) + "\n")
    process.stdin.flush()
    told = json.loads(process.stdout.readline())
    for key, value in told["environment"].items():
        if value is None:
            monkeypatch.delenv(key, raising=False)
        else:
            monkeypatch.setenv(key, value)
    monkeypatch.setenv("STUB_MACHINES", "1")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the keys it saw first
    yield Cloud(folder, told["region"])
    process.stdin.close()
    process.stdout.close()
    process.wait(timeout=30)


@pytest.fixture
def aws_stack(cloud, tmp_path):
    """A stack on AWS with everything that a plan can ask for."""
    settings = {
        "aws:region": cloud.region,
        "machine": "aws",
        "vault": "s3://vault/points",
        "point": "p1",
        "name": NAME,
        "dns": "route53",
        "dnsZone": "example.test",
        "awsAdminsFrom": "192.0.2.0/24",
        "folder": str(tmp_path / "ssh"),
    }
    return StackRequest(f"t{secrets.token_hex(2)}", tmp_path / "stack", settings)


@pytest.fixture
def without_credentials(monkeypatch):
    for key in [key for key in os.environ if key.startswith("AWS_")]:
        monkeypatch.delenv(key)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
