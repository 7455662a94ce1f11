"""Files that the config names by their paths: a server doesn't start where one is missing.

Seen on a real server: without the TLS files, or without a folder of artifact definitions, it
ends with an error at its start; a folder's definitions count as built in, and no list of custom
artifacts has them. Let's Encrypt's cache may be the datastore's own folder.

A config is foreign input, and these paths lie anywhere on the machine: only content that is what
the setting is for is captured, and only such content is placed.
"""

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.foreign_yaml import ForeignYamlError, load_foreign_yaml
from recovery.velociraptor.refuse_zip import refusal

Kind = Literal["certificate", "definitions", "cache"]
LARGEST: dict[Kind, int] = {"certificate": 1 << 20, "cache": 1 << 20, "definitions": 64 << 20}
"""Bytes of one file; the largest that people use are zips of definitions, with a few MB."""
_SETTINGS: tuple[tuple[str, Kind], ...] = (
    ("Frontend.tls_certificate_filename", "certificate"),
    ("Frontend.tls_private_key_filename", "certificate"),
    ("Frontend.artifact_definitions_directory", "definitions"),
    ("defaults.artifact_definitions_directories", "definitions"),
    ("autocert_cert_cache", "cache"),
)
_DEFINITION = re.compile(r".+\.ya?ml", re.DOTALL)
_PEM = re.compile(
    rb"\s*(?:-----BEGIN ([A-Z0-9 ]+)-----\s[A-Za-z0-9+/=\s]+-----END \1-----\s*)+", re.DOTALL
)
# openssl and certificate authorities put words in front of a block; they are no part of it.
_WORDS = re.compile(
    rb"(?m)^(?:(?:Bag|Key) Attributes.*|(?:subject|issuer)=.*|#.*|[ \t]+[\w .-]+: ?.*)$"
)

_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


@dataclass(frozen=True)
class NamedPlace:
    """A file or folder on the server, and the setting that names it."""

    setting: str
    path: str
    kind: Kind

    def covers(self, path: str) -> bool:
        """Whether ``path`` (absolute) is the place itself, or a file that a server reads in it."""
        if path != posixpath.normpath(path) or re.search(r"[\x00-\x1f\x7f]", path):
            return False
        inside = path.startswith(f"{self.path}/")
        if self.kind == "cache":
            return path == self.path or posixpath.dirname(path) == self.path
        if self.kind == "definitions" and inside:
            return _DEFINITION.fullmatch(path) is not None
        return path == self.path


def named_places(config: ServerConfig) -> list[NamedPlace]:
    """Every place that is set, once, as the config spells it; one that is no full path is left."""
    found: dict[str, NamedPlace] = {}
    for setting, kind in _SETTINGS:
        for path in _texts(config.values, setting):
            place = posixpath.normpath(path)
            if place.startswith("/") and place != "/":
                place = "/" + place.lstrip("/")
                found.setdefault(place, NamedPlace(setting, place, kind))
    return list(found.values())


def place_of(places: Sequence[NamedPlace], path: str) -> NamedPlace | None:
    """Which of the places a file belongs to."""
    return next((place for place in places if place.covers(path)), None)


def wrong_content(place: NamedPlace, path: str, content: bytes) -> str:
    """What is wrong with a file for that setting; empty when nothing is. Pure."""
    if place.kind != "definitions":
        return "" if _PEM.fullmatch(_WORDS.sub(b"", content)) else "no certificate or key in PEM"
    if path == place.path:
        return _wrong_zip(content)
    # A server passes over a file that is no definition (seen), whatever it is.
    return "" if _is_definition(content) else "no artifact definition"


def _wrong_zip(content: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            return (wrong := refusal(packed)) and f"a zip that {wrong}"
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return "neither a folder nor a zip"


def _is_definition(content: bytes) -> bool:
    try:
        found = load_foreign_yaml(content, once=False)
    except ForeignYamlError:
        return False
    return isinstance(found, dict) and isinstance(found.get("name"), str)


def definitions_in(files: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """(path, YAML) of each definition among files that a config names, those in zips too.

    Files that :func:`wrong_content` finds nothing wrong with; a damaged member is passed over.
    """
    for path, content in files.items():
        if _DEFINITION.fullmatch(path):
            yield path, content.decode("utf-8", "replace")
        elif content.startswith(b"PK"):
            yield from _packed(path, content)


def _packed(path: str, content: bytes) -> Iterator[tuple[str, str]]:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        for member in filter(_DEFINITION.fullmatch, packed.namelist()):
            with suppress(*_BROKEN):
                yield f"{path}/{member}", packed.read(member).decode("utf-8", "replace")


def _texts(values: Any, dotted: str) -> Iterator[str]:
    for part in dotted.split("."):
        values = values.get(part) if isinstance(values, dict) else None
    for value in values if isinstance(values, list) else [values]:
        if isinstance(value, str) and value:
            yield value
