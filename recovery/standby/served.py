"""Which clients a server knows, and which of them it has served since a moment."""

import time
from collections.abc import Callable

from recovery.target import Target
from recovery.velociraptor.api import Api, open_api
from recovery.velociraptor.config import ServerConfig

_SEEN = "SELECT client_id, last_seen_at FROM clients()"
_MICRO = 1e6


def count_known(target: Target, config: ServerConfig) -> int:
    """Clients of all orgs in the list of the server on ``target``."""
    with open_api(target, config) as api:
        return sum(len(_clients(api, org)) for org in _orgs(api))


def wait_for_clients(
    target: Target,
    config: ServerConfig,
    since: float,
    limit: float,
    say: Callable[[str], None],
) -> tuple[int, int]:
    """Those seen after ``since`` (seconds, as :func:`time.time`) and all; ``limit`` in seconds."""
    until = time.monotonic() + limit
    back = 0
    with open_api(target, config) as api:
        orgs = _orgs(api)
        while True:
            seen = [row for org in orgs for row in _clients(api, org)]
            now = sum(float(str(row["last_seen_at"] or 0)) > since * _MICRO for row in seen)
            if now != back:
                back = now
                say(f"{back} of {len(seen)} clients are served again")
            if back >= len(seen) or time.monotonic() > until:
                return back, len(seen)
            time.sleep(0.2)


def _orgs(api: Api) -> list[str]:
    return [str(row["OrgId"]) for row in api.query("SELECT OrgId FROM orgs()", min_rows=1)]


def _clients(api: Api, org: str) -> list[dict[str, object]]:
    rows = api.query(_SEEN, org=org)
    return [row for row in rows if str(row["client_id"]).startswith("C.")]
