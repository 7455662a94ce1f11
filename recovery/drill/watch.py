"""Watches the recovery from outside, beside it: when each thing that clients need is there.

It asks what a client would ask (the name server, the frontend's port), and the new server
which clients it has seen since the loss. It only looks; the recovery knows nothing of it.
"""

import contextlib
import socket
import threading
from contextlib import ExitStack

import dns.exception

from recovery.drill import engine, name_server
from recovery.drill.course import Course
from recovery.drill.life_queries import SEEN
from recovery.drill.name_server import NameServer
from recovery.errors import RecoveryError
from recovery.target.docker import DockerTarget
from recovery.velociraptor.api import Api, open_api
from recovery.velociraptor.config import ServerConfig

LOST = "the server is lost"
MACHINE = "another machine is up"
LISTENING = "the server listens"
NAME = "the name points to it"
FIRST = "first client served"
ALL = "all clients served"
_PAUSE = 0.1
_MICRO = 1e6


class Watch:
    """Looks for the course's expected clients, from :meth:`start` to :meth:`stop`."""

    def __init__(self, course: Course, server: NameServer, config: ServerConfig) -> None:
        self._run, self._clock, self._say = course.run, course.clock, course.say
        self._server, self._config = server, config
        self._clients = course.expected
        self._since = course.lost.at.timestamp() * _MICRO
        self._back: set[tuple[str, str]] = set()
        self._end = threading.Event()
        self._all = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)

    @property
    def total(self) -> int:
        """How many clients must come back."""
        return sum(len(ids) for ids in self._clients.values())

    @property
    def back(self) -> int:
        """How many have come back."""
        return len(self._back)

    def start(self) -> None:
        self._thread.start()

    def wait(self, timeout: float) -> bool:
        """Whether all clients were served within ``timeout`` further seconds."""
        return self._all.wait(timeout)

    def stop(self) -> None:
        self._end.set()
        self._thread.join(timeout=30)

    def _watch(self) -> None:
        with ExitStack() as stack:
            api: Api | None = None
            address = ""
            while not self._end.wait(_PAUSE) and not self._all.is_set():
                with contextlib.suppress(RecoveryError, OSError, dns.exception.DNSException):
                    address = address or self._machine(stack)
                    if not address:
                        continue
                    self._look(address)
                    if self._clock.at(LISTENING) is None:
                        continue
                    api = api or stack.enter_context(open_api(self._target, self._config))
                    self._ask(api)

    def _machine(self, stack: ExitStack) -> str:
        """The new machine's address, once it has one."""
        name = engine.machine_of(self._run)
        address = engine.address_of(name) if name else ""
        if address:
            self._clock.mark(MACHINE)
            self._target = DockerTarget(name)
            stack.callback(self._target.close)
        return address

    def _look(self, address: str) -> None:
        if self._clock.at(LISTENING) is None:
            with (
                contextlib.suppress(OSError),
                socket.create_connection((address, self._config.frontend_port), timeout=1),
            ):
                self._clock.mark(LISTENING)
        said = name_server.look_up(self._server, self._run.server_name)
        if said == address and self._clock.at(NAME) is None:
            self._clock.mark(NAME)

    def _ask(self, api: Api) -> None:
        before = len(self._back)
        for org, wanted in self._clients.items():
            with contextlib.suppress(RecoveryError):  # an org that isn't back yet
                for row in api.query(SEEN, org=org, timeout=10):
                    seen = float(row["last_seen_at"] or 0) > self._since
                    if seen and row["client_id"] in wanted:
                        self._back.add((org, row["client_id"]))
        if self._back:
            self._clock.mark(FIRST)
        if len(self._back) != before:
            self._say(f"{self.back} of {self.total} clients are served again")
        if self.back == self.total:
            self._clock.mark(ALL)
            self._all.set()
