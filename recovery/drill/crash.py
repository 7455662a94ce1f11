"""The crash after the recovery: kill -9, start again, and what is then left is what is on disk.

A restored server can look whole and hold it in memory only (facts: "not saved to disk (lost
by kill -9 …)"). Both processes of a server are killed: the parent alone leaves a child that
holds the ports (facts: Server and clients).
"""

from recovery.target import Target
from recovery.velociraptor.config import SERVICE

_KILL = """set -e
systemctl kill --kill-who=all --signal=SIGKILL "$1"
for i in $(seq 100); do
    state=$(systemctl is-active "$1" || true)
    [ "$state" = active ] || [ "$state" = deactivating ] || break
    sleep 0.05
done
[ "$(systemctl is-active "$1" || true)" != active ] || { echo "still active" >&2; exit 1; }
systemctl reset-failed "$1" 2>/dev/null || true
systemctl start "$1"
"""


def crash_argv() -> list[str]:
    """Kills every process of the service with SIGKILL, then starts it anew."""
    return ["sh", "-c", _KILL, "crash", SERVICE]


def crash(target: Target) -> None:
    """Returns once the service is started again; it may not answer yet.

    Raises :class:`recovery.errors.CommandError` when it could not be killed or started.
    """
    target.run(crash_argv(), timeout=60)
