"""Ids out of a recovery point, before any of them becomes part of a path or a query."""

import re
from collections.abc import Collection

from recovery.errors import BadInputError
from recovery.vault.manifest import Archive, Manifest

_ORG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
# A server takes any `C.…` without dots, slashes and blanks, and `H.…` without dots (read in its
# source): ids that offline collectors bring along have dashes.
_CLIENT = re.compile(r"C\.[A-Za-z0-9_:@+=-]{1,128}|server")
_FLOW = re.compile(r"F\.[A-Za-z0-9_-]{1,64}(?:\.[A-Za-z0-9_-]{1,64})?")
_HUNT = re.compile(r"H\.[A-Za-z0-9_-]{1,64}")
_HINT = "the point was not made by `recovery capture`; nothing was changed on the machine"


def check_names(manifest: Manifest) -> None:
    """Every id in the manifest; :class:`BadInputError` for one that no server ever makes."""
    orgs = {*manifest.orgs, *(state.org for state in manifest.state)}
    orgs |= {backup.org for backup in manifest.backups}
    orgs |= {archive.org for archive in manifest.archives}
    for org in sorted(orgs):
        if not is_org(org):
            raise BadInputError(f"no id of an org: {org!r}", target=manifest.point, hint=_HINT)
    for archive in manifest.archives:
        if wrong := wrong_archive(archive, orgs):
            raise BadInputError(wrong, target=manifest.point, hint=_HINT)


def is_org(org: str) -> bool:
    """Whether a server may have made this id of an org."""
    return _ORG.fullmatch(org) is not None


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
    if not _CLIENT.fullmatch(client_id):
        return f"no id of a client: {client_id!r}"
    if not _FLOW.fullmatch(flow_id):
        return f"no id of a flow: {flow_id!r}"
    owner = client_id.rpartition("-")[2] if "-" in client_id else ""
    if owner in orgs and owner != org:
        return f"{client_id} is a client of the org {owner}, not of {org}"
    return ""
