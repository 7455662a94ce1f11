"""Clients that go on working while a copy is made: what came after it is counted, not hoped."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from recovery.drill import life_artifacts as artifacts
from recovery.drill import life_queries as vql
from recovery.errors import RecoveryError
from recovery.velociraptor.api import ROOT, Api

_PAUSE = 0.3


class Busy:
    """Collects one flow after the other from every client of the root org, while it runs."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._work, name="busy", daemon=True)
        self.flows: set[str] = set()
        """``client/flow`` of all that the server has accepted."""

    def start(self) -> None:
        """Begins, once."""
        if not self._thread.is_alive() and not self._end.is_set():
            self._thread.start()

    def stop(self) -> None:
        self._end.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)

    def _work(self) -> None:
        number = 0
        while not self._end.wait(_PAUSE):
            number += 1
            with suppress(RecoveryError):  # the server is on its way out
                self._collect(number)

    def _collect(self, number: int) -> None:
        clients = [row["client_id"] for row in self._api.query(vql.SEEN, org=ROOT, timeout=20)]
        wanted = [
            {
                "Client": client,
                "Wanted": artifacts.GREETING,
                "Env": {"Greeting": f"while it is copied, {number}"},
            }
            for client in clients
        ]
        rows = self._api.query(vql.COLLECT, env={"Flows": json.dumps(wanted)}, org=ROOT, timeout=20)
        self.flows |= {
            f"{client}/{row['Done']}" for client, row in zip(clients, rows, strict=False)
        }


@contextmanager
def busy(api: Api) -> Iterator[Busy]:
    """A :class:`Busy` that ends with the block."""
    worker = Busy(api)
    try:
        yield worker
    finally:
        worker.stop()


def there(api: Api, flows: set[str]) -> int:
    """How many of ``flows`` a server knows."""
    rows = api.query(vql.FLOW_STATES, org=ROOT)
    return len(flows & {f"{row['Client']}/{row['Flow']}" for row in rows})
