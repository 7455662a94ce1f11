"""What an operator wants back, where not everything: orgs, kinds of things, names, times.

Pure decisions, asked by every step and by the comparison, so that what was left out by choice
is never restored by one step, nor called lost by another.
"""

import fnmatch
import re
from datetime import datetime
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

from recovery.restore.state_files import org_and_path
from recovery.vault.manifest import Archive
from recovery.velociraptor.api import ROOT
from recovery.velociraptor.stored_names import artifact_name, same_user, shortened

Provider = Literal[
    "users",
    "clients",
    "artifacts",
    "hunts",
    "notebooks",
    "monitoring",
    "metadata",
    "secrets",
    "tools",
    "flows",
]
PROVIDERS: tuple[Provider, ...] = get_args(Provider)
VELOCIRAPTORS_NAMES: dict[str, Provider] = {
    "acl": "users",
    "clientinfo": "clients",
    "repository": "artifacts",
    "hunt": "hunts",
    "notebook": "notebooks",
}
"""How ``backup_restore(providers=…)`` calls them (facts: backup() and backup_restore())."""

_FOLDERS: tuple[tuple[re.Pattern[str], Provider], ...] = (
    (re.compile(r"(?:acl|users)/"), "users"),
    (re.compile(r"config/(?:client|server)_monitoring"), "monitoring"),
    (re.compile(r"config/secrets/"), "secrets"),
    (re.compile(r"config/inventory|public/"), "tools"),
    (re.compile(r"config/repository_metadata|artifact_definitions/"), "artifacts"),
    (re.compile(r"clients/server/"), "metadata"),
    (re.compile(r"hunts/|hunt_index/"), "hunts"),
    (re.compile(r"notebooks/|notebook_index/"), "notebooks"),
    (re.compile(r"clients/|client_info/"), "clients"),
)
_HUNT_FILE = re.compile(r"hunts/(H\.[A-Za-z0-9_-]+)")
_HUNT_FLOW = re.compile(r"F\.([A-Za-z0-9_-]+)\.H")


class Choice(BaseModel):
    """Empty fields choose everything. Names of users, artifacts and hunts may have wildcards."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    orgs: list[str] = []
    providers: list[Provider] = []
    users: list[str] = []
    artifacts: list[str] = []
    hunts: list[str] = []
    flows_since: datetime | None = None
    flows_until: datetime | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return self == Choice()

    def org(self, org: str) -> bool:
        """Whether ``org`` comes back. The root org always does: it holds users and orgs."""
        return not self.orgs or org == ROOT or org in self.orgs

    def provider(self, name: Provider) -> bool:
        """Whether this kind of thing comes back."""
        return not self.providers or name in self.providers

    def user(self, name: str) -> bool:
        """``name`` as a file or a record has it; the operator gives a long one in full."""
        patterns = [same_user(pattern) for pattern in self.users]
        patterns += [shortened(pattern) for pattern in self.users]
        return self.provider("users") and _named(same_user(name), patterns)

    def artifact(self, name: str) -> bool:
        return self.provider("artifacts") and _named(name, self.artifacts)

    def hunt(self, ident: str) -> bool:
        return self.provider("hunts") and _named(ident, self.hunts)

    def flow(self, flow_id: str, active_at: datetime | None) -> bool:
        """By time, and by its hunt where only hunts, or only some, were asked for.

        A flow whose time nobody knows comes back: better one too many than one lost.
        """
        if active_at is not None:
            if self.flows_since and active_at < self.flows_since:
                return False
            if self.flows_until and active_at > self.flows_until:
                return False
        of_hunt = _HUNT_FLOW.fullmatch(flow_id)
        if of_hunt and self.hunts:
            return self.hunt(f"H.{of_hunt[1]}")
        return self.provider("flows") or bool(of_hunt and self.hunt(f"H.{of_hunt[1]}"))

    def archive(self, archive: Archive) -> bool:
        """Whether a collection archive is read: a hunt's also for its flows alone."""
        if not self.org(archive.org):
            return False
        if archive.kind == "hunt":
            flow = f"F.{archive.hunt_id.removeprefix('H.')}.H"
            return self.hunt(archive.hunt_id) or self.flow(flow, None)
        return self.flow(archive.flow_id, archive.active_at)

    def file(self, path: str) -> bool:
        """Whether a file of the state (path below the datastore) is placed."""
        org, inside = org_and_path(path)
        if not inside or not self.org(org):
            return self.org(org) and not inside
        kind = next((kind for folder, kind in _FOLDERS if folder.match(inside)), None)
        if kind is None:
            return True
        if not self.provider(kind):
            return False
        if kind == "hunts" and (hunt := _HUNT_FILE.match(inside)):
            return self.hunt(hunt[1])
        if kind == "artifacts" and inside.startswith("artifact_definitions/"):
            return self.artifact(artifact_name(inside.removeprefix("artifact_definitions/")))
        return True


def _named(name: str, patterns: list[str]) -> bool:
    """A name with signs of its own that could be wildcards is chosen by itself too."""
    return not patterns or any(
        name == pattern or fnmatch.fnmatchcase(name, pattern) for pattern in patterns
    )
