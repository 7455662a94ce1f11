"""How a package is installed without its service starting before the state is in place.

Both upstream's package and ours start the service in their install script. A drop-in with a
condition makes that start a no-op; it lives in /etc, so that even a reboot in the middle of
a recovery doesn't start a half-restored server (a mask in /run would be gone, and a unit
file in /etc wins over it).
"""

from recovery.restore.journal import FOLDER
from recovery.velociraptor.config import SERVICE

HOLD = f"{FOLDER}/hold"
DROP_IN = f"/etc/systemd/system/{SERVICE}.d/50-recovery-hold.conf"
DROP_IN_TEXT = f"[Unit]\nConditionPathExists=!{HOLD}\n"

HOLD_SCRIPT = """set -e
umask 077
mkdir -p "${2%/*}" "${3%/*}"
chmod 755 "${3%/*}"
: > "$2"
printf '%s' "$4" > "$3"
chmod 644 "$3"
systemctl daemon-reload
systemctl stop "$1" 2>/dev/null || true
"""

RELEASE_SCRIPT = """set -e
rm -f "$2" "$3"
rmdir "${3%/*}" 2>/dev/null || true
systemctl daemon-reload
systemctl reset-failed "$1" 2>/dev/null || true
systemctl start --no-block "$1"
"""


def hold_argv() -> list[str]:
    """Stops the service, if there is one, and keeps every start from taking effect."""
    return ["sh", "-c", HOLD_SCRIPT, "hold", SERVICE, HOLD, DROP_IN, DROP_IN_TEXT]


def release_argv() -> list[str]:
    """Ends the hold and starts the service."""
    return ["sh", "-c", RELEASE_SCRIPT, "release", SERVICE, HOLD, DROP_IN]
