"""Artifact definitions in folders or zips that the config names: read at the start, never changed.

They count as built in, but not as brought along (seen on a real server): no backup holds them,
nothing overrides them, and a server doesn't start where a folder is missing. A file that is no
definition is passed over.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server_app.services.artifacts import Definition, parse
from server_app.services.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDINGS = (".yaml", ".yml")


def read_disk_artifacts(config: dict[str, Any]) -> dict[str, Definition]:
    """Name → definition. Raises ServiceError when a place isn't there, or is no folder or zip."""
    places = [(config.get("Frontend") or {}).get("artifact_definitions_directory")]
    places += (config.get("defaults") or {}).get("artifact_definitions_directories") or []
    found: dict[str, Definition] = {}
    for place in places:
        for text in _texts(Path(place)) if place else ():
            try:
                definition = parse(text, built_in=True, compiled_in=False)
            except ServiceError:
                continue
            found[definition.name] = definition
    return found


def _texts(place: Path) -> Iterator[str]:
    try:
        if not place.is_symlink() and place.is_dir():
            for folder, _, names in os.walk(place):
                for name in sorted(names):
                    if name.endswith(_ENDINGS):
                        yield Path(folder, name).read_text("utf-8", "replace")
            return
        with zipfile.ZipFile(place) as packed:
            for name in packed.namelist():
                if name.endswith(_ENDINGS):
                    yield packed.read(name).decode("utf-8", "replace")
    except OSError as error:
        why = (error.strerror or "").lower()
        raise ServiceError(f"starting frontend: lstat {place}: {why}") from error
    except zipfile.BadZipFile as error:
        raise ServiceError(
            f"starting frontend: artifact definition location {place} should be a directory or a "
            f"zip file: {error}"
        ) from error
