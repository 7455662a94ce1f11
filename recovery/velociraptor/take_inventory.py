"""A server in, its :class:`Inventory` out. Reads only; a dozen calls an org, side by side."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from recovery.errors import ServerError
from recovery.target import Target
from recovery.velociraptor import inventory_entries as entries
from recovery.velociraptor import inventory_queries as ask
from recovery.velociraptor.account_files import AccountFiles, read_account_files
from recovery.velociraptor.api import ROOT, USUAL, Api, Row
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.inventory import ITEMS, Entries, Inventory, digest
from recovery.velociraptor.served_files import Known as KnownFiles
from recovery.velociraptor.served_files import served_entries
from recovery.velociraptor.stored_names import same_user

_AT_ONCE = 4
_FLOWS_AT_ONCE = 5000
"""Named in one statement: far below what a message may hold (4 MiB)."""
_SECONDS = 1800.0
_UNKNOWN_ARTIFACT = "artifact_definitions: artifact "

Items = dict[str, Entries]
Known = Mapping[str, Collection[str]]


def take_inventory(
    api: Api,
    target: Target,
    config: ServerConfig,
    artifacts: Known | None = None,
    flows: Callable[[str], Items] | None = None,
    served: KnownFiles = lambda _file: None,
) -> Inventory:
    """Counts and hashes every item of :data:`ITEMS` in every org.

    With ``artifacts`` (org → names) only those artifacts are looked at, not all that there are.
    ``flows``: counts an org's flows, uploads and hunts' results, for a caller that lists them
    anyway; it is called in several threads. ``served``: which of the files for endpoints need not
    be read.

    Raises :class:`ServerError` when anything could not be read: what was not counted is
    never taken for empty.
    """
    orgs = [row["OrgId"] or ROOT for row in count_rows(api, ask.ORGS, ROOT)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        files = pool.submit(read_account_files, target, config.datastore)
        handed_out = pool.submit(served_entries, target, config.files, served)
        counting = [(org, pool.submit(flows, org)) for org in orgs] if flows else []
        asked = _PARTS if flows else (*_FLOW_PARTS, *_PARTS)
        parts = [(org, pool.submit(part, api, org)) for org in orgs for part in asked] + counting
        for org in orgs:
            names = None if artifacts is None else artifacts.get(org, ())
            parts.append((org, pool.submit(_artifacts, api, org, names)))
        records = [pool.submit(_org, api, org) for org in orgs]
        found: dict[str, Items] = {org: {item: {} for item in ITEMS} for org in orgs}
        for org, part in parts:
            found[org] |= part.result()
        for record in records:
            found[ROOT]["orgs"] |= record.result()
        _leave_out_the_roots_tags(found)
        _add_files(found, files.result())
        found[ROOT]["served_files"] = handed_out.result()
    return Inventory(orgs=found)


def count_rows(
    api: Api,
    vql: str,
    org: str,
    env: dict[str, str] | None = None,
    *,
    passed_over: str = "",
) -> list[Row]:
    """The rows, to be counted: any line in the log but the usual ones means that some are missing.

    ``passed_over``: the beginning of a line that says no more than its row's absence does.
    """
    answer = api.ask(vql, env=env, org=org, timeout=_SECONDS)
    usual = (*USUAL, passed_over) if passed_over else USUAL
    said = [line for line in answer.log if not line.startswith(usual)]
    if said:
        raise ServerError(
            f"org {org}: {'; '.join(said[:5])}",
            step="take the inventory",
            target=vql,
            hint="nothing was changed; the server's log tells more",
        )
    return answer.rows


def _org(api: Api, org: str) -> Entries:
    record = count_rows(api, ask.ORG, org)[0]["Org"]
    return {org: digest([record["name"], record["nonce"]])}


def _clients(api: Api, org: str) -> Items:
    found, labels = entries.clients(count_rows(api, ask.CLIENTS, org))
    return {"clients": found, "labels": labels}


def _client_metadata(api: Api, org: str) -> Items:
    return {"client_metadata": entries.client_metadata(count_rows(api, ask.CLIENT_METADATA, org))}


def _settings(api: Api, org: str) -> Items:
    row = count_rows(api, ask.SETTINGS, org)[0]
    return {
        "server_metadata": entries.server_metadata(row["metadata"]),
        "client_monitoring": entries.client_monitoring(row["client_monitoring"]),
        "server_monitoring": entries.server_monitoring(row["server_monitoring"]),
    }


def _artifacts(api: Api, org: str, names: Collection[str] | None) -> Items:
    if names is None:
        rows = count_rows(api, ask.ARTIFACTS, org)
    elif names:
        env = {"Names": json.dumps(sorted(names))}
        rows = count_rows(api, ask.NAMED_ARTIFACTS, org, env, passed_over=_UNKNOWN_ARTIFACT)
    else:
        rows = []
    own, tags = entries.artifacts(rows)
    return {"artifacts": own, "artifact_tags": tags}


def _hunts(api: Api, org: str) -> Items:
    found, parameters = entries.hunts(count_rows(api, ask.HUNTS, org))
    return {"hunts": found, "hunt_parameters": parameters}


def _hunt_results(api: Api, org: str) -> Items:
    return {"hunt_results": entries.hunt_results(count_rows(api, ask.HUNT_FLOWS, org))}


def _flows(api: Api, org: str) -> Items:
    rows = count_rows(api, ask.FLOWS, org) + count_rows(api, ask.SERVER_FLOWS, org)
    return {"flows": entries.flows(rows), "uploads": count_uploads(api, org, rows)}


def count_uploads(api: Api, org: str, rows: Iterable[Row]) -> Entries:
    """The uploads of the flows in ``rows``."""
    wanted = entries.flows_with_uploads(rows)
    found: Entries = {}
    for place in range(0, len(wanted), _FLOWS_AT_ONCE):
        env = {"Flows": json.dumps(wanted[place : place + _FLOWS_AT_ONCE])}
        found |= entries.uploads(count_rows(api, ask.UPLOADS, org, env))
    return found


def _notebooks(api: Api, org: str) -> Items:
    return {"notebooks": entries.notebooks(count_rows(api, ask.NOTEBOOKS, org))}


def _tools(api: Api, org: str) -> Items:
    return {"tools": entries.tools(count_rows(api, ask.TOOLS, org))}


def _secrets(api: Api, org: str) -> Items:
    return {"secrets": entries.secrets(count_rows(api, ask.SECRETS, org))}


_FLOW_PARTS: tuple[Callable[[Api, str], Items], ...] = (_flows, _hunt_results)
_PARTS: tuple[Callable[[Api, str], Items], ...] = (
    _clients,
    _client_metadata,
    _settings,
    _hunts,
    _notebooks,
    _secrets,
    _tools,
)


def _leave_out_the_roots_tags(found: dict[str, Items]) -> None:
    """Another org answers the root org's tags for an artifact that it has from there."""
    of_root = found[ROOT]["artifact_tags"]
    for org, items in found.items():
        if org != ROOT:
            items["artifact_tags"] = {
                name: tags
                for name, tags in items["artifact_tags"].items()
                if name in items["artifacts"] or of_root.get(name) != tags
            }


def _add_files(found: dict[str, Items], files: AccountFiles) -> None:
    found[ROOT]["users"] = files.users
    found[ROOT]["passwords"] = files.passwords
    found[ROOT]["user_options"] = files.options
    spelt = {same_user(user): user for user in files.users}
    for org, items in found.items():
        items["acls"] = {
            spelt.get(same_user(user), user): policy
            for user, policy in files.acls.get(org, {}).items()
        }
        stored = files.secrets.get(org, {})
        items["secrets"] = {
            key: digest([shared, stored.get(key, "")]) for key, shared in items["secrets"].items()
        }
