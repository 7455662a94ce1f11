"""What is wrong with a JSON text, in the words of a real server's messages."""

from __future__ import annotations

import json


def json_fault(error: json.JSONDecodeError, text: str) -> str:
    """The message for a decoder's error."""
    if error.pos >= len(text):
        return "unexpected end of JSON input"
    expected = {
        "Expecting property name": "looking for beginning of object key string",
        "Expecting ':'": "after object key",
        "Expecting ',' delimiter": "after object key:value pair",
        "Extra data": "after top-level value",
    }
    where = next((known for key, known in expected.items() if error.msg.startswith(key)), "")
    return f"invalid character '{text[error.pos]}' {where or 'looking for beginning of value'}"


def line_fault(line: str, error: ValueError) -> str:
    """What is wrong with a line, in the words of a real server's messages."""
    for literal in ("null", "true", "false"):
        if line[0] == literal[0] and not line.startswith(literal):
            at = next(i for i, char in enumerate(literal) if line[i : i + 1] != char)
            return (
                f"invalid character {line[at]!r} in literal {literal} (expecting {literal[at]!r})"
            )
    return json_fault(error, line) if isinstance(error, json.JSONDecodeError) else str(error)
