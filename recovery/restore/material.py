"""Content of a recovery point that runs code: its artifacts, and which are not as they were. Pure.

Whoever makes a recovery point decides what every endpoint will run. So a person sees, before
it comes back, what has changed, and which monitoring talks to strangers (:mod:`.outgoing`).
"""

import difflib
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from recovery.restore.state_files import org_and_path
from recovery.velociraptor.backup_file import artifacts_of
from recovery.velociraptor.state_tar import deciding_files
from recovery.velociraptor.stored_names import artifact_name

Definitions = Mapping[tuple[str, str], str]
"""(org, artifact) → its YAML."""


@dataclass(frozen=True)
class ArtifactChange:
    """One custom artifact against the point before; ``diff`` are the lines of a unified diff."""

    org: str
    name: str
    change: Literal["new", "changed", "removed"]
    diff: tuple[str, ...]

    @property
    def words(self) -> str:
        """The change as a person reads it, with its size."""
        more = sum(line.startswith("+") for line in self.diff)
        less = sum(line.startswith("-") for line in self.diff)
        return f"{self.change}: {self.name} in {self.org} (+{more} -{less} lines)"


def definitions_in_state(state: Path) -> dict[tuple[str, str], str]:
    """The custom artifacts in one org's state tar."""
    return by_name(
        (org, artifact_name(inside.removeprefix(_FOLDER)), text)
        for org, inside, text in _texts(state)
    )


_FOLDER = "artifact_definitions/"


def _texts(state: Path) -> Iterator[tuple[str, str, str]]:
    """(org, path inside it, text) of the definitions in a state tar."""
    for file in deciding_files(state):
        org, inside = org_and_path(file.path)
        if inside.startswith(_FOLDER):
            yield org, inside, file.read().decode("utf-8", "replace")


def definitions_in_backup(backup: Path, org: str = "root") -> dict[tuple[str, str], str]:
    """One org's custom artifacts in a backup that holds it."""
    with zipfile.ZipFile(backup) as archive:
        return by_name((org, name, text) for name, text, _ in artifacts_of(archive, org))


def by_name(found: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str], str]:
    """Of two files under one name a server reads both: neither may hide the other."""
    texts: dict[tuple[str, str], str] = {}
    for org, name, text in found:
        before = texts.get((org, name))
        texts[org, name] = text if before is None else f"{before}\n---\n{text}"
    return texts


def changed_artifacts(now: Definitions, before: Definitions) -> list[ArtifactChange]:
    """Every artifact that isn't as it was, new ones first."""
    found = []
    for org, name in {**now, **before}:
        text, old = now.get((org, name)), before.get((org, name))
        if text == old:
            continue
        change: Literal["new", "changed", "removed"] = (
            "new" if old is None else "removed" if text is None else "changed"
        )
        lines = difflib.unified_diff(
            (old or "").splitlines(), (text or "").splitlines(), lineterm="", n=2
        )
        found.append(ArtifactChange(org, name, change, tuple(list(lines)[2:])))
    order = ["new", "changed", "removed"]
    return sorted(found, key=lambda item: (order.index(item.change), item.org, item.name))
