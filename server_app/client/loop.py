"""The life of clients: poll, run what is asked, report; after a failure wait and try again."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from server_app.client.collection import run_task
from server_app.client.connection import (
    Connection,
    EnrolFirst,
    Rejected,
    Unreachable,
    pinned_context,
)
from server_app.client.identity import Identity, load_or_create

Log = Callable[[str], None]
Host = dict[str, Any]
_MAX_POLL, _MAX_POLL_STD = 60, 30
_MIN_POLL = 1.0
_ENROL_EVERY = 60.0
"""Seconds: a real client enrols at most once a minute in one life of its process."""
_dice = random.SystemRandom()
_GOODBYE_SECONDS = 0.25
"""TLS connections end a moment after the session that held them."""


def run_clients(
    config: dict[str, Any],
    clients: list[tuple[Path, Host]],
    *,
    stop: threading.Event,
    log: Log,
) -> None:
    """Runs these clients (writeback file, host) until `stop` is set."""
    asyncio.run(_run(config, clients, stop, log))


async def _run(
    config: dict[str, Any],
    clients: list[tuple[Path, Host]],
    stop: threading.Event,
    log: Log,
) -> None:
    connector = aiohttp.TCPConnector(ssl=pinned_context(config), use_dns_cache=False, limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        lives = [
            asyncio.create_task(_life(config, path, host, session, log)) for path, host in clients
        ]
        await asyncio.to_thread(stop.wait)
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
    await asyncio.sleep(_GOODBYE_SECONDS)


async def _life(
    config: dict[str, Any], path: Path, host: Host, session: aiohttp.ClientSession, log: Log
) -> None:
    identity = await asyncio.to_thread(load_or_create, path)
    client = Client(config, identity, host, session, log)
    log(f"client {identity.client_id} started")
    while True:
        await client.step()


class Client:
    """One client; `step` is one visit to the server."""

    def __init__(
        self,
        config: dict[str, Any],
        identity: Identity,
        host: Host,
        session: aiohttp.ClientSession,
        log: Log,
    ) -> None:
        settings = config["Client"]
        self._wait = float(settings.get("max_poll") or _MAX_POLL)
        self._spread = float(settings.get("max_poll_std") or _MAX_POLL_STD)
        self._host = {**host, "install_time": identity.install_time}
        self._log, self._identity = log, identity
        self._tasks: list[dict[str, Any]] = []
        self._enrols_from = time.monotonic()
        self._connection = Connection(config, identity, session)

    async def step(self) -> None:
        """Does what is left to do, then polls once.

        After a failure it sleeps max_poll plus up to max_poll_std seconds (facts: "Retry").
        Tasks stay until their report has arrived.
        """
        try:
            while self._tasks:
                await self._collect(self._tasks[0])
                self._tasks.pop(0)
            self._tasks += await self._connection.poll(self._wait)
        except EnrolFirst:
            await self._enrol()
        except Unreachable as problem:
            await self._pause(str(problem))

    async def _enrol(self) -> None:
        left = self._enrols_from - time.monotonic()
        if left > 0:
            self._log(f"{self._identity.client_id}: 406, not enrolling for another {left:.0f} s")
            await asyncio.sleep(_MIN_POLL)
            return
        try:
            name = await self._connection.enrol()
            self._enrols_from = time.monotonic() + _ENROL_EVERY
            self._log(f"enrolled as {name}")
        except (Unreachable, EnrolFirst) as problem:
            await self._pause(str(problem))

    async def _pause(self, reason: str) -> None:
        seconds = self._wait + _dice.uniform(0, self._spread)
        self._log(f"{self._identity.client_id}: {reason}; next try in {seconds:.1f} s")
        await asyncio.sleep(seconds)

    async def _collect(self, task: dict[str, Any]) -> None:
        loop = asyncio.get_running_loop()
        flow_id = task["session_id"]

        def send(accessor: str, components: list[str], data: bytes) -> None:
            about = {"flow_id": flow_id, "accessor": accessor, "components": components}
            upload = self._connection.upload(about, data)
            asyncio.run_coroutine_threadsafe(upload, loop).result()

        try:
            report = await asyncio.to_thread(run_task, task, self._host, send)
            await self._connection.report(report)
        except Rejected as answer:
            self._log(f"{self._identity.client_id}: {flow_id} is given up: {answer}")
        else:
            self._log(f"{self._identity.client_id}: ran {flow_id}")
