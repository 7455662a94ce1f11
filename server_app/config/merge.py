"""Changes to a generated config: JSON merge patch (RFC 7396) and JSON patch (RFC 6902)."""

from __future__ import annotations

import copy
import json
from typing import Any

from server_app.config.document import ConfigError
from server_app.vql.builtin.faults import line_fault


def apply_merge(config: dict[str, Any], text: str) -> dict[str, Any]:
    """The config with a JSON merge patch applied; null removes a key. Raises ConfigError."""
    try:
        patch = json.loads(text)
    except ValueError as error:
        raise ConfigError("Invalid merge patch: Invalid JSON Patch") from error
    if not isinstance(patch, dict):
        raise ConfigError("Invalid merge patch: an object is expected")
    return dict(merge(config, patch))


def merge(target: Any, patch: Any) -> Any:
    """RFC 7396 on plain values; neither argument is changed."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def apply_patch(config: dict[str, Any], text: str) -> dict[str, Any]:
    """The config with a JSON patch applied.

    A patch whose operation can't be done (path missing, test failed) leaves the
    config as it was, without an error, as the real command does. Text that is
    no patch at all raises ConfigError.
    """
    operations = _json(text, "Decoding JSON patch")
    if not isinstance(operations, list):
        raise ConfigError("Decoding JSON patch: a list of operations is expected")
    document: Any = copy.deepcopy(config)
    try:
        for operation in operations:
            document = _operate(document, operation)
    except (LookupError, TypeError, ValueError):
        return config
    return document if isinstance(document, dict) else config


def _operate(document: Any, operation: dict[str, Any]) -> Any:
    verb, path = operation["op"], _pointer(operation["path"])
    if verb == "test":
        if _get(document, path) != operation["value"]:
            raise ValueError("test failed")
        return document
    if verb == "remove":
        return _remove(document, path)
    if verb == "replace":
        _get(document, path)
        return _add(_remove(document, path), path, operation["value"])
    if verb == "add":
        return _add(document, path, operation["value"])
    source = _pointer(operation["from"])
    value = copy.deepcopy(_get(document, source))
    if verb == "move":
        return _add(_remove(document, source), path, value)
    if verb == "copy":
        return _add(document, path, value)
    raise ValueError(verb)


def _pointer(path: str) -> list[str]:
    if path == "":
        return []
    if not path.startswith("/"):
        raise ValueError(path)
    return [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]


def _get(document: Any, path: list[str]) -> Any:
    for part in path:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def _add(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent = _get(document, path[:-1])
    if isinstance(parent, list):
        index = len(parent) if path[-1] == "-" else int(path[-1])
        if not 0 <= index <= len(parent):
            raise IndexError(index)
        parent.insert(index, value)
    else:
        parent[path[-1]] = value
    return document


def _remove(document: Any, path: list[str]) -> Any:
    if not path:
        return None
    parent = _get(document, path[:-1])
    del parent[int(path[-1]) if isinstance(parent, list) else path[-1]]
    return document


def _json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        fault = line_fault(text, error) if isinstance(error, ValueError) else error
        raise ConfigError(f"{what}: {fault}") from error
