"""Opens the ports and serves until told to stop."""

from __future__ import annotations

import asyncio
import logging
import ssl
import tempfile
import threading
from asyncio import sslproto
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from server_app.frontend import application
from server_app.frontend.waiting import Waiting
from server_app.services.errors import ServiceError

if TYPE_CHECKING:
    from server_app.services import Server

log = logging.getLogger(__name__)
_GOODBYE_SECONDS = 0.1
_TLS_BUFFER_BYTES = 32 * 1024
"""A connection's read buffer, kept as long as its client waits (asyncio's own: 256 KiB, which
made 1,000 clients cost a quarter of a gigabyte)."""


def serve(server: Server, stop: threading.Event, ready: Callable[[], None]) -> None:
    """See `server_app.frontend.serve`."""
    asyncio.run(_serve(server, stop, ready))


async def _serve(server: Server, stop: threading.Event, ready: Callable[[], None]) -> None:
    sslproto.SSLProtocol.max_size = _TLS_BUFFER_BYTES
    waiting = Waiting(asyncio.get_running_loop())
    for org in server.loaded():
        waiting.attend(org)
    runners: list[web.AppRunner] = []
    secure = tls_context(server.config["Frontend"])
    try:
        for section, make, tls in (
            ("Frontend", lambda server: application.for_clients(server, waiting), secure),
            ("GUI", application.for_browsers, secure),
            ("Monitoring", application.for_metrics, None),
        ):
            part = server.config.get(section) or {}
            if part.get("bind_port"):
                runners.append(await _listen(section, make(server), part, tls))
        ready()
        await asyncio.to_thread(stop.wait)
    finally:
        await _close(runners, waiting)


async def _close(runners: list[web.AppRunner], waiting: Waiting) -> None:
    """No new connections, answers for those that wait, then time for TLS to say goodbye."""
    for runner in runners:
        for site in list(runner.sites):
            await site.stop()
    await asyncio.sleep(_GOODBYE_SECONDS)
    waiting.wake_all()
    for runner in runners:
        await runner.cleanup()
    await asyncio.sleep(_GOODBYE_SECONDS)


async def _listen(
    section: str, app: web.Application, part: dict[str, Any], secure: ssl.SSLContext | None
) -> web.AppRunner:
    """Opens a door. As on a real server, one that can't be opened is an error in the log alone."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    address = str(part.get("bind_address") or "127.0.0.1")
    site = web.TCPSite(runner, address, int(part["bind_port"]), ssl_context=secure, backlog=1024)
    try:
        await site.start()
    except OSError as error:
        why = (error.strerror or str(error)).rpartition(": ")[2].lower()
        where = f"{address}:{part['bind_port']}"
        log.error("%s server: Can not listen on %s: bind: %s", section, where, why)  # noqa: TRY400
    return runner


def tls_context(frontend: dict[str, Any]) -> ssl.SSLContext:
    """The front end's certificate, or the one in files that the config names, for all doors.

    The config's own key touches the disk only in a private folder. Raises ServiceError for
    files that can't be used: a real server doesn't start then.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if named := str(frontend.get("tls_certificate_filename") or ""):
        _load_files(context, named, str(frontend.get("tls_private_key_filename") or ""))
        return context
    with tempfile.TemporaryDirectory() as folder:
        both = Path(folder, "both.pem")
        both.touch(mode=0o600)
        both.write_text(f"{frontend['certificate']}\n{frontend['private_key']}")
        context.load_cert_chain(both)
    return context


def _load_files(context: ssl.SSLContext, certificate: str, key: str) -> None:
    for path in (certificate, key):
        try:
            Path(path).read_bytes()
        except OSError as error:
            why = (error.strerror or "").lower()
            raise ServiceError(f"starting frontend: open {path}: {why}") from error
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise ServiceError(f"starting frontend: tls: {error.reason or error}") from error
