"""Which clients a hunt is for."""

from __future__ import annotations

from typing import Any

from server_app.datastore.schema import ENUMS
from server_app.services.errors import ServiceError

_SYSTEMS = {"windows": "WINDOWS", "linux": "LINUX", "darwin": "OSX"}


def condition(include: list[str], exclude: list[str], system: str) -> dict[str, Any]:
    """The condition record; {} where every client is meant. An OS outweighs included labels."""
    made: dict[str, Any] = {}
    if exclude:
        made["excluded_labels"] = {"label": exclude}
    if system:
        if system not in _SYSTEMS:
            raise ServiceError(f"OS condition invalid {system} (should be linux, windows, darwin)")
        return {"os": {"os": ENUMS["Os"][_SYSTEMS[system]]}}
    if include:
        made["labels"] = {"label": include}
    return made


def matches(hunt: dict[str, Any], client: dict[str, Any], labels: list[str]) -> bool:
    """Does the hunt's condition admit this client?"""
    wanted = hunt.get("condition") or {}
    have = {label.lower() for label in labels}
    if have & {label.lower() for label in wanted.get("excluded_labels", {}).get("label", [])}:
        return False
    if "labels" in wanted:
        return bool(have & {label.lower() for label in wanted["labels"].get("label", [])})
    number = (wanted.get("os") or {}).get("os", 0)
    system = next((s for s, name in _SYSTEMS.items() if ENUMS["Os"][name] == number), "")
    return not system or client.get("system", "") == system


def in_backup(hunt: dict[str, Any]) -> dict[str, Any]:
    """The condition as a backup spells it (seen in the recorded backup): ``UnionField``.

    A restore does not know that spelling: the condition is lost on the way.
    """
    wanted = hunt.get("condition")
    if not wanted:
        return hunt
    spelled = {key: value for key, value in wanted.items() if key == "excluded_labels"}
    for key, name in (("labels", "Labels"), ("os", "Os")):
        if key in wanted:
            spelled["UnionField"] = {name: wanted[key]}
    return {**hunt, "condition": spelled}
