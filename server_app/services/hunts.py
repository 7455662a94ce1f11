"""Hunts of an org: records, states, and who took part.

A hunt lies in two files: ``hunts/<H>.json.db`` (summary) and ``hunts/<H>/request.json.db`` (the
full request), which is read anew whenever it is needed: putting it back repairs a hunt while the
server runs (facts: "what restoring really does", Hunt).
"""

from __future__ import annotations

import base64
import contextlib
import json
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from server_app.datastore import ids, records, tables
from server_app.services import requests
from server_app.services.errors import ServiceError
from server_app.services.hunt_conditions import condition
from server_app.services.hunt_members import HuntMembers
from server_app.services.hunt_rows import index_row, shown

if TYPE_CHECKING:
    from server_app.services.org import OrgServices

Pairs = list[tuple[str, str]]
Records = list[records.Record]
Strings = list[str]

PAUSED, RUNNING, STOPPED, ARCHIVED = 1, 2, 3, 4
_WEEK_HOURS = 168


def now_microseconds() -> int:
    return time.time_ns() // 1000


class Hunts(HuntMembers):
    """The hunts of an org."""

    def __init__(self, org: OrgServices) -> None:
        super().__init__(org)
        self._hunts: dict[str, records.Record] = {}
        self._unsaved: set[str] = set()

    # -- memory and disk

    def load(self) -> None:
        """Reads the summaries; newer ones from the index where it has them.

        Hunts that an older server archived stay on the disk, and are seen no more.
        """
        found: dict[str, records.Record] = {}
        for hunt_id in self._org.store.record_names("hunts"):
            hunt = self._org.store.load("Hunt", "hunts", hunt_id)
            if hunt and hunt.get("hunt_id") and hunt.get("state") != ARCHIVED:
                found[hunt["hunt_id"]] = hunt
        for row in tables.read(self._org.store.path("hunts", "index", suffix=".json")):
            with contextlib.suppress(ValueError, TypeError, KeyError):
                hunt = records.from_object("Hunt", json.loads(base64.b64decode(row["Hunt"])))
                stored = found.get(hunt["hunt_id"])
                if stored and hunt.get("version", 0) > stored.get("version", 0):
                    found[hunt["hunt_id"]] = hunt
        with self._lock:
            self._hunts = found
            self._unsaved.clear()

    def save_changes(self) -> None:
        """Writes hunts whose counts changed, and the index: now and then, and at a clean stop."""
        with self._lock:
            if not self._unsaved:
                return
            for hunt_id in self._unsaved & set(self._hunts):
                self._org.store.save("Hunt", self._hunts[hunt_id], "hunts", hunt_id)
            self._unsaved.clear()
            newest_first = sorted(self._hunts, reverse=True)
            rows = [index_row(self._hunts[hunt_id]) for hunt_id in newest_first]
        tables.replace(self._org.store.path("hunts", "index", suffix=".json"), rows)

    def get(self, hunt_id: str, *, request: bool) -> records.Record | None:
        """The hunt; with `request`, the full request instead of its summary if it is on disk."""
        with self._lock:
            hunt = self._hunts.get(hunt_id)
            if hunt is None:
                return None
            hunt = {**hunt, "stats": dict(hunt.get("stats", {}))}
        if request:
            stored = self._org.store.load("Hunt", "hunts", hunt_id, "request") or {}
            if stored.get("start_request"):
                hunt["start_request"] = stored["start_request"]
        return hunt

    def all(self) -> Records:
        """Summaries, by id."""
        with self._lock:
            return [dict(self._hunts[hunt_id]) for hunt_id in sorted(self._hunts)]

    def put(self, hunt: records.Record) -> None:
        """Stores a hunt. A request that is itself a summary is not written to the request file."""
        hunt = records.compact("Hunt", hunt)
        hunt_id = hunt["hunt_id"]
        request = hunt.get("start_request", {})
        if not request.get("summary"):
            whole = {"hunt_id": hunt_id, "start_request": request}
            self._org.store.save("Hunt", whole, "hunts", hunt_id, "request")
            summary = {key: request[key] for key in ("creator", "artifacts") if key in request}
            hunt["start_request"] = {**summary, "summary": True}
        self._org.store.save("Hunt", hunt, "hunts", hunt_id)
        with self._lock:
            self._hunts[hunt_id] = records.compact("Hunt", hunt)
            self._unsaved.add(hunt_id)

    def _change(self, hunt_id: str, change: Callable[[records.Record], None]) -> records.Record:
        with self._lock:
            hunt = self.get(hunt_id, request=False)
            if hunt is None:
                raise ServiceError("Hunt not found")
            change(hunt)
            hunt["version"] = time.time_ns()
            self._hunts[hunt_id] = hunt
            self._unsaved.add(hunt_id)
            return hunt

    # -- what queries see

    def list(self, hunt_id: str = "", summary: bool = False) -> Iterator[dict[str, Any]]:
        """Rows of hunts(): summaries, or one hunt with its full request."""
        if hunt_id:
            hunt = self.get(hunt_id, request=not summary)
            if hunt:
                yield shown(hunt)
            return
        for hunt in self.all():
            yield shown(hunt)

    def info(self, hunt_id: str) -> dict[str, Any]:
        hunt = self.get(hunt_id, request=True)
        if hunt is None:
            raise ServiceError("Hunt not found")
        return shown(hunt)

    def create(
        self,
        *,
        description: str = "",
        tags: Strings | None = None,
        artifacts: Strings,
        expires: float | None = None,
        spec: dict[str, Any] | None = None,
        timeout: int = 0,
        ops_per_second: float = 0,
        cpu_limit: float = 0,
        iops_limit: float = 0,
        max_rows: int = 0,
        max_bytes: int = 0,
        pause: bool = False,
        include_labels: Strings | None = None,
        exclude_labels: Strings | None = None,
        os: str = "",
        org_ids: Strings | None = None,
        principal: str,
    ) -> dict[str, Any]:
        """hunt(): makes it here or in the orgs named, under one id. Raises ServiceError."""
        if expires and expires < time.time():
            raise ServiceError(f"expiry time {_go_time(expires)} in the past")
        here = org_ids or [self._org.org_id]
        request = {
            "creator": principal,
            "artifacts": artifacts,
            "specs": requests.specs(self._org, spec or {}),
            "ops_per_second": ops_per_second,
            "cpu_limit": cpu_limit,
            "iops_limit": iops_limit,
            "timeout": timeout,
            "max_rows": max_rows,
            "max_upload_bytes": max_bytes,
        }
        hunt: records.Record = {
            "hunt_description": description,
            "creator": principal,
            "start_request": request,
            "expires": int((expires or 0) * 1_000_000),
            "state": PAUSED if pause else RUNNING,
            "tags": list(tags or []),
        }
        wanted = condition(include_labels or [], exclude_labels or [], os)
        if wanted:
            hunt["condition"] = wanted
        made: records.Record = {}
        for org_id in here:
            org = self._org.server.org(org_id)
            extra = {"org_ids": here} if org.is_root else {}
            made = org.hunts.create_record({**hunt, **extra, "hunt_id": made.get("hunt_id", "")})
        self._org.audit("CreateHunt", principal, hunt_id=made["hunt_id"])
        return {"HuntId": made["hunt_id"], "Request": records.spelled("Hunt", made)}

    def create_record(self, hunt: records.Record) -> records.Record:
        """Completes a hunt (id, times, compiled request), stores it, tells the clients."""
        request = {**hunt.get("start_request", {})}
        if not request.get("artifacts"):
            raise ServiceError("No artifacts to collect.")
        now = now_microseconds()
        hunt_id = hunt.get("hunt_id") or ids.hunt()
        request["max_upload_bytes"] = request.get("max_upload_bytes") or requests.UPLOAD_LIMIT
        compiled = requests.compile_request(self._org, request)
        request |= {
            "flow_id": f"F.{hunt_id[2:]}.H",
            "compiled_collector_args": compiled,
            "creator": hunt.get("creator", ""),
        }
        created = hunt.get("create_time") or now
        hours = (self._org.server.config.get("defaults") or {}).get("hunt_expiry_hours")
        hunt = {
            **hunt,
            "hunt_id": hunt_id,
            "create_time": created,
            "expires": hunt.get("expires") or now + (hours or _WEEK_HOURS) * 3_600_000_000,
            "start_request": request,
            "stats": hunt.get("stats") or {},
            "artifacts": request["artifacts"],
            "artifact_sources": requests.source_names(self._org, request["artifacts"]),
            "state": hunt.get("state") or PAUSED,
        }
        if hunt["state"] == RUNNING:
            hunt["start_time"] = created
        try:
            self.put(hunt)
        except (OSError, ValueError) as error:
            raise ServiceError(f"While writing hunt {hunt_id}: {error}") from error
        self._org.dispatch.hunts_changed()
        return records.compact("Hunt", hunt)

    def update(
        self,
        hunt_id: str,
        *,
        stop: bool = False,
        start: bool = False,
        description: str = "",
        expires: float | None = None,
        add_labels: Strings | None = None,
        del_labels: Strings | None = None,
        principal: str,
    ) -> str | Strings:
        """hunt_update(): the id, or the tags where they changed. An unknown hunt is no error."""
        if self.get(hunt_id, request=False) is None:
            return hunt_id

        def change(hunt: records.Record) -> None:
            if stop and not start:
                hunt["state"] = STOPPED
                hunt["stats"]["stopped"] = True
            elif start and hunt.get("state") != RUNNING:
                hunt["state"] = RUNNING
                hunt["stats"].pop("stopped", None)
                hunt["start_time"] = now_microseconds()
            if description:
                hunt["hunt_description"] = description
            if expires:
                hunt["expires"] = int(expires * 1_000_000)
            tags = set(hunt.get("tags", [])) | set(add_labels or [])
            hunt["tags"] = sorted(tags - set(del_labels or []))

        changed = self._change(hunt_id, change)
        try:
            self.put(changed)
        except OSError as error:
            raise ServiceError(str(error)) from error
        self._org.audit("hunt_update", principal, hunt_id=hunt_id)
        self._org.dispatch.hunts_changed()
        return changed["tags"] if add_labels or del_labels else hunt_id

    def stop_for_good(self, hunt_id: str) -> None:
        """A hunt that expired or reached its limit takes no more clients."""

        def change(hunt: records.Record) -> None:
            hunt["stats"]["stopped"] = True

        self._change(hunt_id, change)

    def delete(self, hunt_id: str, really_do_it: bool, principal: str) -> Iterator[dict[str, Any]]:
        """Rows of hunt_delete(): flows and files of a hunt, removed if really asked for."""
        if self.get(hunt_id, request=False) is None:
            raise ServiceError(f"'{hunt_id}' not found")
        return self._delete(hunt_id, really_do_it, principal)

    def _delete(self, hunt_id: str, really_do_it: bool, principal: str) -> Iterator[dict[str, Any]]:
        for client_id, flow_id in self.participants(hunt_id):
            with contextlib.suppress(ServiceError):
                yield from self._org.flows.delete(flow_id, client_id, really_do_it, principal)
        if really_do_it:
            with self._lock:
                self._hunts.pop(hunt_id, None)
                self._unsaved.add(hunt_id)
            store = self._org.store
            store.remove("hunts", hunt_id)
            store.remove_tree("hunts", hunt_id)
            store.remove_tree("hunt_index", hunt_id.lower())
            for path in (self._table(hunt_id), self._table(hunt_id + "_errors")):
                path.unlink(missing_ok=True)
                tables.index_path(path).unlink(missing_ok=True)


def _go_time(seconds: float) -> str:
    at = time.gmtime(seconds)
    return f"{at.tm_year:04d}{time.strftime('-%m-%d %H:%M:%S +0000 UTC', at)}"
