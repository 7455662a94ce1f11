"""The door to a machine of the pair, from wherever the command runs.

A pair is read on any machine that has the vault, so its URIs must mean the same everywhere:
``local://`` doesn't. Whoever names a machine so at ``init`` gets a mark on it, and the pair has
its ``ssh://`` URI; on the machine that bears the mark it is reached without SSH all the same.
"""

import secrets
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from recovery.errors import BadInputError
from recovery.standby.pair import Machine, Pair
from recovery.standby.places import MARK
from recovery.target import Target, open_target

HERE = "local://"
_SSH_PORT = 22
_MAKE = """set -e
umask 077
mkdir -p "${1%/*}"
[ -s "$1" ] || printf '%s\\n' "$2" > "$1"
cat "$1"
"""


def opened(stack: ExitStack, machine: Machine) -> Target:
    """The machine's target, closed with ``stack``."""
    target = open_target(HERE if is_here(machine) else machine.uri)
    stack.callback(target.close)
    return target


def is_here(machine: Machine, mark: str | None = None) -> bool:
    """Whether it is the machine that bears ``mark``; None: the one this runs on."""
    return bool(machine.mark) and machine.mark == (_own_mark() if mark is None else mark)


def machine_named(pair: Pair, uri: str) -> Machine:
    """The machine of the pair that the operator means; ``local://`` where it is this one.

    Raises :class:`BadInputError` when it is neither.
    """
    if urlsplit(uri).scheme == "local":
        for machine in pair.machines:
            if is_here(machine):
                return machine
    return pair.machine(uri)


def read_mark(target: Target) -> str:
    """A machine's mark; empty where it has none."""
    return target.run(["sh", "-c", 'cat "$1" 2>/dev/null || :', "mark", MARK]).text.strip()


def named_for_all(machine: Machine, target: Target) -> Machine:
    """The machine under a URI that means the same on each machine; marked where it was here.

    Raises :class:`BadInputError` when no other machine could reach it by its address.
    """
    if urlsplit(machine.uri).scheme != "local":
        return machine
    if machine.address in ("", "localhost") or machine.address.startswith(("127.", "::1")):
        raise BadInputError(
            "this machine has no address that the other one could use",
            target=machine.uri,
            hint="give it by --active-address or --spare-address",
        )
    mark = target.run(["sh", "-c", _MAKE, "mark", MARK, secrets.token_hex(16)]).text.strip()
    return machine.model_copy(update={"uri": ssh_uri(machine.address, machine.port), "mark": mark})


def ssh_uri(address: str, port: int) -> str:
    """As :func:`recovery.target.open_target` takes it; an IPv6 address in brackets. Pure."""
    host = f"[{address}]" if ":" in address else address
    return f"ssh://root@{host}" + (f":{port}" if port != _SSH_PORT else "")


def _own_mark() -> str:
    try:
        return Path(MARK).read_text(encoding="ascii").strip()
    except (OSError, ValueError):  # none, or not for whoever runs this: then by SSH, as anybody
        return ""
