"""serialize(): a value as text of a format."""

from __future__ import annotations

import base64
from typing import Any

from server_app.vql.text import as_text, dump


def write(value: Any, kind: str) -> str | None:
    """The text; None for what the format has no form for. Raises LookupError: no such format."""
    return {
        "json": _json, "string": as_text, "yaml": _yaml, "csv": _csv, "hex": _hex,
        "base64": _base64,
    }[kind](value)  # fmt: skip


def _json(value: Any) -> str:
    return dump(value, indent=1)


def _yaml(value: Any) -> str:
    import yaml

    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True))


def _csv(value: Any) -> str | None:
    import io

    from server_app.cli.tables import writer_for

    if not isinstance(value, list):
        return None
    out = io.StringIO()
    writer_for("csv", out)([row if isinstance(row, dict) else {"_value": row} for row in value])
    return out.getvalue()


def _hex(value: Any) -> str | None:
    return value.encode().hex() if isinstance(value, str) else None


def _base64(value: Any) -> str | None:
    return base64.b64encode(value.encode()).decode().rstrip("=") if isinstance(value, str) else None
