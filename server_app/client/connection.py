"""One client's requests to the server: signed, over TLS to the pinned name."""

from __future__ import annotations

import json
import random
import ssl
from typing import Any

import aiohttp

from server_app.client.identity import Identity
from server_app.frontend import protocol

_ENROL_FIRST, _BAD = 406, 400
_CONNECT_SECONDS = 10.0
_dice = random.SystemRandom()


class Unreachable(Exception):  # noqa: N818  an outcome, not a fault
    """The server could not be asked, or refused; the text says why."""


class EnrolFirst(Exception):  # noqa: N818  an outcome, not a fault
    """The server does not know this client (any more)."""


class Rejected(Exception):  # noqa: N818  an outcome, not a fault
    """The server does not want this (any more): sending it again is of no use."""


def pinned_context(config: dict[str, Any]) -> ssl.SSLContext:
    """Trusts the deployment's own CA and nothing else."""
    context = ssl.create_default_context(cadata=config["Client"]["ca_certificate"])
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class Connection:
    """Requests of one client. Names are resolved anew at each connection."""

    def __init__(
        self, config: dict[str, Any], identity: Identity, session: aiohttp.ClientSession
    ) -> None:
        client = config["Client"]
        self._urls = [str(url).rstrip("/") for url in client["server_urls"]]
        self._nonce = str(client["nonce"])
        self._pinned = str(client.get("pinned_server_name") or protocol.PINNED_NAME)
        self._identity, self._session = identity, session
        self._url = _dice.choice(self._urls)

    async def enrol(self) -> str:
        """Hands in the public key; returns the id by which the server knows this client."""
        body = json.dumps({"public_key": self._identity.public_pem()}).encode()
        answer = await self._post(protocol.ENROL, body)
        return str(answer.get("client_id", ""))

    async def poll(self, hold: float) -> list[dict[str, Any]]:
        """Tasks that wait; the server may hold the answer back for `hold` seconds."""
        body = json.dumps({"hold": hold}).encode()
        answer = await self._post(protocol.POLL, body, patience=hold)
        tasks: list[dict[str, Any]] = answer.get("tasks", [])
        return tasks

    async def upload(self, about: dict[str, Any], data: bytes) -> None:
        await self._post(protocol.UPLOAD, data, about=json.dumps(about))

    async def report(self, report: dict[str, Any]) -> None:
        await self._post(protocol.REPORT, json.dumps(report).encode())

    async def _post(
        self, path: str, body: bytes, *, about: str = "", patience: float = 0
    ) -> dict[str, Any]:
        client_id = self._identity.client_id
        signed = protocol.signed_part(path, client_id, self._nonce, about, body)
        headers = {
            protocol.CLIENT_ID: client_id,
            protocol.NONCE: self._nonce,
            protocol.SIGNATURE: self._identity.sign(signed),
        }
        if about:
            headers[protocol.UPLOADED] = about
        timeout = aiohttp.ClientTimeout(total=patience + 30, sock_connect=_CONNECT_SECONDS)
        try:
            async with self._session.post(
                self._url + path,
                data=body,
                headers=headers,
                timeout=timeout,
                server_hostname=self._pinned,
            ) as answer:
                return await self._read(answer)
        except (aiohttp.ClientError, OSError) as error:
            url, self._url = self._url, _dice.choice(self._urls)
            raise Unreachable(f"{url}: {type(error).__name__}: {error}") from error

    async def _read(self, answer: aiohttp.ClientResponse) -> dict[str, Any]:
        text = await answer.text()
        if answer.status == _ENROL_FIRST:
            raise EnrolFirst(text)
        if answer.status == _BAD:
            raise Rejected(text)
        if not answer.ok:
            raise Unreachable(f"{self._url}: HTTP {answer.status} {text}")
        parsed: dict[str, Any] = json.loads(text)
        return parsed
