"""The production server's config and package, made with the binary that the drill is given."""

import json
import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from recovery import commands
from recovery.drill.names import Run
from recovery.errors import BadInputError, CommandError, RecoveryError
from recovery.velociraptor.config import OWNER, ServerConfig

DATASTORE = "/var/lib/velociraptor"
POLL = 1
"""``Client.max_poll`` and ``max_poll_std`` in seconds: clients of a drill are back soon."""
WRITE_TIME = 15
"""Seconds; below about 11 a server never writes its client list (facts: Configuration)."""
_REAL = "velociraptor"
_NAMES = (_REAL, "velociraptor-reference")
VARIABLE = "RECOVERY_REFERENCE_SERVER"
"""The environment names the reference server's executable, where it was built."""
_CLONE = Path(__file__).resolve().parents[2]


def settings(run: Run) -> dict[str, Any]:
    """What the production server's config says, besides the keys that the binary makes."""
    return {
        "Client": {
            "server_urls": [f"https://{run.server_name}:8000/"],
            "use_self_signed_ssl": True,
            "max_poll": POLL,
            "max_poll_std": POLL,
        },
        "Frontend": {
            "hostname": run.server_name,
            "bind_address": "0.0.0.0",  # noqa: S104 - inside the drill's isolated network
            "run_as_user": OWNER,
            "resources": {"client_info_write_time": WRITE_TIME},
        },
        "API": {"bind_address": "127.0.0.1"},
        "GUI": {"bind_address": "127.0.0.1"},
        "Datastore": {"location": DATASTORE, "filestore_directory": DATASTORE},
        "Logging": {
            "output_directory": "/var/log/velociraptor",
            "separate_logs_per_component": True,
        },
    }


def server_binary(given: Path | None) -> Path:
    """The binary that was given, else the embedded reference server, built if need be."""
    if given is not None:
        return given
    if known := os.environ.get(VARIABLE):
        return Path(known)
    hint = f"`make setup` builds it; or name one in {VARIABLE}, or by --server-binary"
    try:
        built = commands.run(
            [sys.executable, "-m", "server_app.build"], timeout=900, hint=hint
        ).text.splitlines()
    except CommandError as failed:
        raise BadInputError(
            f"the reference server could not be built: {failed.message}",
            step="find the server binary",
            hint=hint,
        ) from failed
    return Path(built[-1] if built else "")


@dataclass(frozen=True)
class BinaryIs:
    """What a server binary says of itself."""

    kind: Literal["reference", "velociraptor"]
    version: str


def check_binary(binary: Path) -> BinaryIs:
    """What the binary is, by its own word.

    Raises :class:`BadInputError` when it is missing, can't be run, or isn't a Velociraptor.
    """
    hint = "give a Velociraptor for Linux by --server-binary; `make setup` builds the reference"
    if not binary.is_file() or not os.access(binary, os.X_OK):
        raise BadInputError("there is no executable there", target=str(binary), hint=hint)
    try:
        told = commands.run([str(binary), "version"], timeout=60).text
    except (CommandError, OSError) as broken:
        raise BadInputError(
            f"the server binary can't be run: {broken}", target=str(binary), hint=hint
        ) from broken
    fields = dict(line.split(": ", 1) for line in told.splitlines() if ": " in line)
    if fields.get("name") not in _NAMES or "version" not in fields:
        raise BadInputError("this is not a Velociraptor", target=str(binary), hint=hint)
    kind: Literal["reference", "velociraptor"] = (
        "velociraptor" if fields["name"] == _REAL else "reference"
    )
    return BinaryIs(kind, fields["version"].strip('"'))


def make_config(run: Run, binary: Path, folder: Path) -> Path:
    """`config generate` into ``folder``/server.config.yaml (0600); its path."""
    argv = [str(binary), "config", "generate", "--merge", json.dumps(settings(run))]
    raw = commands.run(argv, timeout=120).stdout
    ServerConfig.parse(raw, source="`config generate`")
    path = folder / "server.config.yaml"
    write_private(path, raw)
    return path


def build_package(binary: Path, config: Path, folder: Path) -> Path:
    """The server package of ``binary`` and ``config``, in ``folder``; its path.

    Raises :class:`RecoveryError` with the builder's own words.
    """
    argv = [sys.executable, "-m", "server_deb", "build", "--json", "--output", str(folder)]
    argv += ["--binary", str(binary), "--config", str(config)]
    built = commands.run(argv, timeout=600, env=_with_builder(), check=False)
    try:
        answer = json.loads(built.stdout)
    except ValueError:
        answer = {}
    if built.returncode or "path" not in answer:
        error = answer.get("error") or {"what": built.error_text, "where": "", "hint": ""}
        failed = RecoveryError(
            error["what"], step="build the package", target=error["where"], hint=error["hint"]
        )
        failed.exit_code = built.returncode or failed.exit_code
        raise failed
    return Path(answer["path"])


def write_private(path: Path, content: bytes) -> None:
    """Writes a file that only its owner can read, from its first byte on."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(content)


def _with_builder() -> dict[str, str]:
    """In a clone that isn't installed, the builder is found in its folder."""
    if find_spec("server_deb"):
        return {}
    there = [str(_CLONE / "packaging"), str(_CLONE), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(part for part in there if part)}
