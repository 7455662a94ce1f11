"""The endpoints of a drill come to the server: each enrols, and is examined for its host name."""

import time
from collections.abc import Callable

from recovery.drill import life_queries as vql
from recovery.drill.ask_again import examine_again
from recovery.drill.clients import Endpoint, endpoints
from recovery.errors import ServerError
from recovery.velociraptor.api import Api

Say = Callable[[str], None]
Enrolled = dict[Endpoint, str]
_PAUSE = 0.2
_ENROL_SECONDS = 180.0
_NOT_EXAMINED = 20.0
"""Seconds after which clients that are known, but by no host name, are examined once more."""


def wait_for_enrolment(api: Api, say: Say) -> Enrolled:
    """Every endpoint's client id, once the server knows its host name.

    Raises :class:`ServerError` naming those that have not come.
    """
    missing = set(endpoints())
    found: Enrolled = {}
    began = examined = time.monotonic()
    while missing:
        nameless: dict[str, list[str]] = {}
        for org in {endpoint.org for endpoint in missing}:
            rows = api.query(vql.SEEN, org=org)
            nameless[org] = [row["client_id"] for row in rows if not row["hostname"]]
            known = {row["hostname"]: row["client_id"] for row in rows}
            for endpoint in [one for one in missing if one.org == org]:
                if endpoint.hostname in known:
                    found[endpoint] = known[endpoint.hostname]
                    missing.discard(endpoint)
                    say(f"{len(found)} of {len(endpoints())} clients enrolled")
        now = time.monotonic()
        if missing and now - began > _ENROL_SECONDS:
            raise _not_enrolled(missing, nameless)
        if missing and now - examined > _NOT_EXAMINED:
            examined = now
            for org, clients in nameless.items():
                examine_again(api, org, clients, say)
        if missing:
            time.sleep(_PAUSE)
    return found


def _not_enrolled(missing: set[Endpoint], nameless: dict[str, list[str]]) -> ServerError:
    names = ", ".join(sorted(endpoint.hostname for endpoint in missing))
    known = [client for clients in nameless.values() for client in clients]
    also = f" (known without a host name: {', '.join(known)})" if known else ""
    return ServerError(
        f"{names} did not enrol within {_ENROL_SECONDS:g} s{also}",
        step="life",
        hint="`docker logs` of the client's container tells (--keep keeps it)",
    )
