"""Rights as a server reads them: out of its own record of them, or a backup's."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic.alias_generators import to_snake

from recovery.velociraptor.account_files import cleaned
from recovery.velociraptor.messages import protobuf_values
from recovery.velociraptor.records import is_json_record, json_record

_FIELDS = {
    1: "allQuery",
    2: "publishQueues",
    3: "readResults",
    4: "collectClient",
    5: "collectServer",
    6: "artifactWriter",
    7: "execve",
    8: "notebookEditor",
    9: "roles",
    10: "anyQuery",
    11: "labelClients",
    12: "serverAdmin",
    13: "filesystemRead",
    14: "filesystemWrite",
    15: "serverArtifactWriter",
    16: "machineState",
    17: "prepareResults",
    18: "datastoreAccess",
    19: "orgAdmin",
    20: "impersonation",
    21: "superUser",
    22: "startHunt",
    23: "deleteResults",
    24: "collectBasic",
    25: "network",
}
"""``ApiClientACL``: the fields' numbers, and their names in a record of JSON (0.77.2)."""
_LISTS = frozenset({"roles", "publishQueues"})
_CAMEL = {to_snake(name): name for name in _FIELDS.values()}

Policy = dict[str, Any]


def stored_policy(record: bytes) -> Policy:
    """The rights in an ACL record, without its empty parts. Raises :class:`ValueError`."""
    if not record:
        return {}  # of a full disk: a server takes no right from it
    return checked_policy(json_record(record) if is_json_record(record) else _message(record))


def checked_policy(policy: object) -> Policy:
    """The same of rights as they are told, in either spelling. Raises :class:`ValueError`."""
    if not isinstance(policy, dict):
        raise ValueError("no record of rights")  # noqa: TRY004 - foreign content, not our mistake
    named = {_CAMEL.get(name, name): value for name, value in policy.items()}
    if len(named) < len(policy):
        raise ValueError("a right stands in it twice")
    for name in _LISTS & named.keys():
        words = named[name]
        if words and not (isinstance(words, list) and all(isinstance(one, str) for one in words)):
            raise ValueError(f"{name} is no list of names")
    try:
        return dict(cleaned(named))
    except RecursionError as deep:
        raise ValueError("it is nested too deep") from deep


def together(policies: Iterable[Mapping[str, Any]]) -> Policy:
    """All that any of them allows: of several records of one user, one counts, and not ours to say.

    One alone stays as it is.
    """
    found: Policy = {}
    for policy in policies:
        for name, value in policy.items():
            if name in _LISTS and name in found:
                found[name] = sorted({*found[name], *value})
            else:
                found[name] = value
    return found


def _message(record: bytes) -> Policy:
    found: Policy = {}
    for number, value in protobuf_values(record):
        name = _FIELDS.get(number, "")
        if name in _LISTS and isinstance(value, bytes):
            found.setdefault(name, []).append(value.decode())
        elif name not in _LISTS and isinstance(value, int):
            found[name or f"field {number}"] = bool(value)
    return dict(cleaned(found))
