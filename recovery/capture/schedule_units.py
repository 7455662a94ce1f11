"""The systemd units of a regular capture, as text: pure, so that a test can read them.

The service may reach the network, write the vault and its own state, and nothing else. What
it needs beyond that depends on where the server is (:func:`rights`).
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from recovery.capture.systemd_units import ENVIRONMENT, one_line, quoted, sandbox
from recovery.errors import BadInputError

NAME = "recovery-capture"
_HOUR, _DAY = 3600, 86400


@dataclass(frozen=True)
class Schedule:
    """What is captured, how often. ``commands``: argv lists, run one after the other."""

    commands: tuple[tuple[str, ...], ...]
    calendar: str
    jitter: timedelta
    source: str
    writes: tuple[str, ...] = ()
    """Folders that the run writes: the vault, where it is one, and a Prometheus file's."""
    keys: str = ""
    """The folder of the vault's keys, on this machine; empty: none."""


def calendar(every: timedelta) -> str:
    """A length of time as systemd's ``OnCalendar``, which alone catches up missed runs.

    Raises :class:`BadInputError` for one that doesn't divide an hour or a day.
    """
    seconds = int(every.total_seconds())
    if seconds in {_DAY, 7 * _DAY}:
        return "daily" if seconds == _DAY else "weekly"
    if 0 < seconds < _HOUR and _HOUR % seconds == 0 and seconds % 60 == 0:
        return f"*:0/{seconds // 60}"
    if _HOUR <= seconds < _DAY and _DAY % seconds == 0 and seconds % _HOUR == 0:
        return f"0/{seconds // _HOUR}:00"
    raise BadInputError(
        "not a regular rhythm",
        target="--every",
        hint="give 15m, 30m, 1h, 2h, 3h, 4h, 6h, 8h, 12h, 1d or 7d, or a calendar by --on-calendar",
    )


def rights(source: str) -> tuple[str, ...]:
    """The capabilities that a capture from ``source`` needs.

    On the server itself it reads the server's files and takes its own exports away again;
    over SSH or Docker, nothing but what root's own files allow.
    """
    if source.startswith("local:"):
        return ("CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_CHOWN", "CAP_FOWNER")
    return ()


def service(schedule: Schedule) -> str:
    """The text of ``recovery-capture.service``."""
    lines = [f"ExecStart={quoted(argv)}" for argv in schedule.commands]
    if schedule.keys:
        keys = quoted([f"RECOVERY_KEYS={schedule.keys}"])
        lines.insert(0, f"Environment={keys}")
    # On the server itself its datastore is written, wherever it is: exports made and removed.
    strict = "full" if schedule.source.startswith("local:") else "strict"
    return "\n".join(
        [
            "[Unit]",
            f"Description=Recovery point from {one_line(schedule.source)}",
            "Wants=network-online.target",
            "After=network-online.target",
            "",
            "[Service]",
            "Type=oneshot",
            "TimeoutStartSec=12h",
            "Nice=10",
            "IOSchedulingClass=idle",
            "# 1: captured, with gaps that are named; `recovery status` tells them.",
            "SuccessExitStatus=1",
            "# Credentials of S3, RECOVERY_PASSPHRASE_FILE: in a file that only root reads.",
            f"EnvironmentFile=-{ENVIRONMENT}",
            "Environment=XDG_STATE_HOME=/var/lib",
            "StateDirectory=velociraptor-recovery",
            "StateDirectoryMode=0700",
            *lines,
            "",
            *sandbox(rights(schedule.source), strict, schedule.writes),
            "",
        ]
    )


def timer(schedule: Schedule) -> str:
    """The text of ``recovery-capture.timer``."""
    return "\n".join(
        [
            "[Unit]",
            f"Description=Regular recovery points from {one_line(schedule.source)}",
            "",
            "[Timer]",
            f"OnCalendar={one_line(schedule.calendar)}",
            f"RandomizedDelaySec={int(schedule.jitter.total_seconds())}",
            "AccuracySec=1min",
            "# A run that was missed, the machine being off, is caught up.",
            "Persistent=true",
            "",
            "[Install]",
            "WantedBy=timers.target",
            "",
        ]
    )


def program(interpreter: str) -> str:
    """The ``recovery`` command beside this Python."""
    return str(Path(interpreter).parent / "recovery")
