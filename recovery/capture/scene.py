"""What every part of a capture works with: the server, the vault, and what went missing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from recovery.capture.options import CaptureOptions
from recovery.target import Target
from recovery.vault.store import Vault
from recovery.velociraptor.api import Api
from recovery.velociraptor.config import ServerConfig

Say = Callable[[str], None]


@dataclass(kw_only=True)
class Scene:
    """A server that is read. ``orgs``: ids, the root org first; ``gaps``: what is missing."""

    target: Target
    api: Api
    config: ServerConfig
    options: CaptureOptions
    orgs: list[str]
    say: Say
    gaps: list[str] = field(default_factory=list)
    ahead: timedelta = timedelta(0)
    """How far the server's clock is ahead of this machine's."""

    @property
    def datastore(self) -> str:
        return self.config.datastore

    @property
    def files(self) -> str:
        return self.config.files

    def wants(self, part: str) -> bool:
        """Whether the strategy holds ``part``."""
        return part in self.options.strategy

    def gap(self, text: str) -> None:
        """Notes what could not be captured, and says so at once."""
        # A name on a disk may be any bytes; a manifest is text.
        text = text.encode("utf-8", "replace").decode()
        self.gaps.append(text)
        self.say(f"not captured: {text}")


@dataclass(kw_only=True)
class CaptureScene(Scene):
    """One capture under way, of the recovery point ``point`` into ``vault``."""

    vault: Vault
    point: str
