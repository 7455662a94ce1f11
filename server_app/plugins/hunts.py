"""Hunts: list, start, change, results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from server_app.services.errors import denied
from server_app.vql.builtin.moments import moment
from server_app.vql.call import CallError
from server_app.vql.registry import Call, function, optional, plugin, required

Arguments = dict[str, Any]
Rows = Iterator[dict[str, Any]]


@plugin(
    "hunts",
    {"hunt_id": optional("string", ""), "summary": optional("bool", False)},
    permission="READ_RESULTS",
    needs_server=True,
)
def hunts(call: Call, arguments: Arguments) -> Rows:
    """Summaries of all hunts, or the full one (facts: the request is only in the full one)."""
    yield from call.org.hunts.list(arguments["hunt_id"], arguments["summary"])


@function(
    "hunt_info", {"hunt_id": optional("string", "")}, permission="READ_RESULTS", needs_server=True
)
def hunt_info(call: Call, arguments: Arguments) -> dict[str, Any] | None:
    """The full hunt; NULL without a word for one that isn't there."""
    return next(call.org.hunts.list(arguments["hunt_id"] or "none"), None)


@function(
    "hunt",
    {
        "artifacts": required("strings"),
        "description": optional("string", ""),
        "tags": optional("strings", []),
        "expires": optional("lazy"),
        "spec": optional("any", {}),
        "timeout": optional("int", 0),
        "ops_per_sec": optional("float", 0),
        "cpu_limit": optional("float", 0),
        "iops_limit": optional("float", 0),
        "max_rows": optional("int", 0),
        "max_bytes": optional("int", 0),
        "pause": optional("bool", False),
        "include_labels": optional("strings", []),
        "exclude_labels": optional("strings", []),
        "os": optional("string", ""),
        "org_id": optional("strings", []),
    },
    permission="START_HUNT",
    needs_server=True,
    changes=True,
)
def hunt(call: Call, arguments: Arguments) -> dict[str, Any]:
    """Starts a hunt; `expires` is any time, 0 or none for the server's default."""
    given = dict(arguments)
    expires = given.pop("expires")
    given["ops_per_second"] = given.pop("ops_per_sec")
    given["org_ids"] = given.pop("org_id")
    if not isinstance(given["spec"], dict):
        given["spec"] = {}
    if given["os"] and given["include_labels"]:
        call.fail("Both OS and label conditions set, ignoring include label conditions")
    if given["org_ids"] and not call.run.allows("ORG_ADMIN"):
        raise CallError(denied("ORG_ADMIN"))
    at = _seconds(call, expires) if expires is not None else None
    return dict(call.org.hunts.create(expires=at, principal=call.principal, **given))


def _seconds(call: Call, expires: Callable[[], Any]) -> float | int | None:
    """Seconds since 1970, whole where given whole; of NULL it is only said that it is no time."""
    value = expires()
    if value is None:
        call.fail("expiry time invalid: Invalid time")
    if isinstance(value, int) and 0 < value < 10**11:
        return value
    if value is None or value == 0:
        return None
    at = moment(value)
    if at is None and isinstance(value, str):
        raise CallError(f'expiry time invalid: Could not find format for "{value}"')
    if at is None:
        raise CallError("expiry time invalid: Invalid time")
    return at.seconds


@function(
    "hunt_update",
    {
        "hunt_id": required("string"),
        "stop": optional("bool", False),
        "start": optional("bool", False),
        "description": optional("string", ""),
        "expires": optional("any"),
        "add_labels": optional("strings", []),
        "del_labels": optional("strings", []),
    },
    permission="START_HUNT",
    needs_server=True,
    changes=True,
)
def hunt_update(call: Call, arguments: Arguments) -> Any:
    """Changes a hunt; gives its id, or its tags where they changed."""
    at = moment(arguments["expires"])
    given = {**arguments, "expires": at.seconds if at is not None else None}
    return call.org.hunts.update(principal=call.principal, **given)


@function(
    "hunt_add",
    {
        "client_id": required("string"),
        "hunt_id": required("string"),
        "flow_id": optional("string", ""),
        "relaunch": optional("bool", False),
    },
    permission="START_HUNT",
    needs_server=True,
    changes=True,
)
def hunt_add(call: Call, arguments: Arguments) -> str:
    """Gives the client's id, also for a hunt or client that isn't there."""
    hunts, clients = call.org.hunts, call.org.clients
    known = hunts.get(arguments["hunt_id"], request=False) is not None
    if known and clients.record(arguments["client_id"]) is not None:
        hunts.add(**arguments)
    return str(arguments["client_id"])


@plugin(
    "hunt_delete",
    {
        "hunt_id": required("string"),
        "really_do_it": optional("bool", False),
        "workers": optional("int", 0),
        "archive": optional("bool", False),
    },
    permission="SERVER_ADMIN",
    needs_server=True,
)
def hunt_delete(call: Call, arguments: Arguments) -> Rows:
    gone = call.org.hunts.delete(arguments["hunt_id"], arguments["really_do_it"], call.principal)
    if not arguments["archive"]:  # asks for something that is no longer done
        yield from gone


@plugin(
    "hunt_flows",
    {
        "hunt_id": required("string"),
        "start_row": optional("int", 0),
        "limit": optional("int", 0),
        "basic_info": optional("bool", False),
    },
    permission="READ_RESULTS",
    needs_server=True,
)
def hunt_flows(call: Call, arguments: Arguments) -> Rows:
    if not arguments["hunt_id"]:
        return
    yield from call.org.hunts.flows(
        arguments["hunt_id"],
        start_row=arguments["start_row"],
        limit=arguments["limit"],
        basic_info=arguments["basic_info"],
    )


@plugin(
    "hunt_results",
    {
        "hunt_id": required("string"),
        "artifact": optional("string", ""),
        "source": optional("string", ""),
        "brief": optional("bool", False),
        "orgs": optional("strings", []),
    },
    permission="READ_RESULTS",
    needs_server=True,
)
def hunt_results(call: Call, arguments: Arguments) -> Rows:
    yield from call.org.hunts.results(
        arguments["hunt_id"],
        arguments["artifact"],
        arguments["source"],
        orgs=arguments["orgs"],
    )
