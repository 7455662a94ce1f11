"""Whether clients reach the server: its port is open, and its own.

A server whose port is taken goes on without it (seen on a real one): only its log says so.
"""

import time

from recovery.target import Target
from recovery.velociraptor.config import SERVICE

_LISTEN = "0A"
# The service's own user, then who listens where; needs no tool on the target.
_WHO = """stat -c %u "/proc/$(systemctl show -p MainPID --value "$1")" || exit 1
cat /proc/net/tcp /proc/net/tcp6 2>/dev/null || :"""


def why_unreached(target: Target, port: int) -> str:
    """Why no client reaches the server on ``target``; empty where its service has the port."""
    told = target.run(["sh", "-c", _WHO, "who", SERVICE], check=False).text
    user, _, tables = told.partition("\n")
    owners = port_owners(tables, port)
    if user.isdigit() and int(user) in owners:
        return ""
    return f"port {port} is another program's" if owners else f"nothing listens on port {port}"


def wait_for_port(target: Target, port: int, seconds: float = 30) -> str:
    """What :func:`why_unreached` still says after ``seconds``: the port opens after the API."""
    deadline = time.monotonic() + seconds
    while (why := why_unreached(target, port)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return why


def port_owners(tables: str, port: int) -> set[int]:
    """The user ids whose programs listen on ``port``, by ``/proc/net/tcp`` and ``tcp6``."""
    found = set()
    for line in tables.splitlines():
        words = line.split()
        if len(words) > 7 and words[3] == _LISTEN and int(words[1].partition(":")[2], 16) == port:  # noqa: PLR2004
            found.add(int(words[7]))
    return found
