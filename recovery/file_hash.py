"""What a file is known by: the SHA-256 of its bytes."""

import hashlib
from pathlib import Path


def sha256_of(path: Path) -> str:
    """Of the file's bytes, hex; memory stays flat. Raises :class:`OSError`."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
