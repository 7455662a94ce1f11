"""orgs(), org(), org_create(), org_delete()."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from server_app.vql.registry import Call, function, optional, plugin, required

Arguments = dict[str, Any]


@plugin("orgs", {})
def orgs(call: Call, _arguments: Arguments) -> Iterator[dict[str, Any]]:
    if call.run.org is not None:  # works beside a server's datastore, too
        yield from call.org.orgs.list(call.principal)


@function("org", needs_server=True)
def org(call: Call, _arguments: Arguments) -> dict[str, Any]:
    """The current org's record, nonce included."""
    return dict(call.org.orgs.record(call.org.org_id))


@function(
    "org_create",
    {"name": required("string"), "org_id": optional("string", "")},
    permission="ORG_ADMIN",
    needs_server=True,
    changes=True,
)
def org_create(call: Call, arguments: Arguments) -> dict[str, Any] | None:
    """A new org with a new nonce (facts: that is why the old clients get 403)."""
    if not arguments["name"]:
        call.log("ERROR:org_create: An Org name must be specified")
        return None
    return dict(call.org.orgs.create(arguments["name"], arguments["org_id"]))


@function(
    "org_delete",
    {"org": required("string"), "really_do_it": optional("bool", False)},
    permission="ORG_ADMIN",
    needs_server=True,
    changes=True,
)
def org_delete(call: Call, arguments: Arguments) -> str:
    if arguments["really_do_it"]:
        call.org.orgs.delete(arguments["org"])
    else:
        call.fail(f"Will remove org {arguments['org']}")
    return str(arguments["org"])
