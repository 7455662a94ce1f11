"""The reference client: one, or many in one process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

Log = Callable[[str], None]


def run(config: dict[str, Any], writeback: Path, *, stop: threading.Event, log: Log) -> None:
    """One client until `stop` is set. Its key and id live in `writeback` (made if missing)."""
    from server_app.client.host import this_host
    from server_app.client.loop import run_clients

    run_clients(config, [(writeback, this_host())], stop=stop, log=log)


def run_many(
    config: dict[str, Any], folder: Path, number: int, *, stop: threading.Event, log: Log
) -> None:
    """Many simulated clients in one process, each with a writeback file and a host name."""
    from server_app.client.host import simulated_host
    from server_app.client.loop import run_clients

    pairs = [
        (folder / f"pool_client.{place}.yaml", simulated_host(place)) for place in range(number)
    ]
    run_clients(config, pairs, stop=stop, log=log)
