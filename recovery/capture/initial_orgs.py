"""Orgs that a server's config makes at its very first start: ``GUI.initial_orgs``, as it is there.

A config out of a folder is foreign input: an id becomes part of a record's path.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recovery.capture.adopt_files import is_nonce
from recovery.vault.check_names import is_org
from recovery.velociraptor.api import ROOT

_WHERE = "GUI.initial_orgs"


@dataclass
class InitialOrgs:
    """Org → nonce, org → name, and what can't be used: entry → why."""

    nonces: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)


def initial_orgs(values: Mapping[str, Any]) -> InitialOrgs:
    """The orgs in a config's ``values``. Pure. The root org has its nonce elsewhere."""
    gui = values.get("GUI")
    listed = gui.get("initial_orgs") if isinstance(gui, dict) else None
    found = InitialOrgs()
    if listed and not isinstance(listed, list):
        found.left[_WHERE] = "no list of orgs"
        return found
    for number, entry in enumerate(listed or [], 1):
        if why := _add(entry, found):
            found.left[f"{_WHERE}, entry {number}"] = why
    return found


def _add(entry: object, found: InitialOrgs) -> str:
    """Why the entry can't be used, or an empty text. Without an id a server makes up one."""
    if not isinstance(entry, dict):
        return "no org"
    org, nonce, name = entry.get("org_id"), entry.get("nonce"), entry.get("name")
    if not org or org == ROOT:
        return ""
    if not isinstance(org, str) or not is_org(org):
        return f"no id of an org: {org!r:.80}"
    if name and isinstance(name, str):
        found.names[org] = name
    if not nonce:
        return ""
    if not is_nonce(nonce):
        return f"{org}: what it has is no nonce"
    found.nonces[org] = str(nonce)
    return ""
