"""A flow or a hunt that can be exported, and its fingerprint.

A fingerprint is what the server says about a collection (state, last activity, numbers). As
long as it stays the same, an archive that the vault has already is not made again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from recovery.vault.manifest import FlowRecord
from recovery.velociraptor.api import Row
from recovery.velociraptor.inventory import digest

ENDED = ("FINISHED", "ERROR")
_UNFINISHED = ("RUNNING", "WAITING", "IN_PROGRESS", "UNRESPONSIVE")
_SEEN = (
    *("state", "active_time", "create_time", "total_collected_rows"),
    *("total_uploaded_files", "total_uploaded_bytes"),
)
_IN_MICROSECONDS = 1e11


@dataclass(frozen=True)
class Collection:
    """A flow or a hunt that can be exported. ``rows``, ``upload_bytes``: as the server says."""

    kind: str
    org: str
    ident: str
    client_id: str
    hostname: str
    state: str
    artifacts: tuple[str, ...]
    rows: int
    upload_bytes: int
    active_at: datetime | None
    fingerprint: str
    flows: tuple[tuple[str, str], ...] = ()
    """``(client id, flow id)`` of a hunt's flows."""

    @property
    def running(self) -> bool:
        return self.kind == "flow" and self.state in _UNFINISHED

    @property
    def key(self) -> str:
        """A flow's ``client/flow``, as an inventory names it."""
        return f"{self.client_id}/{self.ident}"

    def record(self, stamp: str) -> FlowRecord:
        """What the next capture needs of a flow."""
        at = self.active_at
        return FlowRecord(
            stamp=stamp,
            host=self.hostname,
            state=self.state,
            active_at=round(at.timestamp() * 1e6) if at else 0,
            rows=self.rows,
            upload_bytes=self.upload_bytes,
            artifacts=list(self.artifacts),
            fingerprint=self.fingerprint,
        )


def flow_collection(org: str, row: Row, host: str) -> Collection:
    """A row of ``flows()``; ``Client`` is its client."""
    client, ident = row["Client"], row["session_id"]
    return Collection(
        kind="flow",
        org=org,
        ident=ident,
        client_id=client,
        hostname=host,
        state=row["state"] or "",
        artifacts=tuple(row["artifacts_with_results"] or row["artifacts"] or ()),
        rows=int(row["total_collected_rows"] or 0),
        upload_bytes=int(row["total_uploaded_bytes"] or 0),
        active_at=_moment(row["active_time"] or row["create_time"]),
        fingerprint=digest([org, client, ident, host, *(row[name] for name in _SEEN)]),
    )


def recorded_collection(org: str, key: str, record: FlowRecord) -> Collection:
    """The flow ``key`` (``client/flow``) as an earlier capture knew it."""
    client, _, ident = key.partition("/")
    return Collection(
        kind="flow",
        org=org,
        ident=ident,
        client_id=client,
        hostname=record.host,
        state=record.state,
        artifacts=tuple(record.artifacts),
        rows=record.rows,
        upload_bytes=record.upload_bytes,
        active_at=_moment(record.active_at),
        fingerprint=record.fingerprint,
    )


def hunt_collection(
    org: str,
    row: Row,
    members: Sequence[tuple[str, str]],
    known: Mapping[tuple[str, str], Collection],
) -> Collection:
    """A row of ``hunts()``, with its flows; ``known``: the org's flows."""
    marks = [known[member].fingerprint if member in known else member[1] for member in members]
    ended = [known[member] for member in members if member in known and not known[member].running]
    return Collection(
        kind="hunt",
        org=org,
        ident=row["hunt_id"],
        client_id="",
        hostname="",
        state=row["state"] or "",
        artifacts=tuple(row["artifacts"] or row["requested"] or ()),
        rows=sum(flow.rows for flow in ended),
        upload_bytes=sum(flow.upload_bytes for flow in ended),
        active_at=_moment(row["start_time"] or row["create_time"]),
        fingerprint=digest([org, row["hunt_id"], row["state"], row["stats"], marks]),
        flows=tuple(members),
    )


def _moment(value: object) -> datetime | None:
    """A server's time in microseconds (or seconds, in older records)."""
    if not isinstance(value, int | float) or not value:
        return None
    return datetime.fromtimestamp(value / 1e6 if value > _IN_MICROSECONDS else value, UTC)
