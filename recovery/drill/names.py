"""What a drill's things are called, so that drills side by side never meet."""

import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

from recovery.drill.places import runs_folder
from recovery.infra.docker_engine import LABEL

RUN_LABEL = f"{LABEL}.run"
HOST_LABEL = f"{LABEL}.host"
LOCK_LABEL = f"{LABEL}.lock"
ROOT_CLIENTS = 3
ORG_CLIENTS = 2


@dataclass(frozen=True)
class Run:
    """One drill. ``ident``: six hex digits, in every name and label of it."""

    ident: str

    @property
    def prefix(self) -> str:
        return f"drill-{self.ident}"

    @property
    def zone(self) -> str:
        """A zone below ``.test``, which no public name server answers for (RFC 6761)."""
        return f"{self.prefix}.test"

    @property
    def server_name(self) -> str:
        return f"velociraptor.{self.zone}"

    @property
    def key_name(self) -> str:
        return f"update.{self.zone}"

    @property
    def folder(self) -> Path:
        """Keys, packages, vault and stack of the run; 0700, removed with the run."""
        return runs_folder() / self.ident

    @property
    def lock(self) -> Path:
        """Held by the drill's process; whoever cleans up looks at it, under whatever user."""
        return self.folder / "running"

    def container(self, role: str) -> str:
        return f"{self.prefix}-{role}"

    def labels(self, role: str) -> dict[str, str]:
        """On everything that the drill makes: by these `recovery clean` finds what a crash left."""
        return {
            LABEL: role,
            RUN_LABEL: self.ident,
            HOST_LABEL: socket.gethostname(),
            LOCK_LABEL: str(self.lock),
        }


def new_run() -> Run:
    """A run under a name that no other has; it begins with a letter, so nobody reads a number."""
    return Run(secrets.choice("abcdef") + secrets.token_hex(3)[1:])
