"""The web applications: for clients, for the metrics' reader, for a browser."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from server_app.datastore.store import DiskFullError
from server_app.frontend import protocol
from server_app.frontend.visits import Refused, Visits
from server_app.frontend.waiting import Waiting
from server_app.services.errors import ServiceError

if TYPE_CHECKING:
    from server_app.services import OrgServices, Server

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_LONGEST_HOLD = 60.0


def for_clients(server: Server, waiting: Waiting) -> web.Application:
    """Enrolment, polls and results, and the server's certificate at /server.pem."""
    return _ClientDoor(server, waiting).application()


class _ClientDoor:
    def __init__(self, server: Server, waiting: Waiting) -> None:
        self._server, self._waiting = server, waiting
        self._visits = Visits(server)

    def application(self) -> web.Application:
        app = web.Application(middlewares=[_answers], client_max_size=protocol.LARGEST_BODY)
        app.router.add_get("/server.pem", self._certificate)
        app.router.add_get("/public/{name}", self._public)
        app.router.add_post(protocol.ENROL, self._enrol)
        app.router.add_post(protocol.POLL, self._poll)
        app.router.add_post(protocol.UPLOAD, self._upload)
        app.router.add_post(protocol.REPORT, self._report)
        return app

    async def _certificate(self, _request: web.Request) -> web.Response:
        return web.Response(text=self._server.config["Frontend"]["certificate"])

    async def _public(self, request: web.Request) -> web.StreamResponse:
        """A tool's file, for whoever knows its name."""
        path = self._server.org("").store.path("public", request.match_info["name"])
        if not path.is_file():
            return web.Response(status=404, text="404 page not found\n")
        return web.FileResponse(path)

    def _org(self, request: web.Request) -> OrgServices:
        org = self._visits.org(request.headers.get(protocol.NONCE, ""))
        org.store.require_space()
        self._waiting.attend(org)
        return org

    async def _enrol(self, request: web.Request) -> web.Response:
        org, body = self._org(request), await request.read()
        client_id = await asyncio.to_thread(self._visits.enrol, org, request.headers, body)
        return web.json_response({"client_id": client_id})

    async def _poll(self, request: web.Request) -> web.Response:
        org, body = self._org(request), await request.read()
        admit, headers = self._visits.admit, request.headers
        client_id = await asyncio.to_thread(admit, org, headers, protocol.POLL, body)
        hold = min(_LONGEST_HOLD, float(json.loads(body or b"{}").get("hold", 0)))
        address = _address(request)
        event = self._waiting.event(org.org_id, client_id)
        tasks = await asyncio.to_thread(self._visits.tasks, org, client_id, address)
        if not tasks and hold > 0:
            try:
                await asyncio.wait_for(event.wait(), hold)
            except TimeoutError:
                return web.json_response({"tasks": []})
            tasks = await asyncio.to_thread(self._visits.tasks, org, client_id, address)
        return web.json_response({"tasks": tasks})

    async def _upload(self, request: web.Request) -> web.Response:
        org, body = self._org(request), await request.read()
        about = request.headers.get(protocol.UPLOADED, "")
        admit, headers = self._visits.admit, request.headers
        client_id = await asyncio.to_thread(admit, org, headers, protocol.UPLOAD, body)
        await asyncio.to_thread(self._visits.upload, org, client_id, about, body)
        return web.json_response({})

    async def _report(self, request: web.Request) -> web.Response:
        org, body = self._org(request), await request.read()
        admit, headers = self._visits.admit, request.headers
        client_id = await asyncio.to_thread(admit, org, headers, protocol.REPORT, body)
        await asyncio.to_thread(self._visits.report, org, client_id, body)
        return web.json_response({})


def _address(request: web.Request) -> str:
    peer: Any = request.transport.get_extra_info("peername") if request.transport else None
    return f"{peer[0]}:{peer[1]}" if peer else ""


@web.middleware
async def _answers(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refused as refused:
        return web.Response(status=refused.status, text=refused.text)
    except DiskFullError as error:
        return web.Response(status=503, text=f"Error: {error}")
    except (ServiceError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return web.Response(status=400, text=f"{type(error).__name__}: {error}")


def for_metrics(server: Server) -> web.Application:
    """``/metrics`` as text: which orgs' client lists hold unsaved changes, and how many clients."""

    async def metrics(_request: web.Request) -> web.Response:
        lines = ["# TYPE client_info_dirty gauge"]
        lines += [
            f'client_info_dirty{{org="{org.org_id}"}} {int(org.clients.dirty)}'
            for org in server.loaded()
        ]
        return web.Response(text="\n".join(lines) + "\n")

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    return app


def for_browsers(server: Server) -> web.Application:
    """The GUI's door: a page for users with the right password (basic authentication)."""

    async def page(request: web.Request) -> web.Response:
        if not await asyncio.to_thread(_knows, server, request.headers.get("Authorization", "")):
            challenge = {"WWW-Authenticate": 'Basic realm="Enter user and password"'}
            return web.Response(status=401, headers=challenge, text="Unauthorized")
        return web.Response(
            content_type="text/html",
            text="<!doctype html><title>Reference server</title><p>There is no GUI here.</p>\n",
        )

    app = web.Application()
    app.router.add_get("/app/index.html", page)
    return app


def _knows(server: Server, authorization: str) -> bool:
    kind, _, packed = authorization.partition(" ")
    try:
        user, _, password = base64.b64decode(packed).decode().partition(":")
        return kind == "Basic" and server.org("").users.password_is(user, password)
    except (ServiceError, binascii.Error, UnicodeDecodeError):
        return False
