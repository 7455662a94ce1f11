"""Puts a regular capture's units on this machine, and takes them off again."""

from recovery.capture.put_units import put_units, remove_units, shown
from recovery.capture.schedule_units import NAME, Schedule, service, timer
from recovery.target import Target

_TIMER = f"{NAME}.timer"
_SERVICE = f"{NAME}.service"
_HINT = "is this a machine with systemd, and are you root? else see docs/schedule.md for cron"


def install(target: Target, schedule: Schedule) -> str:
    """Writes both units, has systemd check them, and starts the timer; when it runs next.

    Raises :class:`TargetError`; what was there before is then back in its place.
    """
    texts = {_SERVICE: service(schedule), _TIMER: timer(schedule)}
    put_units(target, texts, schedule.writes, _TIMER, _HINT)
    return next_run(target)


def next_run(target: Target) -> str:
    """When the timer runs next, in systemd's words; empty when it doesn't."""
    argv = ["systemctl", "show", _TIMER, "--property", "NextElapseUSecRealtime", "--value"]
    return target.run(argv, check=False).text


def last_run(target: Target) -> dict[str, str]:
    """``result`` and ``ended`` of the last run, as systemd tells them."""
    names = {"Result": "result", "ExecMainExitTimestamp": "ended"}
    return shown(target, _SERVICE, names, _HINT)


def remove(target: Target) -> bool:
    """Takes the timer and both units away; False when there were none."""
    return remove_units(target, (_TIMER, _SERVICE))
