"""Artifact definitions of an org: the ones brought along, the custom ones, those of the root org.

Custom ones lie in ``artifact_definitions/<Name with folders for dots>.yaml``, their tags in
``config/repository_metadata.json.db``. What a backup brings back is in memory only and without
tags (facts: "what restoring really does", Repository).
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from server_app.datastore import records
from server_app.services.builtin_artifacts import BUILT_IN
from server_app.services.errors import ServiceError
from server_app.vql.text import as_text

if TYPE_CHECKING:
    from pathlib import Path

    from server_app.services.org import OrgServices

Rows = list[dict[str, Any]]
Definitions = list["Definition"]
Strings = list[str]

_BETWEEN_WRITES = 1.0
_NAME = re.compile(r"[A-Za-z0-9_.]+")
_TYPES = frozenset({"client", "client_event", "server", "server_event", "notebook", "internal", ""})
_RESOURCES = dict.fromkeys(
    (
        "timeout", "ops_per_second", "cpu_limit", "iops_limit", "max_rows", "max_upload_bytes",
        "max_batch_wait", "max_batch_rows", "max_batch_rows_buffer",
    ),
    0,
)  # fmt: skip
_LISTS = (
    "reference", "references", "required_permissions", "implied_permissions", "tools", "imports",
    "reports", "column_types",
)  # fmt: skip


@dataclass(frozen=True)
class Definition:
    """One artifact: its YAML and what was read from it."""

    name: str
    raw: str
    body: dict[str, Any] = field(repr=False)
    built_in: bool = False
    inherited: bool = False
    compiled_in: bool = False

    @property
    def type(self) -> str:
        return str(self.body.get("type") or "client").lower()

    @property
    def parameters(self) -> Rows:
        return [p for p in self.body.get("parameters") or [] if isinstance(p, dict)]

    @property
    def sources(self) -> Rows:
        return [s for s in self.body.get("sources") or [] if isinstance(s, dict)]

    def source_names(self) -> Strings:
        """Full names of the sources: ``Artifact`` or ``Artifact/Source``."""
        return [
            f"{self.name}/{source['name']}" if source.get("name") else self.name
            for source in self.sources
        ]


KEYS = frozenset(
    [
        "name",
        "aliases",
        "description",
        "author",
        "reference",
        "references",
        "required_permissions",
        "implied_permissions",
        "impersonate",
        "resources",
        "tools",
        "precondition",
        "parameters",
        "type",
        "sources",
        "imports",
        "export",
        "reports",
        "column_types",
        "metadata",
    ]
)


def parse(text: str, *, built_in: bool = False, compiled_in: bool = False) -> Definition:
    """Reads a definition. Raises ServiceError if it is none; what is wrong, then the text."""
    try:
        body = yaml.safe_load(text) if text.strip() else {}
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        raise ServiceError(
            f"yaml: line {line}: did not find expected node content: {text}"
        ) from error
    if not isinstance(body, dict):
        raise ServiceError(f"yaml: unmarshal errors: {text}")
    if unknown := [key for key in body if key not in KEYS]:
        faults = "".join(
            f"\n  line {_line_of(key, text)}: field {key} not found in type proto.Artifact"
            for key in unknown
        )
        raise ServiceError(f"yaml: unmarshal errors:{faults}: {text}")
    name = as_text(body.get("name") or "")
    if not _NAME.fullmatch(name):
        raise ServiceError(
            f"Invalid artifact name. Can only contain characters in this set 'a-zA-Z0-9_.': {text}"
        )
    if any(part[:1].isdigit() for part in name.split(".")):
        raise ServiceError(
            f"Invalid artifact name. Name parts can not start with a number': {text}"
        )
    for part in ("parameters", "sources"):
        if not isinstance(body.get(part) or [], list):
            raise ServiceError(f"artifact {name}: {part} is no list: {text}")
    definition = Definition(name, text, body, built_in, compiled_in=compiled_in)
    if definition.type not in _TYPES:
        raise ServiceError(f"Artifact type {body.get('type')} invalid.: {text}")
    return definition


def _line_of(key: object, text: str) -> int:
    """The line on which a key stands."""
    lines = text.splitlines()
    return next((n for n, line in enumerate(lines, 1) if line.startswith(f"{key}:")), 1)


@cache
def _built_in() -> dict[str, Definition]:
    read = (parse(text.lstrip("\n"), built_in=True, compiled_in=True) for text in BUILT_IN)
    return {definition.name: definition for definition in read}


class Artifacts:
    """The repository of an org."""

    def __init__(self, org: OrgServices) -> None:
        self._org = org
        self._lock = threading.RLock()
        self._custom: dict[str, Definition] = {}
        self._metadata: dict[str, records.Record] = {}
        self._stored_at = -_BETWEEN_WRITES

    def load(self) -> None:
        """Reads custom definitions and tags from disk; unreadable files are passed over."""
        found: dict[str, Definition] = {}
        folder = self._org.store.path("artifact_definitions")
        for path in sorted(folder.rglob("*.yaml")) if folder.is_dir() else []:
            try:
                definition = parse(path.read_text("utf-8"))
            except (ServiceError, OSError, UnicodeDecodeError):
                continue
            found[definition.name] = definition
        table = self._org.store.load("ArtifactMetadataTable", "config", "repository_metadata")
        with self._lock:
            self._custom = found
            self._metadata = dict((table or {}).get("metadata", {}))

    def get(self, name: str) -> Definition | None:
        """The definition that counts in this org; all of the root org's are inherited.

        So are built-in ones: only the root org loads them (read in its source, seen on 0.77.2).
        """
        with self._lock:
            own = self._custom.get(name)
        if own is not None:
            return own
        if not self._org.is_root:
            of_root = self._org.server.org("").artifacts.get(name)
            return None if of_root is None else replace(of_root, inherited=True)
        return self._given().get(name)

    def _given(self) -> dict[str, Definition]:
        """What every org has from the start: brought along, or in folders that the config names."""
        on_disk = self._org.server.disk_artifacts
        return {**_built_in(), **on_disk} if on_disk else _built_in()

    def required(self, name: str) -> Definition:
        """The definition; raises ServiceError if it is unknown."""
        definition = self.get(name)
        if definition is None:
            raise ServiceError(f"Unknown artifact {name}")
        return definition

    def names(self) -> Strings:
        with self._lock:
            own = set(self._custom) | set(self._given())
        if not self._org.is_root:
            own |= set(self._org.server.org("").artifacts.names())
        return sorted(own)

    def custom(self) -> Definitions:
        """The org's own definitions, by name: what a backup holds."""
        with self._lock:
            return [self._custom[name] for name in sorted(self._custom)]

    def metadata(self, name: str) -> records.Record | None:
        with self._lock:
            found = self._metadata.get(name)
            inherits = name not in self._custom and not self._org.is_root
        if found is None and inherits:
            return self._org.server.org("").artifacts.metadata(name)
        return records.compact("ArtifactMetadata", found) if found else None

    def list(
        self, names: Strings | None = None, deps: bool = False, sanitize: bool = True
    ) -> Iterator[dict[str, Any]]:
        """Rows of artifact_definitions()."""
        del deps, sanitize
        for name in names or self.names():
            definition = self.get(name)
            if definition is not None:
                yield self.row(definition)

    def row(self, definition: Definition) -> dict[str, Any]:
        body = definition.body
        metadata = self.metadata(definition.name)
        return {
            "name": definition.name,
            "aliases": [],
            "description": _as_text(body.get("description")),
            "author": _as_text(body.get("author")),
            **{key: body.get(key) or [] for key in _LISTS[:4]},
            "impersonate": _as_text(body.get("impersonate")),
            "resources": {**_RESOURCES, **(body.get("resources") or {})},
            "tools": body.get("tools") or [],
            "precondition": _as_text(body.get("precondition")),
            "parameters": [_parameter(p) for p in definition.parameters],
            "type": definition.type,
            "sources": [_source(s) for s in definition.sources],
            "imports": body.get("imports") or [],
            "export": _as_text(body.get("export")),
            "reports": body.get("reports") or [],
            "column_types": body.get("column_types") or [],
            "raw": definition.raw,
            "compiled": True,
            "built_in": definition.built_in,
            "compiled_in": definition.compiled_in,
            "is_alias": False,
            "is_inherited": definition.inherited,
            "metadata": records.full("ArtifactMetadata", metadata or {}),
        }

    def set(
        self, definition: str, tags: Strings, principal: str, prefix: str = ""
    ) -> dict[str, Any]:
        """artifact_set(): checked, stored, and in force at once; tags don't show in its row.

        Raises ServiceError.
        """
        if prefix:
            definition = re.sub(
                rf"^(name:\s*)(?!{re.escape(prefix)})",
                rf"\g<1>{prefix}",
                definition,
                flags=re.MULTILINE,
            )
        parsed = self.load_text(definition)
        try:
            self._org.store.write(self._path(parsed.name), definition.encode())
        except OSError as error:
            raise ServiceError(str(error)) from error
        if tags:
            self.set_metadata(parsed.name, tags=tags)
        self._org.audit("artifact_set", principal, artifact=parsed.name)
        untold = records.full("ArtifactMetadata", {})
        return {**self.row(parsed), "compiled": False, "metadata": untold}

    def load_text(self, text: str) -> Definition:
        """Takes a definition into memory only (what restoring a backup does)."""
        parsed = parse(text)
        if parsed.name in self._given():
            raise ServiceError(f"Unable to override built in artifact {parsed.name}")
        check_queries(parsed)
        with self._lock:
            self._custom[parsed.name] = parsed
        return parsed

    def delete(self, name: str, principal: str) -> str:
        """artifact_delete(): custom ones only.

        One that is in memory only (a restored one) or the root org's leads to an error: its file
        isn't there.
        """
        definition = self.get(name)
        if definition is None:
            raise ServiceError(f"Artifact '{name}' not found")
        if definition.built_in:
            raise ServiceError("Can only delete custom artifacts.")
        with self._lock:
            self._custom.pop(name, None)
            self._metadata.pop(name, None)
        path = self._path(name)
        try:
            path.unlink()
        except OSError as error:
            raise ServiceError(f"remove {path}: {(error.strerror or '').lower()}") from error
        self._org.audit("artifact_delete", principal, artifact=name)
        return name

    def set_metadata(
        self,
        name: str,
        *,
        hidden: bool | None = None,
        basic: bool | None = None,
        tags: Strings | None = None,
    ) -> dict[str, Any]:
        """artifact_set_metadata(): stored at most once a second, the rest with the next change."""
        if self.get(name) is None:
            raise ServiceError(f"Artifact '{name}' not found")
        given = {"hidden": hidden, "basic": basic, "tags": tags}
        with self._lock:
            changed = {key: value for key, value in given.items() if value is not None}
            self._metadata[name] = {**self._metadata.get(name, {}), **changed}
        if time.monotonic() - self._stored_at > _BETWEEN_WRITES:
            self.save_metadata()
        return records.compact("ArtifactMetadata", self._metadata[name])

    def save_metadata(self) -> None:
        """Stores tags and flags; a real server does it every minute, too, never at its end."""
        self._stored_at = time.monotonic()
        with self._lock:
            table = {"metadata": dict(self._metadata)}
        try:
            self._org.store.save("ArtifactMetadataTable", table, "config", "repository_metadata")
        except OSError as error:
            raise ServiceError(str(error)) from error

    def _path(self, name: str) -> Path:
        """A folder a part of the name; empty parts (`Custom..Dots`, `Custom.Dot.`) are left out."""
        parts = [part for part in name.split(".") if part]
        return self._org.store.path("artifact_definitions", *parts, suffix=".yaml")


def check_queries(definition: Definition) -> None:
    """Raises ServiceError if a source's query cannot be parsed."""
    from server_app.vql.parse import VQLSyntaxError, parse

    for source in definition.sources:
        text = str(source.get("query") or "")
        try:
            if text.strip():
                parse(text)
        except VQLSyntaxError as error:
            name = source.get("name") or ""
            raise ServiceError(
                f"While parsing source query {name}: {error}: {definition.raw}"
            ) from error


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    known = {key: _as_text(value) for key, value in parameter.items() if key in _PARAMETER_KEYS}
    return records.full("ArtifactParameter", known)


_PARAMETER_KEYS = ("name", "default", "description", "type", "friendly_name", "validating_regex")


def _source(source: dict[str, Any]) -> dict[str, Any]:
    keys = ("name", "description", "precondition", "query")
    return {**{key: source.get(key) or "" for key in keys}, "queries": [], "notebook": []}


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def result_path(org: OrgServices, client_id: str, flow_id: str, artifact: str) -> Path:
    """Where the rows of a source lie: a file a flow, or a folder a flow for named sources."""
    name, _, source = artifact.partition("/")
    place = ("clients", client_id, "artifacts", name)
    if source:
        return org.store.path(*place, flow_id, source, suffix=".json")
    return org.store.path(*place, flow_id, suffix=".json")
