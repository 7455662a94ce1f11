"""Paths as values of the language: parts, accessor, and what lies inside what."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class OSPath:
    """A path that knows how to be opened.

    `delegate` is the archive (path, accessor) within which `parts` are; the
    text is then the pathspec in JSON, as messages show it. `short_base` marks
    paths whose `Base` lacks the extension (facts: for hunts `Export.Base`
    lacks `.zip`).
    """

    parts: tuple[str, ...]
    accessor: str = "file"
    delegate: tuple[str, str] | None = None
    short_base: bool = False

    @property
    def path(self) -> str:
        return "/" + "/".join(self.parts)

    def __str__(self) -> str:
        if self.delegate is not None:
            spec = {"DelegateAccessor": self.delegate[1], "DelegatePath": self.delegate[0]}
            if spec["DelegateAccessor"] in ("", "auto"):
                del spec["DelegateAccessor"]
            return json.dumps({**spec, "Path": self.path}, separators=(",", ":"))
        if self.accessor in ("fs", "ds"):
            return f"{self.accessor}:{self.path}"
        if self.accessor == "zip" and not self.parts:
            return ""
        return self.parts[0] if self.accessor == "data" and self.parts else self.path

    def __add__(self, more: object) -> OSPath:
        extra = more.parts if isinstance(more, OSPath) else split(str(more))
        return replace(self, parts=self.parts + extra)

    def member(self, name: str) -> Any:
        """A property by name (`OSPath.Basename`), None where there is none."""
        read = _PROPERTIES.get(name)
        return read(self) if read else None

    @property
    def base(self) -> str:
        return self.parts[-1] if self.parts else ""

    def _short(self) -> str:
        return self.base.rpartition(".")[0] if self.short_base and "." in self.base else self.base


_PROPERTIES: dict[str, Callable[[OSPath], Any]] = {
    "Basename": lambda path: path.base,
    "Base": lambda path: path._short(),  # noqa: SLF001 - the class's own table
    "Dirname": lambda path: replace(path, parts=path.parts[:-1]),
    "Components": lambda path: list(path.parts),
    "Path": lambda path: path.path,
    "DelegatePath": lambda path: path.delegate[0] if path.delegate else "",
    "DelegateAccessor": lambda path: path.delegate[1] if path.delegate else "",
    "Accessor": lambda path: path.accessor,
}


def split(text: str) -> tuple[str, ...]:
    """The parts of a path in text; `.` and empty parts go, `..` never leaves the top."""
    parts: list[str] = []
    for part in text.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return tuple(parts)


def parse_path(text: str, accessor: str) -> OSPath:
    """A path from text, as an accessor reads it: `fs:/x`, a pathspec in JSON, `/x`."""
    if accessor == "data":
        return OSPath((text,), "data")
    if accessor in ("fs", "ds"):
        return OSPath(split(text.removeprefix("fs:").removeprefix("ds:")), accessor)
    if text.startswith("{"):
        try:
            spec = json.loads(text)
        except ValueError:
            spec = None
        if isinstance(spec, dict) and spec.get("DelegatePath"):
            return from_spec(spec, accessor)
    return OSPath(split(text), accessor or "file")


def from_spec(spec: dict[str, Any], accessor: str = "zip") -> OSPath:
    """A path inside an archive from `DelegatePath`, `DelegateAccessor`, `Path`."""
    outer = (str(spec.get("DelegatePath") or ""), str(spec.get("DelegateAccessor") or "auto"))
    inner = split(str(spec.get("Path") or ""))
    if not outer[0]:
        return OSPath(inner, accessor)
    return OSPath(inner, accessor, outer)
