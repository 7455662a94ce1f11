"""What an operator does about work that a busy server lost track of: asks for it again.

Seen on a real 0.77.2 under load: a client that enrols while its org is being set up is passed
over by a running hunt; and a flow whose client is long done stays RUNNING, since an earlier
report of its progress can be written after the last one.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from recovery.drill import life_artifacts as artifacts
from recovery.drill import life_queries as vql
from recovery.drill.clients import EVIDENCE
from recovery.velociraptor.api import Api

Row = Mapping[str, Any]


def parameters_of(artifact: str, client: str) -> dict[str, str]:
    """The parameters with which the drill collects ``artifact`` from ``client``."""
    if artifact in (artifacts.GREETING, artifacts.ORG_ONLY):
        return {"Greeting": f"hello {client}"}
    return {"Path": EVIDENCE} if artifact == artifacts.FETCH else {}


def add_to_hunt(api: Api, org: str, hunt: str, clients: Iterable[str]) -> None:
    """Asks clients to take part that the server passed over."""
    for client in sorted(clients):
        api.query(vql.HUNT_ADD, env={"Hunt": hunt, "Client": client}, org=org)


def examine_again(api: Api, org: str, clients: Iterable[str], say: Callable[[str], None]) -> None:
    """Has clients examined of whose first examination the server kept nothing.

    It examines by itself only once: a client whose results came while the server was being
    restarted, or were overwritten by its next visit, stays without a host name.
    """
    for client in sorted(clients):
        say(f"{client} has no host name: examined again")
        wanted = [{"Client": client, "Wanted": artifacts.EXAMINATION, "Env": {}}]
        api.query(vql.COLLECT, env={"Flows": json.dumps(wanted)}, org=org, min_rows=1)


def stuck(flows: Iterable[Row], hunted: Iterable[Row], ended: Iterable[str]) -> list[Row]:
    """Flows that have not ended and are no hunt's; rows of :data:`life_queries.FLOW_STATES`."""
    of_hunts = {(row["Client"], row["Flow"]) for row in hunted}
    done = set(ended)
    return [
        row
        for row in flows
        if row["State"] not in done and (row["Client"], row["Flow"]) not in of_hunts
    ]


def collect_again(
    api: Api, org: str, flows: Iterable[Row], say: Callable[[str], None]
) -> set[tuple[str, str]]:
    """Cancels flows that never end, and collects the same anew; (client, flow) of the cancelled.

    They are not deleted: a server that deletes a flow makes the client's list of flows anew,
    and while others are written it loses them (seen on a real 0.77.2).
    """
    cancelled = set()
    for row in flows:
        client, flow, wanted = row["Client"], row["Flow"], row["Wanted"]
        say(f"{client} {flow} ({wanted}) stays {row['State']}: collected again")
        api.query(vql.CANCEL_FLOW, env={"Client": client, "Flow": flow}, org=org)
        cancelled.add((client, flow))
        again = {"Client": client, "Wanted": wanted, "Env": parameters_of(wanted, client)}
        api.query(vql.COLLECT, env={"Flows": json.dumps([again])}, org=org, min_rows=1)
    return cancelled
