"""The account behind the double: boto3 clients, a log of every call, and failures on demand.

``RECOVERY_AWS_DOUBLE`` names a folder with ``double.json`` (0600), written by ``cloud``.
"""

import json
import os
import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from aws_double.asks import World, asks
from aws_double.judge import refusal

VARIABLE = "RECOVERY_AWS_DOUBLE"
NUMBER = "123456789012"
_LOOKS = ("Describe", "Get", "List", "Head")


@dataclass(frozen=True)
class Places:
    """Where the parts of the cloud are, as ``cloud`` wrote them down."""

    aws: str
    """moto's address."""
    s3: str
    """The real S3 server's; empty: moto's own."""
    region: str
    image: str = ""
    """Of the containers that instances are; empty: an instance is only in moto."""
    network: str = ""
    prefix: str = "aws-double"
    labels: dict[str, str] | None = None
    resolver: str = ""
    dns: dict[str, str] | None = None
    """The name server that gets every record: server, zone, key_name, key_secret, key_algorithm."""
    balancers: str = "elb.amazonaws.com"
    """The zone there in which load balancers have their names."""


class Account:
    """Clients whose every call is written to ``calls.jsonl`` in the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.places = Places(**json.loads((folder / "double.json").read_text()))
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], Any] = {}

    @classmethod
    def of_environment(cls) -> "Account":
        return cls(Path(os.environ[VARIABLE]))

    def client(self, service: str, region: str = "", endpoint: str = "") -> Any:
        """A boto3 client of ``service``."""
        where = endpoint or self.places.aws
        with self._lock:
            if (service, region + where) not in self._known:
                made = boto3.client(
                    service,
                    endpoint_url=where,
                    region_name=region or self.places.region,
                    config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
                )
                made.meta.events.register("before-parameter-build", self._authorize)
                made.meta.events.register("before-call", self._before)
                self._known[service, region + where] = made
            return self._known[service, region + where]

    @cached_property
    def ec2(self) -> Any:
        return self.client("ec2")

    def _authorize(self, params: Any, model: Any, **_more: Any) -> None:
        """Where ``policy.json`` is in the folder, only what it allows is done.

        What is asked of it is written to ``asks.jsonl``, one question a line.
        """
        file = self.folder / "policy.json"
        if not file.exists():
            return
        policy = json.loads(file.read_text())
        questions = asks(_call(model), params, self._world)
        with self._lock, (self.folder / "asks.jsonl").open("a") as log:
            log.writelines(json.dumps(one.as_dict()) + "\n" for one in questions)
        for one in questions:
            if why := refusal(policy, one):
                code = "UnauthorizedOperation"
                said = {"Error": {"Code": code, "Message": f"not authorized: {why}"}}
                raise ClientError(said, model.name)

    @cached_property
    def _world(self) -> World:
        return World(self.places.region, NUMBER, self._tags, self._roles, self._joined)

    def _unjudged(self, service: str) -> Any:
        """A client of its own: nobody judges the judge."""
        return boto3.client(service, endpoint_url=self.places.aws, region_name=self.places.region)

    def _roles(self, profile: str) -> list[str]:
        seen = self._unjudged("iam").get_instance_profile(InstanceProfileName=profile)
        return [str(one["RoleName"]) for one in seen["InstanceProfile"]["Roles"]]

    def _joined(self, association: str) -> list[str]:
        """An address with its machine, or a route table with its subnet."""
        ec2 = self._unjudged("ec2")
        for one in ec2.describe_addresses()["Addresses"]:
            if one.get("AssociationId") == association:
                return [one["AllocationId"], one.get("InstanceId", "")]
        for table in ec2.describe_route_tables()["RouteTables"]:
            for one in table["Associations"]:
                if one["RouteTableAssociationId"] == association:
                    return [one["RouteTableId"], one.get("SubnetId", "")]
        return []

    def _tags(self, ident: str) -> dict[str, str]:
        service = "elbv2" if ident.startswith("arn:") else "ec2"
        client = self._unjudged(service)
        if service == "elbv2":
            found = client.describe_tags(ResourceArns=[ident])["TagDescriptions"][0]["Tags"]
        elif ident.startswith("key-pair/"):
            name = ident.partition("/")[2]
            found = client.describe_key_pairs(KeyNames=[name])["KeyPairs"][0].get("Tags", [])
        else:
            filters = [{"Name": "resource-id", "Values": [ident]}]
            found = client.describe_tags(Filters=filters)["Tags"]
        return {one["Key"]: one["Value"] for one in found}

    def _before(self, model: Any, **_more: Any) -> None:
        call = _call(model)
        with self._lock, (self.folder / "calls.jsonl").open("a") as log:
            log.write(json.dumps({"call": call}) + "\n")
        if self._is_to_fail(call):
            said = {"Error": {"Code": "InternalError", "Message": f"{call} failed as asked"}}
            raise ClientError(said, model.name)

    def _is_to_fail(self, call: str) -> bool:
        """Once for the call named in the file ``fail``; with ``*`` there, once for every call."""
        wanted = self.folder / "fail"
        if not wanted.exists() or call.split(":")[1].startswith(_LOOKS):
            return False
        with self._lock:
            done = self.folder / "failed"
            before = done.read_text().split() if done.exists() else []
            names = wanted.read_text().split()
            if call in before or not ("*" in names or call in names):
                return False
            done.write_text("\n".join([*before, call]))
        return True


def _call(model: Any) -> str:
    name = model.service_model.service_name
    return f"{'elasticloadbalancing' if name == 'elbv2' else name}:{model.name}"


def calls(folder: Path) -> set[str]:
    """Every call that the double has made, e.g. ``ec2:RunInstances``."""
    log = folder / "calls.jsonl"
    return {json.loads(line)["call"] for line in log.read_text().splitlines()}
