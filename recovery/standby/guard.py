"""The dead man's switch: a serving machine that hears nothing for so long stops itself.

Without it, a machine that is only cut off from here goes on serving whoever still reaches it.
Signs of life (:mod:`.heartbeat`) move its deadline; a small unit on it compares that with the time
since boot, so no clock has to be right. Before the deadline is moved, the spare notes until when it
may stand: a promotion without word from the old server waits for that.
"""

import time
from collections.abc import Callable

from recovery.errors import BadInputError, RecoveryError
from recovery.restore.hold_service import DROP_IN, DROP_IN_TEXT, HOLD, HOLD_SCRIPT
from recovery.standby.places import DEADLINE, GUARD, GUARD_UNTIL
from recovery.target import Target
from recovery.velociraptor.config import SERVICE

UNIT = "velociraptor-recovery-guard.service"
MARGIN = 15
LEAST = 60
"""Seconds; a shorter guard would stop a server at each hiccup of the network."""
_SHORT = 5
_LOOK = 2
_STOP = 6
_UP = "$(cut -d. -f1 /proc/uptime)"
_BOOT = "$(cat /proc/sys/kernel/random/boot_id)"
SCRIPT = f"""#!/bin/sh
# Holds the server's service once the deadline has passed, or after a reboot.
while :; do
  if [ -s {DEADLINE} ]; then
    read -r boot limit < {DEADLINE}
    if [ "$boot" != "{_BOOT}" ] || [ "{_UP}" -ge "$limit" ]; then
      # A stop may take as long as its unit allows; whoever promotes waits {MARGIN} s at most.
      {{ sleep {_STOP}; systemctl kill --kill-who=all -s KILL {SERVICE}; }} & killer=$!
      if {GUARD}.hold; then
        rm -f {DEADLINE}; logger -t velociraptor-recovery 'no sign of life: held'
      else # a full disk takes no hold: it is stopped again and again then
        systemctl stop {SERVICE}
      fi
      kill "$killer" 2>/dev/null
    fi
  fi
  sleep {_LOOK}
done
"""
_UNIT_TEXT = f"""[Unit]
Description=Stops the Velociraptor server when its standby may have taken over
Before={SERVICE}

[Service]
ExecStart={GUARD}
Restart=always

[Install]
WantedBy=multi-user.target
"""
_INSTALL = """set -e
systemctl daemon-reload
systemctl enable --now "$1"
"""
_REMOVE = """systemctl disable --now "$1" 2>/dev/null
rm -f "$2" "$2.hold" "$3" "/etc/systemd/system/$1"
systemctl daemon-reload
"""
_NOTE = (
    'umask 077; mkdir -p "${1%/*}"; echo "$(( $(date +%s) + $2 ))" > "$1.new"; mv -f "$1.new" "$1"'
)
_CLOCK = f'echo "{_BOOT} {_UP}"'
_RENEW = """set -e
umask 077
echo "$2 $3" > "$1.new"
mv -f "$1.new" "$1"
"""
_LEFT = '[ ! -s "$1" ] || echo "$(( $(cat "$1") - $(date +%s) ))"'


def check_rhythm(guard_seconds: int, every: float) -> None:
    """Refuses a time between two syncs at which the guard would stop a server that is well.

    One missed sync must not do it, so two have to fit. Raises :class:`BadInputError`.
    """
    if every <= 0:
        raise BadInputError("a sync each 0 s", target="--every", hint="30s is usual")
    if guard_seconds and 2 * every > guard_seconds:
        raise BadInputError(
            f"a sync each {every:.0f} s gives too few signs of life: after {guard_seconds} s "
            "without one, this pair's server stops itself",
            target="--every",
            hint=f"at most {guard_seconds // 2}s, or `recovery standby init --guard` with more",
        )


def install(target: Target) -> None:
    """The unit on a machine that serves; it does nothing before the first :func:`renew`.

    What this machine noted of the other one, as its spare, means nothing any more.
    """
    target.run(["rm", "-f", GUARD_UNTIL])
    words = [f"'{word}'" for word in (SERVICE, HOLD, DROP_IN)]
    text = DROP_IN_TEXT.replace("\n", "\\n").replace("'", "'\\''")
    hold = f"#!/bin/sh\nset -- {' '.join(words)} \"$(printf '{text}')\"\n{HOLD_SCRIPT}"
    target.put(hold.encode(), f"{GUARD}.hold", mode=0o700)
    target.put(SCRIPT.encode(), GUARD, mode=0o700)
    target.put(_UNIT_TEXT.encode(), f"/etc/systemd/system/{UNIT}", mode=0o644)
    target.run(["sh", "-c", _INSTALL, "install", UNIT])


def remove(target: Target) -> None:
    """Takes it away again."""
    target.run(["sh", "-c", _REMOVE, "remove", UNIT, GUARD, DEADLINE], check=False)


def renew(active: Target, spare: Target, seconds: int) -> None:
    """Lets the serving machine go on for ``seconds``; the spare has noted it before that.

    Its clock is read before the spare's: whatever is slow in between, its end comes first.
    """
    now = _clock(active)
    note = ["sh", "-c", _NOTE, "note", GUARD_UNTIL, str(seconds + MARGIN)]
    spare.run(note, timeout=max(_SHORT, seconds / 4))  # a spare that hangs must not use it up
    _set(active, now, seconds)


def renew_alone(active: Target, seconds: int) -> None:
    """The same where the spare can't note it: whoever promotes has to know by other means."""
    _set(active, _clock(active), seconds)


def _clock(target: Target) -> tuple[str, int]:
    """Its boot's id, and seconds since then."""
    boot, up = target.run(["sh", "-c", _CLOCK]).text.split()
    return boot, int(up)


def _set(active: Target, now: tuple[str, int], seconds: int) -> None:
    boot, up = now
    active.run(["sh", "-c", _RENEW, "renew", DEADLINE, boot, str(up + seconds)])


def release(target: Target) -> None:
    """Ends the deadline: this machine is to be held by other means, or serves unwatched."""
    target.run(["rm", "-f", DEADLINE])


def seconds_left(spare: Target) -> int | None:
    """Until the old server has stopped itself for certain, by the spare's clock.

    0 or less: it has. None: the guard was never armed, and nothing is certain.
    """
    told = spare.run(["sh", "-c", _LEFT, "left", GUARD_UNTIL]).text
    return int(told) if told else None


def wait_until_fenced(spare: Target, say: Callable[[str], None], *, least: int = 0) -> bool:
    """Waits until a server that nobody can reach must have stopped itself; False: it needn't.

    ``least``: seconds to wait at least. Raises :class:`RecoveryError` when the spare's clock
    jumps about.
    """
    told = -1
    begun = time.monotonic()
    while (noted := seconds_left(spare)) is not None:
        waited = time.monotonic() - begun
        left = max(noted, int(least - waited))
        if left <= 0:
            return True
        if waited > 86400:  # noqa: PLR2004
            raise RecoveryError("the guard's deadline does not come nearer", target=spare.uri)
        if left // 10 != told:
            told = left // 10
            say(f"the old server stops itself in at most {left} s")
        time.sleep(min(left, 1))
    return False
