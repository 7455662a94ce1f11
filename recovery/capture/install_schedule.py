"""Puts a regular capture's units on this machine, and takes them off again."""

from recovery.capture.schedule_units import NAME, UNITS, Schedule, service, timer
from recovery.errors import CommandError, RecoveryError, TargetError
from recovery.target import Target

_TIMER = f"{NAME}.timer"
_SERVICE = f"{NAME}.service"
_HINT = "is this a machine with systemd, and are you root? else see docs/schedule.md for cron"


def install(target: Target, schedule: Schedule) -> str:
    """Writes both units, has systemd check them, and starts the timer; when it runs next.

    Raises :class:`TargetError`; what was there before is then back in its place.
    """
    texts = {_SERVICE: service(schedule), _TIMER: timer(schedule)}
    before = {name: _read(target, f"{UNITS}/{name}") for name in texts}
    try:
        # The service can't write where nothing is: its view of the disk is made beforehand.
        for folder in schedule.writes:
            target.run(["mkdir", "-p", "-m", "700", "--", folder])
        for name, text in texts.items():
            target.put(text.encode(), f"{UNITS}/{name}", mode=0o644)
        paths = [f"{UNITS}/{name}" for name in texts]
        checked = target.run(["systemd-analyze", "verify", *paths], check=False)
        if checked.returncode or b"recovery-capture" in checked.stderr:
            raise CommandError(f"systemd refuses the units: {checked.error_text}")
        target.run(["systemctl", "daemon-reload"])
        target.run(["systemctl", "enable", _TIMER])
        # A timer that runs already takes a new calendar only so.
        target.run(["systemctl", "restart", _TIMER])
    except RecoveryError as refused:
        for name, old in before.items():
            _put_back(target, f"{UNITS}/{name}", old)
        target.run(["systemctl", "daemon-reload"], check=False)
        raise TargetError(
            refused.message, step="install the schedule", target=target.uri, hint=_HINT
        ) from refused
    return next_run(target)


def next_run(target: Target) -> str:
    """When the timer runs next, in systemd's words; empty when it doesn't."""
    argv = ["systemctl", "show", _TIMER, "--property", "NextElapseUSecRealtime", "--value"]
    return target.run(argv, check=False).text


def last_run(target: Target) -> dict[str, str]:
    """``result`` and ``ended`` of the last run, as systemd tells them."""
    names = {"Result": "result", "ExecMainExitTimestamp": "ended"}
    argv = ["systemctl", "show", _SERVICE, "--property", ",".join(names)]
    pairs = (line.partition("=") for line in target.run(argv).text.splitlines())
    return {names[name]: value for name, _, value in pairs if name in names}


def remove(target: Target) -> bool:
    """Takes the timer and both units away; False when there were none."""
    if _read(target, f"{UNITS}/{_TIMER}") is None:
        return False
    target.run(["systemctl", "disable", "--now", _TIMER])
    target.run(["rm", "-f", "--", f"{UNITS}/{_TIMER}", f"{UNITS}/{_SERVICE}"])
    target.run(["systemctl", "daemon-reload"])
    return True


def _read(target: Target, path: str) -> bytes | None:
    try:
        return target.get(path)
    except RecoveryError:
        return None


def _put_back(target: Target, path: str, old: bytes | None) -> None:
    if old is None:
        target.run(["rm", "-f", "--", path], check=False)
    else:
        target.put(old, path, mode=0o644)
