"""What else of a recovery point runs code, against the point before: tools, hunts, settings.

Pure, but for reading the files. No value of a setting is told: it may be a key.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from recovery.restore.state_files import is_hunt, org_and_path, pause_hunt
from recovery.vault.manifest import Manifest
from recovery.velociraptor.inventory import digest
from recovery.velociraptor.records import json_record
from recovery.velociraptor.state_tar import deciding_files

_REQUEST = re.compile(r"hunts/(H\.[^/]+)/request(?:\.json)?\.db")
_INVENTORY = ("config/inventory.json.db", "config/inventory.db")
_RECORD_END = re.compile(r"(?:\.json)?\.db$")
_UNREADABLE = "(a list of tools that can't be read)"

Digests = Mapping[str, str]
"""A thing as an operator calls it → the digest of what it is."""


def changes(kind: str, now: Digests, before: Digests) -> list[str]:
    """What is not as it was, in words: new, changed, removed."""
    return [f"{kind} {words}" for words in _changes(now, before)]


def _changes(now: Digests, before: Digests) -> list[str]:
    return [
        f"{'new' if name not in before else 'changed' if name in now else 'removed'}: {name}"
        for name in sorted({*now, *before})
        if now.get(name) != before.get(name)
    ]


def _arrivals(now: Digests, before: Digests) -> list[str]:
    """The same without what was removed: a file that is gone runs nowhere."""
    return _changes(now, {name: before[name] for name in before.keys() & now.keys()})


def changed_served(now: Manifest, before: Manifest | None) -> list[str]:
    """Files that run on endpoints, whose content is not that of the point before."""
    if before is None:
        return []
    served = [{one.path: one.file.sha256 for one in point.served} for point in (now, before)]
    return _arrivals(*served)


def changed_named(now: Manifest, before: Manifest | None) -> list[str]:
    """Files that the config names, whose content is not that of the point before."""
    if before is None or now.named is None:
        return []
    return _arrivals(now.named.digests, before.named.digests if before.named else {})


def tools_in(states: Iterable[Path]) -> dict[str, str]:
    """The tools that a server hands out, or has endpoints fetch: where from, and its hash."""
    found: dict[str, list[Any]] = {}
    for state in states:
        for file in deciding_files(state):
            org, inside = org_and_path(file.path)
            if inside in _INVENTORY:
                for name, tool in _tools(file.read()):
                    found.setdefault(f"{name} in {org}", []).append(tool)
    return {name: digest(tools) for name, tools in found.items()}


def _tools(record: bytes) -> Iterator[tuple[str, Any]]:
    try:
        for tool in json_record(record or b"{}").get("tools") or []:
            version = f" {tool['version']}" if tool.get("version") else ""
            yield f"{tool.get('name')}{version}", tool
    except (ValueError, TypeError, AttributeError):
        yield _UNREADABLE, record.hex()


def hunts_in(states: Iterable[Path]) -> dict[str, str]:
    """What hunts have endpoints run: their requests, compiled when they were made.

    A server runs what is compiled, whatever the artifact says by now (read in its source); a
    request stays what it was for as long as the hunt lives.
    """
    requests: dict[str, list[str]] = {}
    for state in states:
        for file in deciding_files(state):
            org, inside = org_and_path(file.path)
            if match := _REQUEST.fullmatch(inside):
                requests.setdefault(f"{match[1]} in {org}", []).append(_asked(file.read()))
    return {name: digest(asked) for name, asked in requests.items()}


def running_in(states: Iterable[Path]) -> dict[str, str]:
    """Hunts that ran, by id and org → what they are called and made of: a release starts them."""
    found = {}
    for state in states:
        for file in deciding_files(state):
            org, inside = org_and_path(file.path)
            if is_hunt(file.path) and pause_hunt(record := file.read())[1]:
                hunt = _RECORD_END.sub("", inside.removeprefix("hunts/"))
                found[f"{hunt} in {org}"] = _made_of(record)
    return found


def _made_of(record: bytes) -> str:
    try:
        hunt = json_record(record)
        request = hunt.get("startRequest") or hunt.get("start_request") or {}
        names = ", ".join(str(name) for name in request.get("artifacts") or [])
        called = hunt.get("huntDescription") or hunt.get("hunt_description") or ""
    except (ValueError, TypeError, AttributeError):
        return ""
    return f"{called!r}: {names}" if called or names else ""


def _asked(record: bytes) -> str:
    try:
        return digest(json_record(record))
    except ValueError:
        return record.hex()


def settings_in(values: Mapping[str, Any], above: str = "") -> dict[str, str]:
    """Each setting of a config by its dotted name."""
    found: dict[str, str] = {}
    for key, value in values.items():
        name = f"{above}{key}"
        if isinstance(value, dict) and value:
            found |= settings_in(value, f"{name}.")
        else:
            found[name] = digest(value)
    return found


def changed_package(now: Manifest, before: Manifest) -> list[str]:
    """Its scripts run as root, and its binary is the server."""
    if now.package.file.sha256 == before.package.file.sha256:
        return []
    if now.package.version != before.package.version:
        return [f"server package changed: {before.package.version}, now {now.package.version}"]
    old, new = (one.package.file.sha256[:12] for one in (before, now))
    fingerprints = {one.package.config_fingerprint for one in (before, now)}
    config = "another config in it" if len(fingerprints) > 1 else "the same config in it"
    words = f"{now.package.version} as before, other content (SHA-256 {old}…, now {new}…), {config}"
    return [f"server package changed: {words}"]
