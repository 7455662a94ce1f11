"""The door to HAProxy's runtime API: its stats socket, a Unix one or TCP."""

import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from recovery.errors import TargetError
from recovery.target import Target

_TIMEOUT = 10.0
_HINT = "haproxy.cfg needs `stats socket … level admin`; is HAProxy running?"


def runtime_api(place: str, via: Target | None = None) -> Callable[[str], str]:
    """A function that says one command to the socket at ``place`` and returns the answer.

    ``place`` is a path, or ``HOST:PORT``; with ``via`` the port is one on that machine's own
    loopback. Raises :class:`TargetError` when nothing answers.
    """

    def ask(command: str) -> str:
        with _address(place, via) as address:
            try:
                return _say(address, command)
            except OSError as refused:
                raise TargetError(
                    f"no answer: {refused}",
                    step="talk to HAProxy",
                    target=f"stats socket {place}",
                    hint=_HINT,
                ) from refused

    return ask


def _address(place: str, via: Target | None) -> AbstractContextManager[str]:
    if via is None:
        return nullcontext(place)
    return via.forward(int(place.rpartition(":")[2]))


def _say(address: str, command: str) -> str:
    with _connect(address) as connection:
        connection.sendall(command.encode() + b"\n")
        connection.shutdown(socket.SHUT_WR)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts).decode("utf-8", "replace")


def _connect(address: str) -> socket.socket:
    path = address.removeprefix("unix:")
    if path.startswith("/"):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(_TIMEOUT)
        try:
            connection.connect(path)
        except OSError:
            connection.close()
            raise
        return connection
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=_TIMEOUT)
