"""Records of a datastore, read as a server reads them.

It looks at the first byte, whatever the file is called: a brace begins JSON, all else is a protobuf
message; and ``x.db`` stands in for an ``x.json.db`` that isn't there (read in its source). Whoever
reads them otherwise can be shown other rights, and other hunts, than come back.
"""

import json
from typing import Any

_BRACE = b"{"


def is_json_record(record: bytes) -> bool:
    """Whether a server takes a record for JSON."""
    return record.startswith(_BRACE)


def json_record(record: bytes) -> dict[str, Any]:
    """A record of JSON. Raises :class:`ValueError` where a server takes it for none."""
    if not is_json_record(record):
        raise ValueError("it does not begin with a brace")
    try:
        return dict(json.loads(record, object_pairs_hook=_once))
    except RecursionError as deep:
        raise ValueError("it is nested too deep") from deep


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A server refuses a name that stands twice in one object."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands in it twice")
    return found


def why(wrong: Exception) -> str:
    """What is wrong with foreign content, in words."""
    return f"it has no {wrong.args[0]}" if isinstance(wrong, KeyError) else str(wrong)
