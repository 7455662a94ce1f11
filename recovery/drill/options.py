"""What a drill is asked for: frozen, typed, checked once at the edge."""

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Literal, cast, get_args

from pydantic import BaseModel, ConfigDict

from recovery.errors import BadInputError
from recovery.restore.request import parse_request
from recovery.settings import base_image
from recovery.vault.manifest import Part

Scenario = Literal["rehearsal", "fixtures", "standby"]
_PART = re.compile(r"(\d+)([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class DrillOptions(BaseModel):
    """One drill. Budgets are in seconds; a breached one is a finding."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scenario: Scenario = "rehearsal"
    strategy: tuple[Part, ...] = ("state", "collections")
    connect: Literal["docker", "ssh"] = "docker"
    on: Literal["docker", "aws-double"] = "docker"
    """Where the server lives; ``aws-double``: on AWS, as the tests' provider double has it."""
    server_binary: Path | None = None
    """None: the embedded reference server."""
    image: str = ""
    keep: bool = False
    rto: float = 600
    rpo: float = 86400
    report: Path | None = None
    """Folder for the report; None: one of its own in the operator's state."""
    junit: Path | None = None


def parse_options(
    *,
    scenario: str = "rehearsal",
    standby: bool = False,
    strategy: str = "",
    connect: str = "docker",
    on: str = "docker",
    server_binary: Path | None = None,
    keep: bool = False,
    rto: str = "10m",
    rpo: str = "24h",
    report: Path | None = None,
    junit: Path | None = None,
) -> DrillOptions:
    """What the operator typed, checked; :class:`BadInputError` names the first mistake."""
    if standby:
        scenario, strategy, connect = "standby", "datastore", "ssh"
    if scenario not in get_args(Scenario):
        raise BadInputError(
            f"there is no scenario {scenario!r}",
            target="--scenario",
            hint="rehearsal (the default), fixtures, or standby",
        )
    if connect not in ("docker", "ssh"):
        raise BadInputError(
            f"can't connect by {connect!r}", target="--connect", hint="docker or ssh"
        )
    if on not in ("docker", "aws-double"):
        raise BadInputError(f"can't drill on {on!r}", target="--on", hint="docker or aws-double")
    if on == "aws-double" and (scenario != "rehearsal" or "datastore" in strategy):
        raise BadInputError(
            "fixtures, a hot spare and complete copies run on docker only",
            target="--on aws-double",
            hint="leave one of them away",
        )
    usual = "backup,collections" if scenario == "fixtures" else "state,collections"
    parts = [part.strip() for part in (strategy or usual).split(",") if part.strip()]
    asked = parse_request(target="docker://drill", strategy=parts)
    if scenario == "fixtures" and {"state", "datastore"} & set(asked.strategy):
        raise BadInputError(
            "the fixtures hold neither state nor a complete copy",
            target="--strategy",
            hint="backup,collections (the default of this scenario); or redeploy",
        )
    for file, option in ((report, "--report"), (junit and junit.parent, "--junit")):
        _refuse_unwritable(file, option)
    return DrillOptions(
        scenario=cast("Scenario", scenario),
        strategy=tuple(asked.strategy),
        connect="ssh" if connect == "ssh" or on == "aws-double" else "docker",
        on="aws-double" if on == "aws-double" else "docker",
        server_binary=server_binary.resolve() if server_binary else None,
        image=base_image(""),
        keep=keep,
        rto=budget(rto, "--rto").total_seconds(),
        rpo=budget(rpo, "--rpo").total_seconds(),
        report=report.resolve() if report else None,
        junit=junit.resolve() if junit else None,
    )


def budget(text: str, option: str) -> timedelta:
    """``10m``, ``24h``, ``1h30m`` as a length of time; :class:`BadInputError` otherwise."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        raise BadInputError(
            f"not a length of time: {text!r}",
            target=option,
            hint="numbers with s, m, h, d or w: 90s, 10m, 1h30m, 24h",
        )
    return sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta())


def _refuse_unwritable(folder: Path | None, option: str) -> None:
    """A report that can't be written is known before the drill, not after it."""
    if folder is None:
        return
    near = folder.resolve()
    while not near.exists():
        near = near.parent
    if not near.is_dir() or not os.access(near, os.W_OK | os.X_OK):
        raise BadInputError(
            "nothing can be written there", target=f"{option} {folder}", hint="give another folder"
        )
