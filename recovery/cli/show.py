"""How results of a recovery look on a terminal, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from recovery.cli.safe_console import safe_console

if TYPE_CHECKING:
    from recovery.restore.request import GroupResult


def result_json(results: Sequence[GroupResult]) -> str:
    """All groups' outcomes, findings and facts as one JSON object."""
    findings = [finding for result in results for o in result.outcomes for finding in o.findings]
    facts = {name: value for result in results for name, value in result.facts.items()}
    proof = json.loads(facts.pop("proof", "null"))
    return json.dumps(
        {
            "verdict": "recovered with findings" if findings else "recovered",
            "outcomes": [o.model_dump() for result in results for o in result.outcomes],
            "findings": findings,
            "facts": facts,
            "proof": proof,
        },
        indent=1,
    )


def show_result(results: Sequence[GroupResult]) -> None:
    """The steps as a table, then what was found, then the verdict, and what is left to do."""
    console = safe_console()
    table = Table("step", "", "what", "seconds", box=None, header_style="bold")
    findings = []
    for result in results:
        for outcome in result.outcomes:
            table.add_row(outcome.step, outcome.status, outcome.detail, f"{outcome.seconds:.1f}")
            findings += outcome.findings
    console.print(table)
    for finding in findings:
        console.print(f"finding: {finding}", style="yellow")
    verdict = "recovered with findings" if findings else "recovered"
    console.print(f"verdict: {verdict}", style="bold")
    for result in results:
        if step := result.facts.get("next"):
            console.print(f"next: {step}", soft_wrap=True)
