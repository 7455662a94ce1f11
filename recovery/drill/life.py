"""A working organisation on the server, through its API: all that a recovery must bring back."""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from recovery.drill import life_artifacts as artifacts
from recovery.drill import life_queries as vql
from recovery.drill.ask_again import add_to_hunt, collect_again, parameters_of, stuck
from recovery.drill.clients import ORG, ORG_NAME, Endpoint, endpoints
from recovery.drill.enrolment import Enrolled
from recovery.errors import ServerError
from recovery.velociraptor.api import ROOT, Api

Say = Callable[[str], None]
_PAUSE = 0.2
_FLOW_SECONDS = 240.0
_PASSED_OVER = 20.0
"""Seconds after which a client that a busy server has not asked to take part in a hunt is added."""
_STUCK = 60.0
"""Seconds after which a flow that has not ended is taken for one that never will."""
_ENDED = ("FINISHED", "ERROR")


@dataclass(frozen=True)
class Settled:
    """What was set up before the clients came: per org the running hunt, and the other org's
    client config.
    """

    running_hunts: dict[str, str]
    org_client_config: bytes


def settle(api: Api, restart: Callable[[], None]) -> Settled:
    """The other org, artifacts, users, hunts, notebooks, metadata, monitoring, a secret.

    In between the server is restarted cleanly, as one in use has been: the last hunt is newer
    than the list of hunts that a server writes when it stops.
    Raises :class:`ServerError` when the server doesn't take any of it.
    """
    made = api.query(vql.ORG_CREATE, env={"Name": ORG_NAME, "Id": ORG}, min_rows=1)[0]["Org"]
    if not made:
        raise ServerError(f"the server did not create the org {ORG}", step="life")
    configs = {row["OrgId"]: row["Config"] for row in api.query(vql.CLIENT_CONFIGS, min_rows=2)}
    for org, text, tags in (
        (ROOT, artifacts.GREETING_TEXT, ["drill", "hunting"]),
        (ROOT, artifacts.FETCH_TEXT, []),
        (ORG, artifacts.ORG_ONLY_TEXT, []),
    ):
        _do(api, vql.ARTIFACT, org, Definition=text, Tags=tags)
    _add_users(api)
    _add_settings(api)
    _add_notebook(api, ROOT, "Case 17", "What was found on the endpoints")
    _add_notebook(api, ORG, "Acme review", "Quarterly")
    running = {
        ROOT: _add_hunt(api, ROOT, "Sweep of all endpoints", artifacts.GREETING, "from the hunt"),
        ORG: _add_hunt(api, ORG, "Acme sweep", artifacts.ORG_ONLY, "from Acme's hunt"),
    }
    restart()
    _add_hunt(api, ROOT, "Held for approval", artifacts.GREETING, "not yet", paused=True)
    return Settled(running, configs[ORG].encode())


def _do(api: Api, query: str, org: str, **values: Any) -> Any:
    """Runs a query that answers one row with ``Done``; anything empty there is an error."""
    env = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
    }
    answer = api.ask(query, env=env, org=org)
    if not answer.rows or not answer.rows[0]["Done"]:
        said = "; ".join(answer.log[-3:])
        raise ServerError(f"org {org}: `{query}` did nothing: {said}", step="life")
    return answer.rows[0]["Done"]


def _add_users(api: Api) -> None:
    for org, user, roles in (
        (ROOT, "alice", ["investigator"]),
        (ROOT, "bob", ["reader"]),
        (ORG, "bob", ["reader", "analyst"]),
        (ORG, "carol", ["analyst"]),
    ):
        password = secrets.token_urlsafe(12)
        _do(api, vql.USER, org, User=user, Roles=roles, Password=password)
    policy = {"roles": ["investigator"], "read_results": True, "label_clients": True}
    _do(api, vql.GRANT, ROOT, User="alice", Policy=policy)


def _add_settings(api: Api) -> None:
    for org in (ROOT, ORG):
        note = {"site": f"headquarters of {org}", "ticket": "DR-17"}
        _do(api, vql.SERVER_METADATA, org, Metadata=note)
        _do(
            api,
            vql.CLIENT_MONITORING,
            org,
            Wanted="Generic.Client.Stats",
            Parameters={"Frequency": "60"},
            Label="critical",
        )
    _do(api, vql.SERVER_MONITORING, ROOT, Wanted="Server.Monitor.Health", Parameters={})
    credentials = {
        "region": "eu-central-1",
        "credentials_key": secrets.token_hex(8),
        "credentials_secret": secrets.token_hex(16),
        "endpoint": "http://127.0.0.1:9000",
    }
    _do(
        api,
        vql.CREDENTIALS,
        ROOT,
        Name="Archive",
        Type="AWS S3 Creds",
        Secret=credentials,
        Users=["alice"],
    )


def _add_notebook(api: Api, org: str, name: str, description: str) -> None:
    users = ["alice"] if org == ROOT else ["carol"]
    notebook = _do(api, vql.NOTEBOOK, org, Name=name, Description=description, Users=users)
    for kind, text in (
        ("markdown", f"# {name}\n\nWhat is known so far."),
        ("vql", "SELECT 6 * 7 AS Answer FROM scope()"),
    ):
        _do(api, vql.NOTEBOOK_CELL, org, Notebook=notebook, Type=kind, Input=text)


def _add_hunt(
    api: Api, org: str, description: str, artifact: str, greeting: str, *, paused: bool = False
) -> str:
    return str(
        _do(
            api,
            vql.HUNT,
            org,
            Description=description,
            Wanted=artifact,
            Spec={artifact: {"Greeting": greeting}},
            Tags=["drill"],
            Paused="yes" if paused else "no",
        )
    )


def work(api: Api, enrolled: Enrolled) -> None:
    """Labels, metadata and collections on every client, one of them an uploaded file."""
    for org in (ROOT, ORG):
        ids = [client for endpoint, client in sorted_clients(enrolled) if endpoint.org == org]
        own = artifacts.GREETING if org == ROOT else artifacts.ORG_ONLY
        clients = [
            {
                "Client": client,
                "Labels": ["prod", "critical"] if number == 0 else ["prod"],
                "Metadata": {"owner": f"team {number + 1}", "site": org},
            }
            for number, client in enumerate(ids)
        ]
        flows = [
            {"Client": client, "Wanted": name, "Env": parameters_of(name, client)}
            for client in ids
            for name in (own, artifacts.FETCH)
        ]
        for query, name, items in (
            (vql.LABEL, "Clients", clients),
            (vql.COLLECT, "Flows", flows),
        ):
            rows = api.query(query, env={name: json.dumps(items)}, org=org, min_rows=len(items))
            if not all(row["Done"] for row in rows):
                raise ServerError(f"org {org}: `{query}` was not taken for all clients")


def sorted_clients(enrolled: Enrolled) -> list[tuple[Endpoint, str]]:
    """The endpoints in their own order, with their client ids."""
    return [(endpoint, enrolled[endpoint]) for endpoint in endpoints() if endpoint in enrolled]


def wait_for_flows(api: Api, enrolled: Enrolled, settled: Settled, say: Say) -> int:
    """Waits until all flows have ended and all clients took part in their hunt; how many flows.

    Raises :class:`ServerError` when a flow fails or doesn't end, naming those.
    """
    began = time.monotonic()
    deadline = began + _FLOW_SECONDS
    told = ""
    added: set[str] = set()
    again: set[str] = set()
    cancelled: set[tuple[str, str]] = set()
    while True:
        total = 0
        waiting: list[str] = []
        for org, hunt in settled.running_hunts.items():
            rows = api.query(vql.FLOW_STATES, org=org)
            failed = [
                row
                for row in rows
                if row["State"] == "ERROR" and (row["Client"], row["Flow"]) not in cancelled
            ]
            if failed:
                raise ServerError(f"org {org}: flow {failed[0]['Flow']} failed", step="life")
            hunted = api.query(vql.HUNT_FLOWS, env={"Hunt": hunt}, org=org)
            members = {client for endpoint, client in enrolled.items() if endpoint.org == org}
            waited = time.monotonic() - began
            if waited > _PASSED_OVER and org not in added:
                added.add(org)
                add_to_hunt(api, org, hunt, members - {row["Client"] for row in hunted})
            if waited > _STUCK and org not in again:
                again.add(org)
                cancelled |= collect_again(api, org, stuck(rows, hunted, _ENDED), say)
            total += len(rows)
            waiting += unfinished(rows, hunted, members, hunt)
        if not waiting:
            return total
        line = f"{max(total - len(waiting), 0)} of {total} flows have ended"
        if line != told:
            say(line)
            told = line
        if time.monotonic() > deadline:
            raise ServerError(
                f"{len(waiting)} of {total} flows did not end within {_FLOW_SECONDS:g} s: "
                f"{', '.join(waiting[:5])}",
                step="life",
                hint="the clients' containers tell more (--keep keeps them)",
            )
        time.sleep(_PAUSE)


def unfinished(
    flows: list[dict[str, Any]], hunted: list[dict[str, Any]], members: set[str], hunt: str
) -> list[str]:
    """What an org's work still waits for, in words: running flows, clients without the hunt.

    ``flows`` are rows of :data:`life_queries.FLOW_STATES`, ``hunted`` of
    :data:`life_queries.HUNT_FLOWS`. A hunt gives all clients the same flow id.
    """
    states = {(row["Client"], row["Flow"]): row["State"] for row in flows}
    running = [
        f"{client} {flow} is {state}"
        for (client, flow), state in states.items()
        if state not in _ENDED
    ]
    named = {row["Client"] for row in hunted if (row["Client"], row["Flow"]) in states}
    return running + [f"{client} has not taken part in {hunt}" for client in members - named]
