"""Whether clients reach the server: its port is open, and its own.

A server whose port is taken goes on without it (seen on a real one): only its log says so.
"""

import time

from recovery.target import Target
from recovery.target.sockets import TABLES, listening
from recovery.velociraptor.config import SERVICE

# The service's own user, then who listens where.
_WHO = f"""stat -c %u "/proc/$(systemctl show -p MainPID --value "$1")" 2>/dev/null || echo
{TABLES}"""


def why_unreached(target: Target, port: int) -> str:
    """Why no client reaches the server on ``target``; empty where its service has the port."""
    told = target.run(["sh", "-c", _WHO, "who", SERVICE]).text
    user, _, tables = told.partition("\n")
    owners = {found.owner for found in listening(tables) if found.port == port}
    if user.isdigit() and int(user) in owners:
        return ""
    return f"port {port} is another program's" if owners else f"nothing listens on port {port}"


def wait_for_port(target: Target, port: int, seconds: float = 30) -> str:
    """What :func:`why_unreached` still says after ``seconds``: the port opens after the API."""
    deadline = time.monotonic() + seconds
    while (why := why_unreached(target, port)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return why
