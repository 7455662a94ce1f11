"""Which of the captured clients have been in touch with the server since it was recovered."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from recovery.counts import things
from recovery.errors import TargetError
from recovery.velociraptor.api import ROOT, Api
from recovery.velociraptor.config import SERVICE
from recovery.velociraptor.inventory import digest
from recovery.verify.facts import ServerFacts

_SEEN = (
    "SELECT client_id, last_seen_at, os_info.hostname AS hostname, os_info.system AS system "
    "FROM clients()"
)
_ORGS = "SELECT OrgId FROM orgs()"
_MICROSECONDS = 1e6
_PAUSE = 0.5
NOT_SENT = "this recovery did not send them here"
"""Why clients that are away are no failure: whoever leads the name there is still to do it."""


@dataclass(frozen=True)
class Fleet:
    """``seen`` of the captured clients since ``since``; ``away`` are the others;
    ``newcomers`` (id → digest of host name and system) are in no capture.
    """

    seen: list[str]
    away: list[str]
    newcomers: dict[str, str]
    since: datetime
    unserved: int
    """Orgs whose clients can't come back with the chosen strategy."""

    @property
    def summary(self) -> str:
        """How many were seen since when."""
        total = len(self.seen) + len(self.away)
        left = ""
        if self.unserved:
            left = f" ({things(self.unserved, 'org')} can't be served by this strategy)"
        clients = things(total, "client")
        return f"{len(self.seen)} of {clients} seen since {self.since:%H:%M:%S} UTC{left}"


def wait_for_clients(api: Api, host: Any, facts: ServerFacts) -> Fleet:
    """Looks again until every captured client was seen, at most ``facts.wait`` seconds.

    Raises :class:`TargetError` when it can't be told since when the server runs, and
    :class:`recovery.errors.ServerError` when the API fails.
    """
    since = facts.since or _started(host)
    deadline = time.monotonic() + facts.wait
    while True:
        asked = time.monotonic()
        fleet = _look(api, facts, since)
        now = time.monotonic()
        if not fleet.away or now >= deadline:
            return fleet
        # A large list takes a while to answer: never ask for more than a fifth of the time.
        time.sleep(max(_PAUSE, 4 * (now - asked)))


def _look(api: Api, facts: ServerFacts, since: datetime) -> Fleet:
    limit = since.timestamp() * _MICROSECONDS
    seen: list[str] = []
    away: list[str] = []
    newcomers: dict[str, str] = {}
    there = {row["OrgId"] or ROOT for row in api.query(_ORGS, min_rows=1)}
    for org, captured in facts.clients.items():
        rows = api.query(_SEEN, org=org) if org in there else []
        last = {row["client_id"]: int(row["last_seen_at"] or 0) for row in rows}
        for client in captured:
            (seen if last.get(client, 0) >= limit else away).append(client)
        for row in rows:
            if row["client_id"] not in captured:
                name = [row["hostname"] or "", row["system"] or ""]
                newcomers[row["client_id"]] = digest(name)
    return Fleet(sorted(seen), sorted(away), newcomers, since, len(facts.unserved))


def _started(host: Any) -> datetime:
    """When the service became active, by the target's own clock, to the hundredth of a second.

    The plain timestamp has whole seconds: a client's last word to the server before a
    restart would count as its first after it.
    """
    said = host.run(
        "date +%%s.%%N; cut -d' ' -f1 /proc/uptime; "
        "systemctl show -p ActiveEnterTimestampMonotonic --value %s",
        SERVICE,
    ).stdout
    try:
        now, uptime, active = (float(line) for line in said.split())
    except ValueError:
        active = 0
    if not active:
        raise TargetError(f"can't tell since when {SERVICE} runs")
    return datetime.fromtimestamp(now - (uptime - active / _MICROSECONDS), UTC)


def clients_anew(fleet: Fleet, facts: ServerFacts) -> list[str]:
    """Newcomers that carry the host name of a captured client which is away.

    Clients that enrolled after the capture are newcomers too, and welcome: a new id is a
    loss only where the old one doesn't come back.
    """
    away = set(fleet.away)
    lost = {
        name
        for captured in facts.clients.values()
        for client, name in captured.items()
        if client in away
    }
    return sorted(client for client, name in fleet.newcomers.items() if name in lost)
