"""A server's own settings that a recovery depends on: decided, shown as a diff, written whole.

To add a setting: a line in :data:`SETTINGS`. To add a change of another kind: an ``Edit``.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from recovery.errors import BadInputError, RecoveryError, TargetError
from recovery.target import Target
from recovery.velociraptor.api import open_api
from recovery.velociraptor.config import SERVICE, ServerConfig
from recovery.velociraptor.config_edit import diff_lines, set_value
from recovery.velociraptor.read_config import read_config

Edit = Callable[[str], str]
"""A config file's text → its new text."""
_NOT_WRITTEN_BELOW = 12
_SHORTEST_PERIOD = 300
_ADDRESS = 'stat --dereference --format="%a %u:%g" -- "$1" && readlink -f -- "$1"'
_MOVE = 'set -e; [ "$(sha256sum < "$1" | cut -d" " -f1)" = "$3" ] || exit 9; mv -fT -- "$2" "$1"'
_CHANGED_MEANWHILE = 9


@dataclass(frozen=True)
class Setting:
    """A number in the config: where, what it is when absent (seconds), and the least allowed."""

    path: tuple[str, ...]
    default: int
    least: int
    why: str


SETTINGS: Mapping[str, Setting] = {
    # Absent means 24 h, negative switches it off (facts: Configuration and keys).
    "backup_period_seconds": Setting(
        ("defaults", "backup_period_seconds"),
        86400,
        _SHORTEST_PERIOD,
        "each backup writes a zip that nothing removes",
    ),
    # A wait under 10 s, after the server's ±10 %, is answered by a minute's sleep and no write.
    "client_info_write_time": Setting(
        ("Frontend", "resources", "client_info_write_time"),
        300,
        _NOT_WRITTEN_BELOW,
        "below about 11 s the client list is never written at all",
    ),
}
OFF = -1


@dataclass(frozen=True)
class Plan:
    """A change to one config file, not yet made. ``diff`` is empty when there is nothing to do."""

    path: str
    mode: int
    owner: str
    before: bytes
    after: bytes
    diff: list[str]


def setting_edit(name: str, seconds: int) -> Edit:
    """The edit that sets ``name`` of :data:`SETTINGS`; refuses what would harm a recovery."""
    setting = SETTINGS[name]
    off = name == "backup_period_seconds" and seconds == OFF
    if seconds < setting.least and not off:
        raise BadInputError(
            f"{name}: {seconds} s is too short: {setting.why}",
            target=f"--{name.removesuffix('_seconds').replace('_', '-')}",
            hint=f"give {setting.least} s or more",
        )
    return lambda text: set_value(text, setting.path, seconds)


def current(config: ServerConfig) -> dict[str, int]:
    """What the settings are now, defaults included, in seconds."""
    found = {}
    for name, setting in SETTINGS.items():
        value: object = config.values
        for part in setting.path:
            value = value.get(part) if isinstance(value, dict) else None
        found[name] = int(str(value)) if value else setting.default
    return found


def plan_change(target: Target, path: str, edits: Sequence[Edit]) -> Plan:
    """What ``edits`` would make of the config at ``path``. Nothing is changed.

    Raises :class:`RecoveryError` when it can't be read, or isn't a server's config then.
    """
    said = target.run(["sh", "-c", _ADDRESS, "stat", path]).text.splitlines()
    mode, owner = said[0].split()
    real = said[1]  # behind a link: the file itself is replaced, the link stays
    before = target.get(real)
    ServerConfig.parse(before, source=real)
    text = before.decode()
    for edit in edits:
        text = edit(text)
    ServerConfig.parse(text.encode(), source=real)
    diff = diff_lines(before.decode(), text, real)
    return Plan(real, int(mode, 8), owner, before, text.encode(), diff)


def carry_out(target: Target, plan: Plan, binary: str) -> None:
    """Writes the new config beside the old, has the server's binary read it, then swaps them.

    Owner and mode stay. Raises :class:`TargetError` when the binary refuses it, or the file
    was changed since the diff was shown; the old config is then as it was.
    """
    beside = f"{plan.path}.recovery-new"
    try:
        target.put(plan.after, beside, mode=plan.mode, owner=plan.owner)
        read = target.run([binary, "--config", beside, "config", "show"], check=False, timeout=120)
        if read.returncode:
            raise TargetError(
                f"the server's own binary refuses the new config: {read.error_text[:300]}",
                step="configure",
                target=target.uri,
                hint="nothing was changed; the config in use may have the same fault: "
                f"`{binary} --config {plan.path} config show`",
            )
        seen = hashlib.sha256(plan.before).hexdigest()
        argv = ["sh", "-c", _MOVE, "move", plan.path, beside, seen]
        moved = target.run(argv, check=False)
        if moved.returncode == _CHANGED_MEANWHILE:
            raise TargetError(
                "the config was changed by someone else since the diff was shown",
                step="configure",
                target=target.uri,
                hint="nothing was changed; run the same command again and look at the new diff",
            )
        moved.checked(target=target.uri)
    finally:
        target.run(["rm", "-f", "--", beside], check=False)


def restart(target: Target, path: str) -> float:
    """Restarts the server, so that its config counts; seconds until its API answers."""
    target.run(["systemctl", "restart", SERVICE], timeout=180)
    config = read_config(target, path)
    try:
        with open_api(target, config) as api:
            return api.wait_ready(120)
    except RecoveryError as refused:
        raise TargetError(
            f"the server does not answer after its restart: {refused.message}",
            step="configure",
            target=target.uri,
            hint=f"`journalctl -u {SERVICE}` there; the config before is in the newest point",
        ) from refused
