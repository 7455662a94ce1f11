"""What of a recorded call has to come again: columns, row counts, values, messages, error."""

import json
import re
from typing import Any

PASSING = re.compile(
    r"(_at|_time|[Tt]imestamp|expires|[Dd]uration|started|nonce|version|_versions|machine|release"
    r"|mac_addresses|fqdn|Fqdn|[Ss]ize|_hash|hash|last_interrogate_flow_id|total_logs"
    r"|_active|commit|[Cc]omponents|last_client_table_scan|client_ip|last_ip|Mtime|bytes|hashes|secret_id)$"
)
"""Keys whose value is of the moment or of the machine: only its kind must agree."""

MASKS = [
    (re.compile(r"\b(F|H|N|NC|M)\.[A-Z0-9]{13}"), r"\1.ID"),
    (re.compile(r"\bO[A-Z0-9]{4}\b(?<!OACME)"), "OID"),
    (re.compile("\xa0"), " "),  # Go's protobuf puts either, at random, so that nobody relies on it
    (re.compile(r"Query Stats: \{.*\}"), "Query Stats"),
    (re.compile(r"\bin \d[\d.]*(µs|ms|s)"), "in TIME"),
    (re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----"), "CERTIFICATE"),
    (re.compile(r"\bsize \d+"), "size N"),
    (re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{11}=(?!=)"), "NONCE"),
    (re.compile(r"^\$[0-9a-f]{32,128}$"), "$HASH"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d[:_]\d\d[:_]\d\d[\d.]*( \+0000 UTC|Z)?"), "MOMENT"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    # Two builds of one server, each with a parser library of its own: place and token are the same,
    # the text around them and what would have been right instead is the library's.
    (re.compile(r"(?<=: )[^\n|]{0,12}\|[^\n]{0,12}: (?=\d+:\d+: )"), ""),
    (re.compile(r'(\d+:\d+: unexpected token ".*?") \(expected .*\)'), r"\1"),
    (re.compile(r"(\d+:\d+: )(?:lexer: )?invalid (?:token|input text) .*"), r"\1invalid"),
]


def masked(text: str) -> str:
    """A text without what differs from run to run."""
    for pattern, put in MASKS:
        text = pattern.sub(put, text)
    return text.strip()


def kind(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    return "number" if isinstance(value, int | float) else type(value).__name__


def compare_values(path: str, recorded: Any, seen: Any) -> list[str]:
    """Differences of two values, one line each: a place and both sides."""
    key = path.rpartition(".")[2].removesuffix("[]")
    if isinstance(recorded, dict) and isinstance(seen, dict):
        return _compare_columns(path, recorded, seen)
    if PASSING.search(key):
        empty = (None, "", [])
        same = kind(recorded) == kind(seen) or recorded in empty or seen in empty
    elif isinstance(recorded, list) and isinstance(seen, list):
        if key == "artifacts_with_results":  # in the order in which the answers came
            recorded, seen = sorted(recorded), sorted(seen)
        return _compare_lists(path, recorded, seen)
    elif isinstance(recorded, str) and isinstance(seen, str):
        same = masked(recorded) == masked(seen)
    else:
        same = recorded == seen and kind(recorded) == kind(seen)
    return [] if same else [f"{path}: {recorded!r} is {seen!r}"[:600]]


def _compare_columns(path: str, recorded: dict[str, Any], seen: dict[str, Any]) -> list[str]:
    found = []
    if list(recorded) != list(seen):
        found.append(f"{path}: columns {list(recorded)} are {list(seen)}")
    for name, value in recorded.items():
        if name in seen:
            found += compare_values(f"{path}.{name}", value, seen[name])
    return found


def _compare_lists(path: str, recorded: list[Any], seen: list[Any]) -> list[str]:
    found = []
    if len(recorded) != len(seen):
        found.append(f"{path}: {len(recorded)} are {len(seen)}: {seen!r}"[:600])
    for left, right in zip(recorded, seen, strict=False):
        found += compare_values(f"{path}[]", left, right)
    return found


def ordered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: masked(json.dumps(row)))


def compare_calls(call: dict[str, Any], rows: Any, logs: Any, error: Any, sort: bool) -> list[str]:
    """Differences between a recorded call and what came now; none: they agree."""
    if (call["grpc_error"] is None) != (error is None):
        return [f"error {call['grpc_error']} is {error}"]
    found = []
    if error:
        found += compare_values("error", call["grpc_error"], error)
    recorded = ordered(call["rows"]) if sort else call["rows"]
    found += compare_values("rows", recorded, ordered(rows) if sort else rows)
    found += compare_values("messages", call["logs"], logs)
    return list(dict.fromkeys(found))
