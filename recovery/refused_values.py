"""Why a setting's value is refused, in an operator's words, with the nearest one that is good.

pydantic's own sentences speak of types and patterns; what a pattern means is said here.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

_BOOLEANS = ("true", "false")
_FORMS = {
    "awsAmi": "the id of a machine image, like ami-0123456789abcdef0",
    "awsInstanceType": "an instance type, like t3.medium",
    "awsKmsKey": "a key's ARN, like arn:aws:kms:REGION:ACCOUNT:key/ID",
    "awsSnapshot": "the id of a snapshot, like snap-0123456789abcdef0",
    "awsSubnet": "the id of a subnet, like subnet-0123456789abcdef0",
    "awsVpc": "the id of a VPC, like vpc-0123456789abcdef0",
    "awsZoneId": "the id of a hosted zone, like Z0123456789ABCDEFGHIJ",
    "datastore": "the absolute path of a folder, like /var/lib/velociraptor",
    "dockerPrefix": "the beginning of a container's name: letters, digits, - and _",
    "name": "a DNS name, like velociraptor.example.com",
    "dnsZone": "a zone's name, like example.com",
}
_BOUNDS = {
    "greater_than": ("gt", "is not more than {}"),
    "greater_than_equal": ("ge", "is less than {}, the least that is possible"),
    "less_than": ("lt", "is not less than {}"),
    "less_than_equal": ("le", "is more than {}, the most that is possible"),
}
_LONGEST = 60


def reason(key: str, error: Mapping[str, Any]) -> str:
    """The sentence for one of pydantic's errors; ``error`` as its ``errors()`` gives it."""
    kind, context = str(error["type"]), error.get("ctx") or {}
    said = short(error.get("input"))
    if kind == "literal_error" or kind.startswith("bool_"):
        return none_of(said, re.findall(r"'([^']+)'", str(context.get("expected"))) or _BOOLEANS)
    if kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        return f"{said} {words.format(context[bound])}"
    if kind.startswith(("int_", "float_", "finite_")):
        return f"{said!r} is no {'whole ' if kind.startswith('int_') else ''}number"
    if kind.startswith("datetime_"):
        return f"{said!r} is no time (ISO 8601, UTC: 2026-11-01 or 2026-11-01T06:00:00Z)"
    if kind == "string_pattern_mismatch" and key in _FORMS:
        return f"{said!r} is not {_FORMS[key]}"
    return str(error["msg"]).removeprefix("Value error, ")


def none_of(said: str, good: Sequence[str]) -> str:
    """``said`` is none of the good values; the one that is meant, where one is near."""
    near = difflib.get_close_matches(said.lower(), [one.lower() for one in good], n=1, cutoff=0.5)
    meant = next((one for one in good if near and one.lower() == near[0]), "")
    return f"{said!r} is none of {', '.join(good)}" + (f"; did you mean {meant}?" if meant else "")


def short(value: object) -> str:
    """A value as it was typed, cut where it is long."""
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
