"""A stack's own folder: project file, configuration, state, passphrase. Nothing in the clone.

The program is the clone's ``__main__.py``, run as the command line runs it.
"""

import hashlib
import json
import os
import runpy
import secrets
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pulumi.automation as auto
import yaml
from pulumi.automation import PulumiCommand
from pulumi.automation._stack import StackInitMode
from pulumi.automation.errors import CommandError as PulumiFailed

import recovery
from recovery import commands
from recovery.errors import RecoveryError
from recovery.settings import parse_settings

CLONE = Path(recovery.__file__).resolve().parents[1]
_PATHS = ("vault", "package", "folder")


@dataclass(frozen=True)
class StackRequest:
    """A stack: its name, its folder (made 0700), and its settings as flat keys and text.

    Keys are those of :func:`recovery.settings.keys`, or a provider's (``aws:region``);
    ``secrets`` are encrypted in the folder, and never stand in an argv or a log.
    """

    name: str
    folder: Path
    settings: Mapping[str, str]
    secrets: Mapping[str, str] = field(default_factory=dict)
    program: Path = CLONE
    """The folder of the project: the recovery itself, or the vault's bucket."""

    def __repr__(self) -> str:
        return f"StackRequest(name={self.name!r}, folder={str(self.folder)!r})"

    @cached_property
    def project_name(self) -> str:
        """As its ``Pulumi.yaml`` has it."""
        return str(yaml.safe_load((self.program / "Pulumi.yaml").read_text())["name"])

    @property
    def project(self) -> Path:
        """Where the CLI runs, and where its files about this stack are."""
        return self.folder / "project"

    @property
    def state_file(self) -> Path:
        """The stack's state; not there before its first update."""
        stacks = self.folder / "state" / ".pulumi" / "stacks" / self.project_name
        return stacks / f"{self.name}.json"

    @property
    def config_file(self) -> Path:
        """The stack's configuration, as Pulumi keeps it."""
        return self.project / f"Pulumi.{self.name}.yaml"


class _QuietStack(auto.Stack):
    """A stack whose results come from the engine's events, without asking the CLI again."""

    def outputs(self) -> auto.OutputMap:
        return {}

    def info(self, show_secrets: bool = True) -> auto.UpdateSummary:  # noqa: ARG002
        from datetime import UTC, datetime

        return auto.UpdateSummary("update", datetime.now(UTC), "", {}, {}, "succeeded")


class _Workspace(auto.LocalWorkspace):
    """A workspace that knows its stack to be there: ``--stack`` names it in every call."""

    def select_stack(self, stack_name: str) -> None:
        """Nothing to do; the CLI's `stack select` would take 0.3 s."""


def open_stack(request: StackRequest) -> auto.Stack:
    """The stack, ready for an update; its folder is made and its configuration written.

    Raises :class:`recovery.errors.BadInputError` for wrong settings, before anything is
    written, and :class:`RecoveryError` when the Pulumi CLI is missing or can't make the stack.
    """
    given = {**request.settings, **request.secrets}
    if request.program == CLONE:
        parse_settings({key: value for key, value in given.items() if ":" not in key})
    for part in ("project", "state", "home"):
        (request.folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
    request.folder.chmod(0o700)
    _write_project(request)
    if not request.state_file.exists():
        _cli(["stack", "init"], request)
    _write_config(request)
    env = environment(request.folder)
    workspace = _Workspace(
        work_dir=str(request.project),
        pulumi_home=env["PULUMI_HOME"],
        env_vars=env,
        program=lambda: run_program(request.program),
        pulumi_command=_command(),
    )
    return _QuietStack(request.name, workspace, StackInitMode.SELECT)


def run_program(folder: Path) -> None:
    """The project's ``__main__.py``, top to bottom."""
    runpy.run_path(str(folder / "__main__.py"), run_name="__main__")


def environment(folder: Path) -> dict[str, str]:
    """What the CLI, and the providers that it starts, find in their environment.

    The passphrase stands in it by value: a value of the caller's own would win over a file.
    """
    path = [str(pulumi_folder()), str(Path(sys.prefix) / "bin"), os.environ.get("PATH", "")]
    python = [str(CLONE), os.environ.get("PYTHONPATH", "")]
    return {
        "PATH": os.pathsep.join(path),
        "PYTHONPATH": os.pathsep.join(part for part in python if part),
        "VIRTUAL_ENV": sys.prefix,
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": _passphrase(folder),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_CONFIRM": "false",
    }


def pulumi_folder() -> Path:
    """The folder of the Pulumi CLI: on the PATH, else where `make setup` put it."""
    if found := shutil.which("pulumi"):
        return Path(found).resolve().parent
    cache_home = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(cache_home) if cache_home.startswith("/") else Path.home() / ".cache"
    built = sorted((base / "velociraptor-recovery" / "pulumi").glob("*/bin/pulumi"))
    if not built:
        raise RecoveryError(
            "the Pulumi CLI is not on this machine",
            step="open the stack",
            hint="`make setup` installs it; `recovery doctor` tells what else is missing",
        )
    return built[-1].parent


@cache
def _command() -> PulumiCommand:
    root = pulumi_folder().parent
    if (root / "bin" / "pulumi").exists():
        return PulumiCommand(root=str(root))
    return PulumiCommand()


def _passphrase(folder: Path) -> str:
    path = folder / "passphrase"
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(secrets.token_urlsafe(32))
    return path.read_text()


def _write_project(request: StackRequest) -> None:
    project = yaml.safe_load((request.program / "Pulumi.yaml").read_text())
    project["runtime"]["options"]["virtualenv"] = sys.prefix
    (request.project / "Pulumi.yaml").write_text(yaml.safe_dump(project, sort_keys=False))


def _write_config(request: StackRequest) -> None:
    """Plain values go into the file; a secret goes through the CLI's standard input, if new."""
    file = request.config_file
    kept = yaml.safe_load(file.read_text()) if file.exists() else {}
    before = kept.get("config") or {}
    record = request.folder / "secrets.json"
    known: dict[str, str] = json.loads(record.read_text()) if record.exists() else {}
    marks = {key: _mark(value) for key, value in request.secrets.items()}
    fresh = [
        key
        for key in request.secrets
        if known.get(key) != marks[key] or _full(request, key) not in before
    ]
    config: dict[str, Any] = {
        _full(request, key): _absolute(key, value) for key, value in request.settings.items()
    }
    stay = {_full(request, key) for key in request.secrets if key not in fresh}
    config |= {key: before[key] for key in stay}
    if config != before:
        # Quoted throughout: the engine takes a bare 048333 for a number, and drops its zero.
        file.write_text(yaml.safe_dump({**kept, "config": config}, default_style='"'))
    for key in fresh:
        argv = ["config", "set", "--secret", _full(request, key)]
        _cli(argv, request, stdin=request.secrets[key].encode())
    if marks != known:
        record.write_text(json.dumps(marks))
        record.chmod(0o600)


def _full(request: StackRequest, key: str) -> str:
    return key if ":" in key else f"{request.project_name}:{key}"


def _mark(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def _absolute(key: str, value: str) -> str:
    """A relative path means one seen from here, not from the stack's folder."""
    if key not in _PATHS or not value or "://" in value:
        return value
    return str(Path(value).expanduser().resolve())


def _cli(argv: list[str], request: StackRequest, stdin: bytes | None = None) -> None:
    """Runs the CLI for this stack; :class:`recovery.errors.CommandError` when it fails."""
    commands.run(
        ["pulumi", *argv, "--stack", request.name, "--non-interactive"],
        env=environment(request.folder),
        cwd=request.project,
        stdin=stdin,
        timeout=600,
        hint=f"look at {request.folder}; a stack's folder can be deleted to begin anew",
    )


__all__ = ["CLONE", "PulumiFailed", "StackRequest", "open_stack"]
