"""What a package is asked for with, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class BuildRequest:
    """What to build a server package from.

    `config` is the file's content, `config_name` what messages call it. `version` None asks the
    binary. `source_date_epoch` None takes the time when the newest certificate of the config
    began: a time that only depends on the input.
    """

    binary: Path
    config: bytes = field(repr=False)
    config_name: str = "server.config.yaml"
    output: Path
    version: str | None = None
    release: str = "1"
    architecture: str | None = None
    compression: str = "zstd"
    source_date_epoch: int | None = None
    allow_expired: bool = False
    now: datetime | None = None


@dataclass(frozen=True)
class BuiltPackage:
    """A package that was written: SHA-256 of the file and fingerprints in hex, `size` in bytes."""

    path: Path
    sha256: str
    size: int
    version: str
    architecture: str
    config_fingerprint: str
    deployment_fingerprint: str
    warnings: tuple[str, ...]
