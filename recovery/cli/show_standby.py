"""How a hot spare looks on a terminal."""

from typing import Any

import typer

from recovery.cli.terminal import echo
from recovery.counts import things
from recovery.errors import EXIT_FINDINGS


def end(promotion: Any, as_json: bool) -> None:
    """Shows a promotion, and ends with 1 where something falls short."""
    import json
    from dataclasses import asdict

    from recovery.standby.pair import name_of

    short = bool(promotion.findings) or (promotion.back < promotion.clients and promotion.served)
    if as_json:
        told = {**asdict(promotion), "outcomes": [o.model_dump() for o in promotion.outcomes]}
        echo(json.dumps(told, indent=1))
    else:
        lost = "nothing" if not promotion.rpo else f"at most the last {promotion.rpo:.0f} s of work"
        echo(f"{name_of(promotion.new)} serves (epoch {promotion.epoch}); lost: {lost}")
        if promotion.served is not None:
            echo(
                f"{promotion.back} of {promotion.clients} clients are served again, "
                f"{promotion.served:.1f} s after the beginning"
            )
        for finding in promotion.findings:
            echo(f"finding: {finding}")
    raise typer.Exit(EXIT_FINDINGS if short else 0)


def tell_lag(status: Any) -> None:
    """One line for a log."""
    lag = "no copy yet" if status.lag is None else f"the copy is {status.lag:.0f} s old"
    echo(f"{lag} · {things(len(status.findings), 'finding')}", err=True)


def tell_status(status: Any) -> None:
    """Both machines as a table, then what falls short."""
    from rich.table import Table

    from recovery.cli.safe_console import safe_console

    table = Table(box=None, header_style="bold", padding=(0, 1, 0, 0))
    for title in ("", "machine", "service", "copy", "clock", "free"):
        table.add_column(title, overflow="fold")
    for role, side in (("serves", status.serves), ("spare", status.spare)):
        age = f"{side.last.age:.0f} s old, {things(side.last.files, 'file')}" if side.last else ""
        table.add_row(
            role,
            side.name,
            side.service if side.reached else "not reached",
            age if role == "spare" else "",
            f"{side.skew:+.1f} s" if side.reached else "",
            "" if side.free is None else f"{side.free / 1e9:.1f} GB",
        )
    console = safe_console()
    console.print(table)
    checked = status.spare.checked
    if checked:
        console.print(f"last trial, {checked['age'] / 3600:.1f} h ago: {checked['says']}")
    for finding in status.findings:
        console.print(f"finding: {finding}", style="yellow")
