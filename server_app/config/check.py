"""Names and kinds of a config's settings: a real server refuses what it doesn't know."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from server_app.config.fields import FIELDS

LONGEST_SHOWN = 10
"""Characters of a value that a message shows in full."""
WHOLE_NUMBERS = {"uint32", "uint64", "int64"}
NUMBERS = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}
NULL = "tag:yaml.org,2002:null"


def _read_fields() -> dict[str, dict[str, str]]:
    sections: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for word in FIELDS.split():
        name, _, kind = word.partition(":")
        if word.endswith(":"):
            section = sections.setdefault(name, {})
        else:
            section[name] = kind or "string"
    return sections


SECTIONS = _read_fields()


def faults(root: yaml.Node, section: str = "Config") -> list[str]:
    """What is wrong with a parsed config, in a real server's words; none: it is as it should be.

    Text takes any scalar, and fields of kinds that this server doesn't know take anything
    (seen on a real server; its wrong settings are refused by every command).
    """
    return list(_check(root, section))


def _check(node: yaml.Node, kind: str) -> Iterator[str]:
    if node.tag == NULL:
        return
    if kind.startswith("[]"):
        yield from _check_list(node, kind)
    elif kind.startswith("map["):
        if not isinstance(node, yaml.MappingNode):
            yield _mismatch(node, kind)
    elif kind in SECTIONS:
        yield from _check_section(node, kind)
    elif kind in {"string", "bool", *WHOLE_NUMBERS} and not _fits(node, kind):
        yield _mismatch(node, kind)


def _check_list(node: yaml.Node, kind: str) -> Iterator[str]:
    if not isinstance(node, yaml.SequenceNode):
        yield _mismatch(node, kind)
        return
    for member in node.value:
        yield from _check(member, kind.removeprefix("[]"))


def _check_section(node: yaml.Node, kind: str) -> Iterator[str]:
    if not isinstance(node, yaml.MappingNode):
        yield _mismatch(node, kind)
        return
    seen = set()
    for key, value in node.value:
        wanted = SECTIONS[kind].get(str(key.value))
        line = key.start_mark.line + 1
        if wanted is None:
            yield f"line {line}: field {key.value} not found in type proto.{kind}"
        elif key.value in seen:
            yield f"line {line}: field {key.value} already set in type proto.{kind}"
        else:
            seen.add(key.value)
            yield from _check(value, wanted)


def _fits(node: yaml.Node, kind: str) -> bool:
    if not isinstance(node, yaml.ScalarNode):
        return False
    if kind == "string":
        return True
    if kind == "bool":
        return bool(node.tag == "tag:yaml.org,2002:bool")
    negative = str(node.value).startswith("-") and kind != "int64"
    return node.tag in NUMBERS and not negative


def _mismatch(node: yaml.Node, kind: str) -> str:
    tag = node.tag.replace("tag:yaml.org,2002:", "!!")
    value = str(node.value)
    shown = f"{value[:7]}..." if len(value) > LONGEST_SHOWN else value
    given = f"{tag} `{shown}`" if isinstance(node, yaml.ScalarNode) else tag
    prefix = kind[: kind.rfind("]") + 1]
    base = kind.removeprefix(prefix)
    wanted = f"{prefix}*proto.{base}" if prefix and base in SECTIONS else kind
    wanted = f"proto.{base}" if not prefix and base in SECTIONS else wanted
    return f"line {node.start_mark.line + 1}: cannot unmarshal {given} into {wanted}"
