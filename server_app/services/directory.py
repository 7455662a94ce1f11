"""The users of a server, with their passwords' hashes: ``users/<name>.db``."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time

from server_app.datastore import records
from server_app.datastore.store import Store
from server_app.services.errors import ServiceError

Records = list[records.Record]
SUPERUSER = "VelociraptorServer"
RESERVED = frozenset({SUPERUSER, "GRPC_GW"})


class Directory:
    """User records with password hashes: ``users/<name>.db``.

    A running server reads them once at start: a user that another process adds (the command
    line) is not seen by it (facts: "Server and clients").
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.RLock()
        self._known: dict[str, records.Record] | None = None

    def load(self) -> None:
        """Reads all records; from now on memory is what counts.

        A user called ``x.json`` is passed by: its file looks like a record of JSON (seen on a real
        server).
        """
        found: dict[str, records.Record] = {}
        for name in self._store.record_names("users"):
            record = self._store.load("User", "users", name)
            if record is not None and record.get("name", name) == name:
                found.setdefault(name.lower(), {**record, "name": name})
        with self._lock:
            self._known = found

    def get(self, name: str) -> records.Record | None:
        with self._lock:
            if self._known is not None:
                return self._known.get(name.lower())
        return self._store.load("User", "users", name) if name else None

    def all(self) -> Records:
        """All users, by name."""
        with self._lock:
            known = self._known
        if known is not None:
            return sorted(known.values(), key=lambda record: str(record["name"]))
        loaded = (self._store.load("User", "users", n) for n in self._store.record_names("users"))
        return [record for record in loaded if record]

    def put(self, record: records.Record) -> None:
        """Stores a user. Raises ServiceError."""
        name = record["name"]
        if not name:
            raise ServiceError("Must set a username")
        check_name(name)
        stored = {key: value for key, value in record.items() if key != "orgs"}
        with self._lock:
            try:
                self._store.save_wire("User", stored, "users", name)
            except OSError as error:
                raise ServiceError(str(error)) from error
            if self._known is not None:
                self._known[name.lower()] = stored

    def remove(self, name: str) -> None:
        with self._lock:
            self._store.remove("users", name)
            if self._known is not None:
                self._known.pop(name.lower(), None)

    def touch(self, name: str, address: str) -> None:
        """Notes in memory when and from where a user last called."""
        with self._lock:
            record = self._known.get(name.lower()) if self._known is not None else None
            if record is not None:
                stats = {"last_active_time": int(time.time()), "last_ip_address": address}
                record["stats"] = stats


def check_name(name: str) -> None:
    """Raises ServiceError for the names that the server keeps for itself."""
    if name in RESERVED:
        raise ServiceError(f"Username is reserved: {name}")


def hash_password(record: records.Record, password: str) -> records.Record:
    """The record with a new salt and SHA-256(salt + password)."""
    salt = secrets.token_bytes(32)
    digest = hashlib.sha256(salt + password.encode()).digest()
    return {**record, "password_salt": salt, "password_hash": digest, "locked": False}


def password_fits(record: records.Record, password: str) -> bool:
    """Does the password open this account?"""
    digest = hashlib.sha256(record.get("password_salt", b"") + password.encode()).digest()
    return hmac.compare_digest(digest, record.get("password_hash", b""))
