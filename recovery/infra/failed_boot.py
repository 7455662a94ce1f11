"""Why a container's systemd did not come up, by what it said last. Pure.

Each systemd takes some of the kernel's inotify instances, of which a user has 128 on many hosts,
root in all containers together: beside two dozen others a new one dies at its start.
"""

_USED_UP = ("Too many open files", "inotify")
_LIMIT = "fs.inotify.max_user_instances"
_LAST = 3


def said_last(log: str) -> str:
    """The log's last lines as one; empty where it said nothing."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return " · ".join(lines[-_LAST:])


def why_no_boot(log: str) -> str:
    """What the operator does next; empty where nothing tells."""
    if not any(words in log for words in _USED_UP):
        return ""
    return (
        f"the kernel of the engine's host gives no more inotify instances: `sysctl {_LIMIT}` "
        f"there shows how many, `sysctl -w {_LIMIT}=1024` allows more (or end other machines that "
        "run systemd); then run the same again"
    )
