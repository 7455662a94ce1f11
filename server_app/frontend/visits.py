"""What the server does when a client calls: admit it, enrol it, hand out tasks, take results."""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
import threading
import time
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from server_app.datastore import ids, records
from server_app.frontend import protocol
from server_app.services import requests

if TYPE_CHECKING:
    from server_app.services import OrgServices, Server

log = logging.getLogger("server_app")
_INTERROGATION = "Generic.Client.Info"
_FORBIDDEN, _ENROL_FIRST, _BAD = 403, 406, 400


class Refused(Exception):  # noqa: N818  an answer, not a fault
    """The answer is a status and a sentence."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


class Visits:
    """Called from many threads at once."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._keys: dict[tuple[str, str], rsa.RSAPublicKey] = {}

    def org(self, nonce: str) -> OrgServices:
        """The org of a nonce. Refused with 403 where no org has it (facts: other orgs' clients)."""
        org_id = self._server.orgs.by_nonce(nonce)
        if org_id is None:
            text = f"Client Nonce {nonce} is not valid - rejecting message."
            log.error(text)
            raise Refused(_FORBIDDEN, text)
        return self._server.org(org_id)

    def admit(self, org: OrgServices, headers: Any, path: str, body: bytes) -> str:
        """Checks a request's signature; returns the client's id in this org.

        Refused with 406 where the key is not known (any more). Where the client's record isn't,
        it is examined anew, without another enrolment.
        """
        bare = headers.get(protocol.CLIENT_ID, "")
        client_id = bare if org.is_root else f"{bare}-{org.org_id}"
        key = self._key(org, client_id)
        if key is None:
            raise Refused(_ENROL_FIRST, "Please Enrol")
        _verify(key, headers, path, body)
        if org.clients.record(client_id) is None:
            self._interrogate(org, client_id)
        return client_id

    def _key(self, org: OrgServices, client_id: str) -> rsa.RSAPublicKey | None:
        place = (org.org_id, client_id)
        with self._lock:
            known = self._keys.get(place)
        if known is not None:
            return known
        try:
            record = org.store.load("Key", "clients", client_id, "key")
        except ValueError:
            return None
        if not record or not record.get("pem"):
            return None
        key = _public_key(record["pem"])
        with self._lock:
            self._keys[place] = key
        return key

    # -- enrolment

    def enrol(self, org: OrgServices, headers: Any, body: bytes) -> str:
        """Stores a client's key under the id that the key gives it; has a new client examined."""
        pem = _parsed(body).get("public_key", "")
        key = _public_key(str(pem).encode())
        bare = ids.client_id(key.public_numbers().n)
        if bare != headers.get(protocol.CLIENT_ID, ""):
            raise Refused(_FORBIDDEN, "this key belongs to another client id")
        _verify(key, headers, protocol.ENROL, body)
        client_id = bare if org.is_root else f"{bare}-{org.org_id}"
        record = {"pem": str(pem).encode(), "enroll_time": int(time.time())}
        org.store.save_wire("Key", record, "clients", client_id, "key")
        with self._lock:
            self._keys[org.org_id, client_id] = key
        known = org.clients.record(client_id)
        if known is None or not known.get("last_interrogate_flow_id"):
            self._interrogate(org, client_id)
        return client_id

    def _interrogate(self, org: OrgServices, client_id: str) -> None:
        """A client without a record, or never examined, starts with an empty one."""
        org.clients.put({"client_id": client_id})
        custom = "Custom." + _INTERROGATION
        artifact = custom if org.artifacts.get(custom) else _INTERROGATION
        request = {
            "creator": "InterrogationService",
            "client_id": client_id,
            "artifacts": [artifact],
            "max_upload_bytes": requests.UPLOAD_LIMIT,
        }
        flow_id = org.flows.schedule(request)

        def change(record: records.Record) -> None:
            record.setdefault("first_seen_at", int(time.time()))
            record["last_interrogate_flow_id"] = flow_id
            record["last_interrogate_artifact_name"] = artifact

        org.clients.modify(client_id, change)

    # -- tasks and results

    def tasks(self, org: OrgServices, client_id: str, address: str) -> list[records.Record]:
        """Notes the visit, offers hunts, hands out what waits."""
        org.clients.seen(client_id, address)
        org.dispatch.check(client_id)
        return org.flows.tasks.fetch(client_id)

    def upload(self, org: OrgServices, client_id: str, about: str, data: bytes) -> None:
        """Stores one uploaded file of a flow."""
        said = _parsed(about.encode())
        flow_id = str(said.get("flow_id", ""))
        self._own_flow(org, client_id, flow_id)
        components = [str(part) for part in said.get("components", [])]
        if not components or any(part in {"", ".", ".."} for part in components):
            raise Refused(_BAD, "an upload needs a path")
        org.flows.add_upload(client_id, flow_id, str(said.get("accessor", "")), components, data)

    def report(self, org: OrgServices, client_id: str, body: bytes) -> None:
        """Takes the rows, logs and statistics of a flow's queries."""
        said = _parsed(body)
        flow_id = str(said.get("flow_id", ""))
        flow = self._own_flow(org, client_id, flow_id)
        if flow["state"] != 1:
            return
        names = requests.queried_sources(org, flow.get("request", {}).get("artifacts", []))
        stats: list[records.Record] = []
        for place, answer in enumerate(said.get("answers", [])):
            name = names[place] if place < len(names) else names[-1] if names else ""
            rows = answer.get("rows", [])
            if rows:
                org.flows.add_rows(client_id, flow_id, name, rows)
            stat = records.from_object("QueryStats", answer.get("stats", {}))
            stats.append({**stat, "names_with_response": [name] if rows else []})
        org.flows.add_logs(client_id, flow_id, _named(org, names, said.get("logs", [])))
        # Statistics stand by query number modulo the number of queries: the last is the first.
        org.flows.progress(client_id, flow_id, [*stats[-1:], *stats[:-1]] or [{"status": 0}])

    @staticmethod
    def _own_flow(org: OrgServices, client_id: str, flow_id: str) -> records.Record:
        flow = org.flows.get(client_id, flow_id) if flow_id else None
        if flow is None:
            raise Refused(_BAD, f"no flow {flow_id} was asked of this client")
        return flow


def _named(org: OrgServices, names: list[str], logs: Any) -> list[Any]:
    """A client's log lines with the true names of what it queried by hidden ones."""
    true = {requests.hidden_name(org, name): name for name in names}
    hidden = re.compile("|".join(map(re.escape, true)) or "(?!)")
    return [
        {**line, "message": hidden.sub(lambda found: true[found[0]], str(line.get("message", "")))}
        for line in logs
        if isinstance(line, dict)
    ]


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError as error:
        raise Refused(_BAD, "the body is no JSON") from error
    if not isinstance(parsed, dict):
        raise Refused(_BAD, "the body is no JSON object")
    return parsed


def _public_key(pem: bytes) -> rsa.RSAPublicKey:
    """A key in PEM: of a public key, or (as real servers store it) of a signing request."""
    try:
        if b"CERTIFICATE REQUEST" in pem:
            from cryptography.x509 import load_pem_x509_csr

            key: Any = load_pem_x509_csr(pem).public_key()
        else:
            key = serialization.load_pem_public_key(pem)
    except (ValueError, TypeError) as error:
        raise Refused(_FORBIDDEN, "this is no RSA public key") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise Refused(_FORBIDDEN, "this is no RSA public key")
    return key


def _verify(key: rsa.RSAPublicKey, headers: Any, path: str, body: bytes) -> None:
    signed = protocol.signed_part(
        path,
        headers.get(protocol.CLIENT_ID, ""),
        headers.get(protocol.NONCE, ""),
        headers.get(protocol.UPLOADED, ""),
        body,
    )
    try:
        signature = base64.b64decode(headers.get(protocol.SIGNATURE, ""), validate=True)
        key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error) as error:
        raise Refused(_FORBIDDEN, "the signature does not fit this client's key") from error
