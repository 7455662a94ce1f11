"""What a folder of old material holds, sorted by kind."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from recovery.capture.check_zip import ZipContent
from recovery.capture.look_inside import Inside
from recovery.velociraptor.config import ServerConfig


@dataclass(frozen=True)
class FoundBackup:
    """A backup: the orgs it holds, when it was made, as well as can be told."""

    path: Path
    orgs: tuple[str, ...]
    made_at: datetime

    @property
    def org(self) -> str:
        return "root" if "root" in self.orgs else self.orgs[0]


@dataclass(frozen=True)
class FoundFlow:
    """A flow's export: what its own context says."""

    path: Path
    context: Mapping[str, Any]
    hostname: str
    content: ZipContent
    uploads: tuple[Mapping[str, Any], ...]
    org: str
    told: bool = True
    """Whether anything tells the org: of a collection on the server its folder, or an index."""


@dataclass(frozen=True)
class FoundHunt:
    """A hunt's export, with the contexts of its flows."""

    path: Path
    info: Mapping[str, Any]
    members: tuple[Mapping[str, Any], ...]
    content: ZipContent
    folder_org: str = ""
    """The org whose folder of a datastore it lay in, or that an index of exports names."""


@dataclass(frozen=True)
class FoundClient:
    """A client's config: the nonce of its org, and the CA of its deployment (PEM)."""

    path: Path
    nonce: str
    ca: str


@dataclass
class Found:
    """Everything that was in the folder. ``left``: file → why it is of no use."""

    packages: list[Inside] = field(default_factory=list)
    configs: list[tuple[Path, ServerConfig]] = field(default_factory=list)
    nonces: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    clients: list[FoundClient] = field(default_factory=list)
    backups: list[FoundBackup] = field(default_factory=list)
    flows: list[FoundFlow] = field(default_factory=list)
    hunts: list[FoundHunt] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
