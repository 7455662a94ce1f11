"""What the cells of a notebook show."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from server_app.services.errors import ServiceError

if TYPE_CHECKING:
    from server_app.datastore.records import Record
    from server_app.services.org import OrgServices

_HEADING = re.compile(r"(#{1,6})\s+(.*)")
_FIRST_HEADING = re.compile(r"<h[1-4]>(.+?)</h")


def summary(cell: Record) -> Record:
    """What the notebook's own record keeps of a cell."""
    heading = _FIRST_HEADING.search(cell.get("output", ""))
    kept = ("notebook_id", "cell_id", "timestamp", "type", "current_version", "available_versions")
    made = {key: cell[key] for key in kept if key in cell}
    return {**made, "summary": heading[1]} if heading else made


def calculate(
    org: OrgServices, cell: Record, principal: str
) -> tuple[str, list[list[Any]], list[Any]]:
    """Output, rows of each query, log rows. A failing query is a log row, as in a real server."""
    if cell["type"] != "vql":
        return markdown(cell["input"]), [], []
    from server_app.client import abilities  # noqa: F401  registers info()
    from server_app.vql import run

    logs: list[str] = []
    try:
        rows = run(org, cell["input"], env={}, principal=principal, log=logs.append)
    except ServiceError as error:
        logs.append(f"ERROR:{error}")
        rows = []
    where = {"notebook_id": cell["notebook_id"], "client_id": "", "table_id": 1}
    where["cell_id"] = f"{cell['cell_id']}-{cell['current_version']}"
    parameters = quote(json.dumps(where, separators=(",", ":")))
    shown = f"<velo-csv-viewer base-url=\"'v1/GetTable'\" params='{parameters}' />"
    logged = [{"message": text} for text in logs]
    return f'<div class="panel">{shown}</div>', [rows], logged


def to_recalculate(cell: Record) -> Record:
    """A restored query cell shows its query instead of rows (facts: Notebook)."""
    if cell.get("type", "").lower() != "vql":
        return cell
    text = html.escape(cell.get("input", ""))
    return {**cell, "output": f"<p>Recalculate this cell:</p>\n<pre>{text}\n</pre>"}


def markdown(text: str) -> str:
    """Headings, lists and paragraphs as HTML: as much as a rehearsal looks at."""
    out: list[str] = []
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = block.splitlines()
        while lines and (heading := _HEADING.match(lines[0])):
            level = len(heading[1])
            out.append(f"<h{level}>{html.escape(heading[2])}</h{level}>\n")
            lines.pop(0)
        if lines and all(line.lstrip().startswith("* ") for line in lines):
            items = "".join(f"<li>{html.escape(line.lstrip()[2:])}</li>\n" for line in lines)
            out.append(f"<ul>\n{items}</ul>\n")
        elif lines:
            out.append(f"<p>{html.escape(chr(10).join(lines))}</p>\n")
    return "\n".join(out)
