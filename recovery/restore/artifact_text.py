r"""What an artifact's YAML says: as a server reads it, and as it stands. Pure.

A name may be an alias of another artifact, and any text of YAML may be written in signs that look
like something else (``\u0068ttp_client``); what can't be read at all counts as it stands.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from recovery.velociraptor.foreign_yaml import ForeignYamlError, load_foreign_yaml

_NAME = re.compile(r"""(?m)^(?:\{\s*)?["']?name["']?\s*:\s*["']?([A-Za-z0-9_.]+)""")
_IMPORTS = re.compile(r"(?m)^imports:\s*\n((?:[ \t]*-[^\n]*\n?)+)")
_ITEM = re.compile(r"(?m)^[ \t]*-\s*[\"']?([A-Za-z0-9_.]+)")
_NEXT_DOCUMENT = re.compile(r"(?m)^---\s*$")


class ArtifactText(NamedTuple):
    """``names``: its own and its aliases; ``imports``: artifacts whose definitions it takes over;
    ``words``: all of its text.
    """

    names: frozenset[str]
    imports: frozenset[str]
    words: str


@lru_cache(maxsize=4096)
def artifact_text(text: str) -> ArtifactText:
    """Of one file, or of several under one name, one after the other."""
    names = {*_NAME.findall(text)}
    imports = {one for block in _IMPORTS.findall(text) for one in _ITEM.findall(block)}
    words = [text]
    for part in {text, *_NEXT_DOCUMENT.split(text)}:
        try:
            said = load_foreign_yaml(part.encode(), once=False)
        except ForeignYamlError:
            continue
        if isinstance(said, dict):
            names |= {*_texts([said.get("name"), said.get("aliases")])}
            imports |= {*_texts(said.get("imports"))}
            words += _texts(said)
    return ArtifactText(frozenset(names), frozenset(imports), "\n".join(words))


def _texts(said: Any) -> Iterator[str]:
    if isinstance(said, str):
        yield said
    elif isinstance(said, dict):
        for value in said.values():
            yield from _texts(value)
    elif isinstance(said, list):
        for value in said:
            yield from _texts(value)
