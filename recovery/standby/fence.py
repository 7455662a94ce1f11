"""The old server out of service, for certain: stopped, held over reboots, and seen to be so.

A clean stop makes the server write its client list where that has changed since it was written
last (read in its source: a last, synchronous snapshot), so a sync after it has everything, however
old the list is.
"""

from recovery.errors import CommandError, RecoveryError, TargetError
from recovery.restore.hold_service import hold_argv
from recovery.target import Target
from recovery.velociraptor.config import SERVICE

_STOP_SECONDS = 60
_SHOW = ["systemctl", "show", SERVICE, "-p", "ActiveState,Result,ExecMainExitTimestampMonotonic"]
_GONE = """s=$(systemctl is-active "$1" 2>/dev/null)
[ "$s" != active ] && [ "$s" != deactivating ] && [ "$s" != activating ] && [ "$s" != reloading ]
"""


def reaches(target: Target) -> str:
    """Why it can't be reached; empty when it can."""
    try:
        target.run(["true"], timeout=15)
    except RecoveryError as refused:
        return refused.message
    return ""


def fence(target: Target) -> bool:
    """Stops the service and holds it: no start takes effect, not at a reboot either.

    True when it ended cleanly, now or earlier since the machine booted: its client list is then
    on its disk. A service that crashed, or whose end nobody saw, gives False.

    A service that doesn't stop is killed. Raises :class:`TargetError` when it goes on running:
    then nothing may be started elsewhere.
    """
    known = may_end_cleanly(target.run(_SHOW, check=False).text)
    try:
        target.run(hold_argv(), timeout=_STOP_SECONDS)
    except CommandError:
        # The hold is in place by now, or nothing is: asked again, it costs nothing.
        known = False
        kill = ["systemctl", "kill", "--kill-who=all", "--signal=SIGKILL", SERVICE]
        target.run(kill, check=False)
        target.run(hold_argv(), timeout=_STOP_SECONDS)
    if target.run(["sh", "-c", _GONE, "gone", SERVICE], check=False).returncode:
        raise TargetError(
            f"{SERVICE} still runs",
            step="fence the old server",
            target=target.uri,
            hint=f"`systemctl kill -s KILL {SERVICE}` there, or switch the machine off; then "
            "promote with --old-server-is-dead. Nothing else was changed",
        )
    show = ["systemctl", "show", SERVICE, "-p", "Result", "--value"]
    return known and target.run(show, check=False).text == "success"


def may_end_cleanly(shown: str) -> bool:
    """Whether the service runs, or came to its end by itself since the machine booted. Pure.

    ``shown``: what systemd says of it, ``Name=value`` by line.
    """
    facts = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    # Also one whose stop was begun before, by a promotion that was cut off.
    if facts.get("ActiveState") in ("active", "deactivating"):
        return True
    ended = facts.get("ExecMainExitTimestampMonotonic", "") not in ("", "0")
    return facts.get("ActiveState") == "inactive" and facts.get("Result") == "success" and ended
