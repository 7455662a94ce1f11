"""Who listens where on a target, out of the kernel's tables: needs no tool there."""

import ipaddress
from collections.abc import Iterator
from typing import NamedTuple

TABLES = "cat /proc/net/tcp && { cat /proc/net/tcp6 2>/dev/null || :; }"
"""The shell command whose output :func:`listening` reads; a machine without IPv6 has one table."""
_LISTEN = "0A"
_ADDRESS, _STATE, _OWNER = 1, 3, 7


class Listener(NamedTuple):
    """A listening socket; ``owner`` is the user id of the program."""

    address: str
    port: int
    owner: int


def listening(tables: str) -> set[Listener]:
    """The listening sockets in the text of ``/proc/net/tcp`` and ``tcp6``."""
    return set(_listeners(tables))


def _listeners(tables: str) -> Iterator[Listener]:
    for line in tables.splitlines():
        words = line.split()
        if len(words) > _OWNER and words[_STATE] == _LISTEN:
            address, port = words[_ADDRESS].split(":")
            yield Listener(_address(address), int(port, 16), int(words[_OWNER]))


def _address(text: str) -> str:
    """The kernel prints addresses as 32-bit words in the machine's byte order (little-endian)."""
    raw = bytes.fromhex(text)
    swapped = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    parsed = ipaddress.ip_address(swapped)
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
