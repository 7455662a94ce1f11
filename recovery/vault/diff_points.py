"""What changed between two recovery points, by name: users, roles, artifacts, hunts.

The inventories tell that something changed; where the state of both can be opened, the
roles and artifacts are shown before and after.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from recovery.errors import VaultError
from recovery.vault.manifest import Manifest
from recovery.vault.store import Vault
from recovery.velociraptor.inventory import ITEMS, in_full, whole_names
from recovery.velociraptor.records import json_record
from recovery.velociraptor.state_tar import deciding_files
from recovery.velociraptor.stored_names import JSON, stored_name

_ROOT = "root"
QUIET = ("flows", "uploads", "hunt_results")
"""Items that grow by daily work: counted, not listed."""


@dataclass(frozen=True)
class Change:
    """One difference. ``how`` is ``added``, ``removed`` or ``changed``; ``detail`` shows both."""

    org: str
    item: str
    key: str
    how: str
    detail: str = ""


def diff_points(old: Manifest, new: Manifest) -> list[Change]:
    """Every key of every item that isn't the same in both, orgs and items in a fixed order.

    Users are called by their whole names.
    """
    names = whole_names(old.inventory, new.inventory)
    had, has = in_full(old.inventory, names).orgs, in_full(new.inventory, names).orgs
    changes = [Change(org, "orgs", org, "added") for org in new.orgs if org not in old.orgs]
    changes += [Change(org, "orgs", org, "removed") for org in old.orgs if org not in new.orgs]
    for org in [org for org in new.orgs if org in old.orgs]:
        before, after = had[org], has[org]
        for item in ITEMS:
            was, now = before.get(item, {}), after.get(item, {})
            for key in sorted(was.keys() | now.keys()):
                if was.get(key) != now.get(key):
                    how = "changed" if key in was and key in now else _one_sided(key in now)
                    changes.append(Change(org, item, key, how))
    return [*changes, *_files(old, new)]


def _files(old: Manifest, new: Manifest) -> list[Change]:
    """What no inventory counts: package, config, and the files that the config names."""
    found = []
    if old.package.file.sha256 != new.package.file.sha256:
        detail = f"{old.package.version} → {new.package.version}"
        found.append(Change(_ROOT, "package", new.package.file.name, "changed", detail))
    if old.config.sha256 != new.config.sha256:
        found.append(Change(_ROOT, "config", new.config.name, "changed"))
    was = old.named.digests if old.named else {}
    now = new.named.digests if new.named else {}
    for path in sorted(was.keys() | now.keys()):
        if was.get(path) != now.get(path):
            how = "changed" if path in was and path in now else _one_sided(path in now)
            found.append(Change(_ROOT, "named_files", path, how))
    return found


def _one_sided(is_new: bool) -> str:
    return "added" if is_new else "removed"


def quiet_counts(changes: list[Change]) -> dict[str, int]:
    """The number of changes of each item that is only counted."""
    return {
        item: sum(change.item == item for change in changes)
        for item in QUIET
        if any(change.item == item for change in changes)
    }


def add_roles(vault: Vault, old: Manifest, new: Manifest, changes: list[Change]) -> list[Change]:
    """The changes of ``acls`` with the policies before and after, where the state can be opened."""
    wanted = {change.org for change in changes if change.item == "acls"}
    if not wanted:
        return changes
    names = whole_names(old.inventory, new.inventory)
    try:
        before = {org: _policies(vault, old, org, names) for org in wanted}
        after = {org: _policies(vault, new, org, names) for org in wanted}
    except VaultError:
        return changes
    return [
        Change(
            change.org,
            change.item,
            change.key,
            change.how,
            f"{before[change.org].get(change.key, '-')} → {after[change.org].get(change.key, '-')}",
        )
        if change.item == "acls"
        else change
        for change in changes
    ]


def _policies(
    vault: Vault, manifest: Manifest, org: str, names: Mapping[str, str]
) -> dict[str, str]:
    """User → roles and permissions, from the org's state."""
    found: dict[str, str] = {}
    for state in (state for state in manifest.state if state.org == org):
        with tempfile.TemporaryDirectory(prefix="recovery-diff-") as folder:
            file = vault.fetch(state.tar, Path(folder) / "state.tar")
            for one in deciding_files(file, state.tar.name):
                inside, _, name = one.path.rpartition("/")
                if inside.rpartition("/")[2] == "acl":
                    user = stored_name(name, JSON)
                    found[names.get(user, user)] = _words(one.read())
    return found


def _words(record: bytes) -> str:
    try:
        policy = json_record(record)
        roles = [str(role) for role in policy.get("roles") or []]
    except (ValueError, TypeError):
        return "unreadable"
    granted = [name for name, value in policy.items() if value is True]
    return ", ".join([*roles, *granted]) or "none"
