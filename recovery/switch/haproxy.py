"""A HAProxy backend as a switch, by HAProxy's runtime API: no reload, no file changed.

Of the backend's servers exactly one is ready; the others are in maintenance, and the
connections they still had are cut, so that no client goes on talking to the old server.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from recovery.errors import BadInputError, TargetError

Ask = Callable[[str], str]
"""One command in, HAProxy's answer out."""

_STEP = "switch HAProxy"
_NAME = re.compile(r"[A-Za-z0-9_.:-]+")
_RUNNING = 2
_MAINTENANCE = 0x01 | 0x02 | 0x20 | 0x40
"""Forced, inherited, no address, no host name. (0x04 says only that the config began with it.)"""
_DRAINING = 0x08 | 0x10
_CHECKED = 0x02
_UP_WITHIN = 30.0


@dataclass(frozen=True)
class Server:
    """A server of the backend. ``ready``: not in maintenance; ``running``: its checks pass.

    ``checked``: HAProxy checks it by itself.
    """

    name: str
    address: str
    port: int
    ready: bool
    running: bool
    checked: bool = False


def parse_servers(text: str) -> list[Server]:
    """What ``show servers state BACKEND`` printed. Raises ValueError for anything else."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or not lines[1].startswith("# "):  # noqa: PLR2004
        raise ValueError(" ".join(lines) or "no answer")
    columns = lines[1][2:].split()
    found = []
    for line in lines[2:]:
        row = dict(zip(columns, line.split(), strict=False))
        admin = int(row["srv_admin_state"])
        found.append(
            Server(
                name=row["srv_name"],
                address="" if row["srv_addr"] == "-" else row["srv_addr"],
                port=int(row["srv_port"]),
                ready=not admin & (_MAINTENANCE | _DRAINING),
                running=int(row["srv_op_state"]) == _RUNNING,
                checked=bool(int(row.get("srv_check_state", "0")) & _CHECKED),
            )
        )
    return found


def choose(servers: list[Server], address: str) -> Server:
    """The server that is to take the clients: the one at ``address``, else a spare to move there.

    Raises ValueError when the backend has no server at all.
    """
    same = ip_address(address)
    for server in servers:
        if server.address and ip_address(server.address) == same:
            return server
    spare = [server for server in servers if not server.ready] or servers
    if not spare:
        raise ValueError("the backend has no server")
    return spare[0]


def commands(servers: list[Server], address: str, port: int, backend: str) -> Iterator[str]:
    """What makes the backend send everyone to ``address``, in the order to say it.

    A server is moved to another address while it is in maintenance; the others go into
    maintenance before it gets ready: at no moment do two take clients. A server that leaves
    maintenance counts as up until its checks fail: it is called down in the same breath, so that
    it must pass one first. ``port`` 0: as it is.
    """
    chosen = choose(servers, address)
    place = f"{backend}/{chosen.name}"
    port = port or chosen.port
    at = ip_address(chosen.address) if chosen.address else None
    if at != ip_address(address) or port != chosen.port:
        yield f"set server {place} state maint"
        yield f"set server {place} addr {address}" + (f" port {port}" if port else "")
    others = [server.name for server in servers if server != chosen]
    for name in others:
        yield f"set server {backend}/{name} state maint"
    down = f"; set server {place} health down" if chosen.checked and not chosen.running else ""
    yield f"set server {place} state ready{down}"
    for name in others:
        yield f"shutdown sessions server {backend}/{name}"


class HaproxyBackend:
    """``backend`` of the HAProxy that ``ask`` talks to; ``port`` of the new server, 0 for as is."""

    ttl = 0

    def __init__(self, ask: Ask, backend: str, where: str, port: int = 0) -> None:
        if not _NAME.fullmatch(backend):
            raise BadInputError(f"not a backend's name: {backend!r}", step=_STEP, target=where)
        self._ask, self._backend, self._where, self._port = ask, backend, where, port

    @property
    def name(self) -> str:
        return f"backend {self._backend} (HAProxy {self._where})"

    def current(self) -> str:
        """Where clients go; several, by commas, when HAProxy balances between them."""
        return ",".join(server.address for server in self._servers() if server.ready)

    def to(self, address: str) -> None:
        """Sends the clients there, and waits until HAProxy's own check finds the server up."""
        servers = self._servers()
        try:
            plan = list(commands(servers, address, self._port, self._backend))
        except ValueError as wrong:
            raise self._failed(str(wrong), "define its servers in haproxy.cfg") from wrong
        said = {command: self._ask(command).strip() for command in plan}
        if self.current() != str(ip_address(address)):
            answers = "; ".join(
                f"{command}: {answer}" for command, answer in said.items() if answer
            )
            raise self._failed(
                f"it now sends the clients to {self.current() or 'nobody'}: {answers}",
                "the stats socket needs `level admin`; look at `show servers state` there",
            )
        self._wait_up(address)

    def _wait_up(self, address: str) -> None:
        deadline = time.monotonic() + _UP_WITHIN
        while not all(server.running for server in self._servers() if server.ready):
            if time.monotonic() > deadline:
                raise self._failed(
                    f"clients are sent to {address}, but HAProxy's check finds no server there",
                    "is the service up, and reachable from HAProxy on the backend's port?",
                )
            time.sleep(0.2)

    def _servers(self) -> list[Server]:
        answer = self._ask(f"show servers state {self._backend}")
        try:
            return parse_servers(answer)
        except (ValueError, KeyError) as wrong:
            raise self._failed(
                f"it does not show the backend: {wrong}",
                "is the backend's name right? `show backend` on the stats socket lists them",
            ) from wrong

    def _failed(self, message: str, hint: str) -> TargetError:
        return TargetError(message, step=_STEP, target=self.name, hint=hint)
