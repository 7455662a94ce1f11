"""The drill's own AWS: the provider double of the tests, started for one drill.

The double is test code and no part of an installation: it is found in the clone by its path.
What it starts ends with the drill, and the drill's process never sees the operator's own AWS.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recovery import commands
from recovery.drill.engine import engine, in_words
from recovery.drill.name_server import ALGORITHM, NameServer
from recovery.drill.names import Run
from recovery.drill.network import Isolated
from recovery.errors import BadInputError, RecoveryError
from recovery.infra.workspace import CLONE

FOLDER = CLONE / "tests" / "aws_double"
_STARTER = FOLDER / "cloud.py"
_IMAGE = "velociraptor-recovery-cloud:current"
_VARIABLE = "RECOVERY_CLOUD_IMAGE"


@dataclass
class Cloud:
    """The account of one drill. ``vault``: the URI of the bucket that its vault stack makes."""

    region: str
    bucket: str
    s3: str
    folder: Path
    process: Any = field(repr=False)
    _before: dict[str, str | None] = field(repr=False, default_factory=dict)

    @property
    def vault(self) -> str:
        """Where recovery points are kept, as `recovery capture --vault` takes it."""
        return f"s3://{self.bucket}/points?endpoint={self.s3}&region={self.region}"

    @property
    def calls(self) -> list[str]:
        """Every call to AWS so far, in order, e.g. ``ec2:RunInstances``."""
        log = self.folder / "calls.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        return [json.loads(line)["call"] for line in lines]

    def enter(self, environment: Mapping[str, str | None]) -> None:
        """From here on this process and its children take the double for AWS."""
        self._before = {key: os.environ.get(key) for key in environment}
        _set(environment)

    def leave(self) -> None:
        """Gives the environment back as it was. Safe to call twice."""
        _set(self._before)
        self._before = {}

    def end(self) -> None:
        """Stops it and gives the environment back. Safe to call twice."""
        self.leave()
        self.process.stdin.close()
        self.process.wait(timeout=30)


def refuse_absent() -> None:
    """Raises :class:`BadInputError` when the double or its image isn't here."""
    if not _STARTER.is_file():
        raise BadInputError(
            f"the AWS double is not there: {FOLDER}",
            target="--on aws-double",
            hint="it is test code, and comes with the clone only: run the drill from there",
        )
    with in_words(image()):
        there = engine().api.images(filters={"reference": image()})
    if not there:
        raise BadInputError(
            f"the engine has no image {image()}: instances boot from it",
            target="--on aws-double",
            hint="`make drill-aws` makes it first; or name yours in RECOVERY_CLOUD_IMAGE",
        )


def image() -> str:
    """The image with cloud-init: the environment's, else what `make setup` made."""
    return os.environ.get(_VARIABLE, "") or _IMAGE


def start_cloud(
    run: Run, network: Isolated, server: NameServer, say: Callable[[str], None]
) -> Cloud:
    """Starts the double for this drill; :class:`RecoveryError` when it doesn't come up."""
    folder = run.folder / "aws"
    known = {
        "zone": run.zone,
        "image": image(),
        "network": network.name,
        "prefix": run.container("server"),
        "labels": run.labels("machine"),
        "resolver": server.address,
        "dns": {
            "server": server.address,
            "zone": run.zone,
            "key_name": server.key_name,
            "key_secret": server.key_secret,
            "key_algorithm": ALGORITHM,
        },
    }
    process = commands.start_service(
        [sys.executable, str(_STARTER), str(folder)], log=run.folder / "aws.log", cwd=run.folder
    )
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018
    process.stdin.write(json.dumps(known).encode() + b"\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        last = (run.folder / "aws.log").read_text(errors="replace").strip().splitlines()[-3:]
        raise RecoveryError(
            f"the AWS double did not start: {' '.join(last)}",
            step="start the AWS double",
            target=str(_STARTER),
            hint="`make drill-aws` sets up what it needs; then run it again",
        )
    told = json.loads(line)
    environment = told["environment"]
    if environment["AWS_ENDPOINT_URL_S3"] == environment["AWS_ENDPOINT_URL"]:
        process.stdin.close()
        raise BadInputError(
            "there is no S3 server for the vault: versitygw is not on this machine",
            target="--on aws-double",
            hint="`python3 -m setup test` builds it; or name one in RECOVERY_VERSITYGW",
        )
    cloud = Cloud(
        region=told["region"],
        bucket=f"vault-{run.ident}",
        s3=environment["AWS_ENDPOINT_URL_S3"],
        folder=folder,
        process=process,
    )
    cloud.enter(environment)
    say(f"AWS double · region {cloud.region} · zone {run.zone} · S3 at {cloud.s3}")
    return cloud


def _set(environment: Mapping[str, str | None]) -> None:
    for key, value in environment.items():
        if value is None:
            os.environ.pop(key, None)
        else:
            os.environ[key] = value
