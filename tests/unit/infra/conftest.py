"""The whole program under Pulumi's mocks: no engine, every resource and its inputs recorded."""

import asyncio
import gc
import importlib
import runpy
import warnings
from dataclasses import dataclass, field

import pulumi
import pytest
from pulumi.runtime import set_all_config

from recovery.infra.workspace import CLONE

with warnings.catch_warnings():  # the SDK warns of its own old names while it loads
    warnings.simplefilter("ignore", DeprecationWarning)
    for _module in ("ebs", "ec2", "iam", "lb", "route53", "s3", "vpc"):
        getattr(importlib.import_module(f"pulumi_aws.{_module}"), "load", None)


@dataclass(frozen=True)
class Made:
    """A resource as the engine would be asked for it."""

    type: str
    name: str
    inputs: dict


@dataclass
class Recorder(pulumi.runtime.Mocks):
    """Answers like a provider would: ids, addresses, and what a lookup finds."""

    made: list[Made] = field(default_factory=list)
    calls: list[tuple[str, dict]] = field(default_factory=list)

    def new_resource(self, args):
        self.made.append(Made(args.typ, args.name, dict(args.inputs)))
        outputs = {
            "aws:ec2/instance:Instance": {
                "publicIp": "198.51.100.7",
                "ipv6Addresses": ["2001:db8::7"],
            },
            "aws:ec2/eip:Eip": {"publicIp": "198.51.100.8"},
            "aws:ec2/vpc:Vpc": {"ipv6CidrBlock": "2001:db8:0:100::/56"},
            "aws:lb/loadBalancer:LoadBalancer": {"dnsName": "lb.example", "zoneId": "ZLB"},
            "pulumi-python:dynamic/recovery:SshKeys": {
                "privateKey": "OPERATOR-PRIVATE",
                "publicKey": "ssh-ed25519 OPERATOR",
                "hostPrivateKey": "HOST-PRIVATE",
                "hostPublicKey": "ssh-ed25519 HOST",
            },
            "pulumi-python:dynamic/recovery:SshAccess": {"target": "ssh://root@198.51.100.8"},
            "pulumi-python:dynamic/recovery:DockerMachine": {
                "container": "velociraptor-1",
                "address": "192.0.2.7",
                "address6": "",
            },
            "pulumi-python:dynamic/recovery:StepGroup": {
                "point": args.inputs.get("request", {}).get("point") or "newest",
                "outcomes": [],
                "facts": {},
                "seconds": 1,
            },
        }.get(args.typ, {})
        named = {"name": args.inputs.get("name", args.name), "arn": f"arn:{args.name}"}
        return f"{args.name}-id", {**named, **args.inputs, **outputs}

    def call(self, args):
        self.calls.append((args.token, dict(args.args)))
        return {
            "aws:ec2/getAmi:getAmi": {"id": "ami-0123456789abcdef0"},
            "aws:ec2/getSubnet:getSubnet": {
                "id": args.args.get("id"),
                "vpcId": args.args.get("vpcId"),
                "availabilityZone": "eu-central-1b",
            },
            "aws:index/getAvailabilityZones:getAvailabilityZones": {
                "names": ["eu-central-1a", "eu-central-1c"]
            },
            "aws:route53/getZone:getZone": {
                "zoneId": args.args.get("zoneId") or "ZONE",
                "nameServers": ["ns-1.awsdns.example", "ns-2.awsdns.example"],
            },
        }[args.token]

    def of(self, kind: str) -> list[Made]:
        """Every resource whose type ends with ``kind``."""
        return [one for one in self.made if one.type.endswith(f":{kind}")]

    def one(self, kind: str) -> Made:
        (found,) = self.of(kind)
        return found


@pytest.fixture
def plan(monkeypatch):
    """Runs ``__main__.py`` (or another program) with these settings; returns what it asked for."""
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(key, "a-word")
    # The paths of these plans are on no machine; test_settings tries the look at them.
    monkeypatch.setattr("recovery.infra.stack_settings.require_files", lambda _settings: None)
    loops = []

    def run(settings=None, program=None):
        loop = asyncio.new_event_loop()
        loops.append(loop)
        asyncio.set_event_loop(loop)
        recorder = Recorder()
        pulumi.runtime.set_mocks(recorder, project="recovery", stack="test")
        set_all_config({f"recovery:{key}": value for key, value in (settings or {}).items()})

        @pulumi.runtime.test
        def under_test():
            if program is None:
                runpy.run_path(str(CLONE / "__main__.py"))
            else:
                program()

        under_test()
        return recorder

    yield run
    set_all_config({})
    with warnings.catch_warnings():  # the SDK's mocks open a loop in every thread of the pool
        warnings.simplefilter("ignore", ResourceWarning)
        for loop in loops:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()
        asyncio.set_event_loop(None)
        gc.collect()
