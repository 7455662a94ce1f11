"""Ids out of a recovery point, before any of them becomes part of a path or a query."""

import re
from collections.abc import Collection

from recovery.errors import BadInputError
from recovery.vault.manifest import Archive, Manifest
from recovery.velociraptor.api import ROOT
from recovery.velociraptor.served_files import is_served

# A server takes any text, unescaped, as a folder's name (read in its source). Whoever made these
# could have meant an org: no signs of paths, none that end the name otherwise than it was given.
_ORG = re.compile(r"(?=.{1,64}$)[^\W_](?:[\w.@+ -]*[\w@+-])?(?<!\.db)(?<!_)")
# A server takes any `C.…` without dots, slashes and blanks, and `H.…` without dots (read in its
# source): ids that offline collectors bring along have dashes.
_CLIENT = re.compile(r"C\.[A-Za-z0-9_:@+=-]{1,128}|server")
_OF_ORG = re.compile(r"C\.[0-9a-f]+-(?P<org>.+)")
_FLOW = re.compile(r"F\.[A-Za-z0-9_-]{1,64}(?:\.[A-Za-z0-9_-]{1,64})?")
_HUNT = re.compile(r"H\.[A-Za-z0-9_-]{1,64}")
WRONG_ORG = (
    "its id is none that a server keeps: up to 64 letters, digits and inner . - _ @ + or blanks"
)
_HINT = "the point was not made by `recovery capture`; nothing was changed on the machine"


def check_names(manifest: Manifest) -> None:
    """Every id in the manifest; :class:`BadInputError` for one that no server ever makes."""
    orgs = {*manifest.orgs, *(state.org for state in manifest.state)}
    orgs |= {backup.org for backup in manifest.backups}
    orgs |= {archive.org for archive in manifest.archives}
    for org in sorted(orgs):
        if not is_org(org):
            raise BadInputError(f"no id of an org: {org!r}", target=manifest.point, hint=_HINT)
    for served in manifest.served:
        if not is_served(served.path):
            raise BadInputError(
                f"no path of a file for endpoints: {served.path!r}",
                target=manifest.point,
                hint=_HINT,
            )
    for archive in manifest.archives:
        if wrong := wrong_archive(archive, orgs):
            raise BadInputError(wrong, target=manifest.point, hint=_HINT)


def org_of_client(client_id: str) -> str:
    """The org in a client's id (facts: ``C.xxxx-<ORGID>``), ``root`` without one.

    A server cuts at the first dash (read in its source): an org's own id may have more of them.
    """
    match = _OF_ORG.fullmatch(client_id)
    return match["org"] if match else ROOT


def is_org(org: str) -> bool:
    """Whether a server may have made this id of an org."""
    return _ORG.fullmatch(org) is not None


def is_client(client_id: str) -> bool:
    """Whether a server may have made this id of a client, itself (``server``) among them."""
    of_org = _OF_ORG.fullmatch(client_id)
    return bool(_CLIENT.fullmatch(client_id) or (of_org and is_org(of_org["org"])))


def is_hunt(ident: str) -> bool:
    """Whether a server may have made this id of a hunt."""
    return _HUNT.fullmatch(ident) is not None


def wrong_archive(archive: Archive, orgs: Collection[str]) -> str:
    """What is wrong with the ids that a manifest gives an archive; empty when nothing is."""
    if archive.kind == "hunt":
        return "" if is_hunt(archive.hunt_id) else f"no id of a hunt: {archive.hunt_id!r}"
    return wrong_flow(archive.org, archive.client_id, archive.flow_id, orgs)


def wrong_flow(org: str, client_id: str, flow_id: str, orgs: Collection[str]) -> str:
    """What is wrong with a flow's ids; empty when nothing is.

    A client of another org carries that org's id at its end (facts: Server and clients);
    ``orgs`` are all of the point.
    """
    if not is_client(client_id):
        return f"no id of a client: {client_id!r}"
    if not _FLOW.fullmatch(flow_id):
        return f"no id of a flow: {flow_id!r}"
    owner = org_of_client(client_id)
    if owner != ROOT and owner in orgs and owner != org:
        return f"{client_id} is a client of the org {owner}, not of {org}"
    return ""
