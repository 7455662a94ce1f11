"""How a proof looks on a terminal, and as JSON."""

import json

from rich.table import Table
from rich.text import Text

from recovery.cli.safe_console import safe_console
from recovery.counts import items
from recovery.vault.manifest import Manifest
from recovery.verify.compare import FidelityLine
from recovery.verify.prove import Proof

_STYLES = {"passed": "green", "failed": "red", "error": "red", "skipped": "yellow"}


def verdict(proof: Proof) -> str:
    """One word for all of it."""
    return "verified with findings" if proof.findings else "verified"


def proof_json(proof: Proof, target: str, manifest: Manifest | None) -> str:
    """Verdict, target, recovery point, and the whole proof: JSON."""
    head = {
        "verdict": verdict(proof),
        "target": target,
        "point": manifest.point if manifest else None,
    }
    return json.dumps(head | proof.model_dump(), indent=1)


def show_proof(proof: Proof) -> None:
    """The checks, the table of captured against restored, the findings, the verdict."""
    console = safe_console()
    checks = Table("check", "", "what", "seconds", box=None, header_style="bold")
    for check in proof.checks:
        outcome = Text(check.outcome, style=_STYLES[check.outcome])
        checks.add_row(check.name, outcome, Text(check.detail), f"{check.seconds:.1f}")
    console.print(checks)
    if proof.fidelity:
        console.print(fidelity_table(proof.fidelity))
    for account in proof.held_back:
        console.print(f"held back, not to come back yet: {account}")
    for item, count in proof.not_chosen.items():
        console.print(f"not chosen: {items(count, item)}")
    for finding in proof.findings:
        console.print(f"finding: {finding}", style="yellow")
    console.print(f"verdict: {verdict(proof)}", style="bold")


def fidelity_table(lines: list[FidelityLine]) -> Table:
    """One row an org and item."""
    table = Table(box=None, header_style="bold")
    for name in ("org", "item"):
        table.add_column(name)
    for name in ("captured", "back", "lost", "changed", "added"):
        table.add_column(name, justify="right")
    table.add_column("note")
    for line in lines:
        style = "red" if line.falls_short else "yellow" if line.expected else ""
        table.add_row(
            line.org,
            line.item,
            str(line.captured),
            str(line.restored),
            str(line.lost or ""),
            str(line.changed or ""),
            str(line.added or ""),
            Text(line.note or ", ".join(line.missing[:5])),
            style=style,
        )
    return table
