"""One value in a server's config changed, every other byte of the file left as it is.

An administrator's comments and order stay. The result is parsed and compared with what was
meant, so that a file of an unusual form is refused rather than spoiled.
"""

import copy
import difflib
import json
import re
from collections.abc import Sequence
from typing import Any

import yaml

from recovery.errors import BadInputError

Path = tuple[str, ...]
_SECRET = re.compile(r"(private_key|nonce|password|secret|_dek|hash|salt)\w*:\s*\S")
_BLOB = re.compile(r"[A-Za-z0-9+/]{32,}")
_HINT = "edit the file by hand, then run this again to see that nothing is left to change"


def set_value(text: str, path: Path, value: int | str) -> str:
    """``text`` with ``value`` at ``path``, whose sections are made where they lack.

    ``value``: a number, or text that YAML takes without quotes.

    Raises :class:`BadInputError` when the file's form doesn't let it be changed in place.
    """
    changed = _changed(text, yaml.compose(text, yaml.SafeLoader), path, str(value))
    meant = copy.deepcopy(yaml.safe_load(text))
    place: Any = meant
    for name in path[:-1]:
        if not isinstance(place.get(name), dict):
            place[name] = {}
        place = place[name]
    place[path[-1]] = value
    if _read(changed) != meant:
        raise BadInputError(f"{'.'.join(path)} can't be changed in place", hint=_HINT)
    return changed


def set_list(text: str, path: Path, values: Sequence[Any]) -> str:
    """``text`` with the list that is at ``path`` replaced by another one, all else as it is.

    Raises :class:`BadInputError` when there is none, or the file's form doesn't let it be changed.
    """
    node: yaml.Node | None = yaml.compose(text, yaml.SafeLoader)
    key = node
    for name in path:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        key, node = next((pair for pair in pairs if pair[0].value == name), (None, None))
    meant = copy.deepcopy(yaml.safe_load(text))
    place = meant
    for name in path[:-1]:
        place = place.get(name) if isinstance(place, dict) else None
    if not isinstance(place, dict) or key is None or node is None:
        raise BadInputError(f"there is no {'.'.join(path)}", hint=_HINT)
    place[path[-1]] = [*values]
    cut = text[node.start_mark.index : node.end_mark.index]
    ends = cut[len(cut.rstrip()) :]  # a list in lines ends where the next name begins
    row = f"{text[: key.end_mark.index]}: {json.dumps([*values])}"
    changed = f"{row}{ends}{text[node.end_mark.index :]}"
    if _read(changed) != meant:
        raise BadInputError(f"{'.'.join(path)} can't be changed in place", hint=_HINT)
    return changed


def _read(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None


def _changed(text: str, node: yaml.Node | None, path: Path, value: str) -> str:
    for depth, name in enumerate(path):
        if not isinstance(node, yaml.MappingNode):
            raise BadInputError(f"{'.'.join(path[:depth])} is no section", hint=_HINT)
        child = next((pair[1] for pair in node.value if pair[0].value == name), None)
        rest = path[depth:]
        if child is None:
            return _inserted(text, node, rest, value)
        is_last = depth == len(path) - 1
        empty = isinstance(child, yaml.MappingNode) and not child.value
        void = isinstance(child, yaml.ScalarNode) and child.value in {"", "null", "~"}
        if not is_last and (empty or void):
            key = next(pair[0] for pair in node.value if pair[0].value == name)
            lines = _lines(path[depth + 1 :], value, key.start_mark.column + 2)
            end = (
                child.end_mark.index
                if text[child.start_mark.index : child.end_mark.index]
                else (key.end_mark.index + 1)
            )
            return text[: key.end_mark.index] + ":\n" + lines.rstrip("\n") + text[end:]
        if is_last:
            return text[: child.start_mark.index] + value + text[child.end_mark.index :]
        node = child
    raise BadInputError("no value is named", hint=_HINT)


def _inserted(text: str, node: yaml.MappingNode, rest: Path, value: str) -> str:
    """A new line before the section's first, in its indentation."""
    if node.flow_style or not node.value:
        raise BadInputError(f"{rest[0]} can't be added in place", hint=_HINT)
    first = node.value[0][0].start_mark
    start = first.index - first.column
    return text[:start] + _lines(rest, value, first.column) + text[start:]


def _lines(rest: Path, value: str, column: int) -> str:
    rows = [f"{' ' * (column + 2 * place)}{name}:" for place, name in enumerate(rest)]
    return "\n".join([*rows[:-1], f"{rows[-1]} {value}"]) + "\n"


def diff_lines(before: str, after: str, name: str) -> list[str]:
    """A unified diff; a line that holds a secret is shown without it."""
    rows: Sequence[str] = list(
        difflib.unified_diff(
            before.splitlines(), after.splitlines(), f"{name} (now)", f"{name} (then)", lineterm=""
        )
    )
    return [_shown(row) for row in rows]


def _shown(row: str) -> str:
    """A context line beside the change may be a key's: base64 of a PEM, or a nonce."""
    if row[:1] in "+-" or not (_SECRET.search(row) or _BLOB.search(row)):
        return row
    return f"{row.split(':', maxsplit=1)[0] if ':' in row else ' '}: (not shown)"
