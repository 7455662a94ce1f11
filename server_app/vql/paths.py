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
    text is then the pathspec in JSON, as messages show it. `base` is of paths
    that exports give: they have no other name than this, which lacks `.zip` for
    hunts (facts: Exports and imports), and only as text can they be opened.
    """

    parts: tuple[str, ...]
    accessor: str = "file"
    delegate: tuple[str, str] | None = None
    base: str = ""

    @property
    def path(self) -> str:
        return "/" + "/".join(self.parts)

    def __str__(self) -> str:
        if self.delegate is not None:
            return json.dumps(self.spec(), separators=(",", ":"))
        if self.accessor in ("fs", "ds"):
            return f"{self.accessor}:{self.path if self.parts else ''}"
        if self.accessor == "zip" and not self.parts:
            return ""
        return self.parts[0] if self.accessor == "data" and self.parts else self.path

    def __add__(self, more: object) -> OSPath:
        extra = more.parts if isinstance(more, OSPath) else split(str(more))
        return replace(self, parts=self.parts + extra)

    def member(self, name: str) -> Any:
        """A property by name (`OSPath.Basename`), None where there is none."""
        read = (_OF_EXPORTS if self.base else _PROPERTIES).get(name)
        return read(self) if read else None

    def spec(self) -> dict[str, str]:
        """How it is spelled out: what it lies in, and where there."""
        if self.accessor in ("fs", "ds") and self.delegate is None:
            outer = f"{self.accessor}:"
            return {
                "DelegateAccessor": self.accessor,
                "DelegatePath": outer,
                "Path": "/".join(self.parts),
            }
        outer, accessor = self.delegate or ("", "")
        given = {"DelegateAccessor": accessor, "DelegatePath": outer}
        return {k: v for k, v in given.items() if v not in ("", "auto")} | {"Path": self.path}


_PROPERTIES: dict[str, Callable[[OSPath], Any]] = {
    "Basename": lambda path: path.parts[-1] if path.parts else "",
    "Dirname": lambda path: replace(path, parts=path.parts[:-1]),
    "Components": lambda path: list(path.parts),
    "String": str,
    "PathSpec": lambda path: path.spec(),
    "Path": lambda path: path.spec()["Path"],
    "DelegatePath": lambda path: path.spec().get("DelegatePath", ""),
    "DelegateAccessor": lambda path: path.spec().get("DelegateAccessor", ""),
}
_OF_EXPORTS: dict[str, Callable[[OSPath], Any]] = {
    "Base": lambda path: path.base,
    "Components": lambda path: list(path.parts),
    "String": str,
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
