"""``recovery doctor``: is everything there to run a drill?"""

import json
from pathlib import Path
from typing import Annotated

import typer

from recovery.cli.options import AsJson
from recovery.cli.terminal import echo
from recovery.errors import EXIT_FAILED

_STYLES = {"ok": "green", "note": "yellow", "missing": "red"}


def doctor(
    server_binary: Annotated[
        Path | None, typer.Option(help="look at this Velociraptor, not at the reference server")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Looks whether a drill can run here; changes nothing. Each line names its remedy.

    Exit code: 0 a drill can run; 2 something is missing.

    Examples:

      recovery doctor

      recovery doctor --server-binary ./velociraptor --json
    """
    from rich.table import Table
    from rich.text import Text

    from recovery.cli.safe_console import safe_console
    from recovery.drill.doctor import examine

    findings = examine(server_binary)
    missing = [one for one in findings if one.status == "missing"]
    if as_json:
        ready = not missing
        needs = [one.as_dict() for one in findings]
        echo(json.dumps({"ready": ready, "needs": needs}, indent=2))
    else:
        console = safe_console()
        table = Table("needed", "", box=None, header_style="bold")
        for name in ("found", "remedy"):
            table.add_column(name, overflow="fold")
        for one in findings:
            status = Text(one.status, style=_STYLES[one.status])
            table.add_row(one.name, status, Text(one.detail), Text(one.remedy))
        console.print(table)
        count = f"{len(missing)} of {len(findings)} needs are missing"
        console.print("a drill can run here" if not missing else count, style="bold")
    raise typer.Exit(EXIT_FAILED if missing else 0)
