"""Folders of the datastore: every one made is its owner's alone, those above it too."""

from __future__ import annotations

from pathlib import Path

_PRIVATE = 0o700


def make(folder: Path) -> None:
    """Makes the folder and what is missing above it, unless it is there. Raises OSError."""
    if folder.is_dir():
        return
    make(folder.parent)
    folder.mkdir(_PRIVATE, exist_ok=True)
