"""The report as one page: no script, nothing from elsewhere, every word escaped."""

from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from recovery.counts import item_name, things
from recovery.drill.report import Report
from recovery.drill.timeline import WIDTH, loss_drawing, phases_drawing
from recovery.drill.words import duration
from recovery.verify.compare import FidelityLine

_TEMPLATE = "report.html.j2"
_TONES = {"recovered": "good", "recovered with findings": "fair", "not recovered": "bad"}


def page(report: Report) -> str:
    """Draws the page. ``StrictUndefined``: a value that is missing is an error, never a gap."""
    environment = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"duration": duration, "item": item_name}
    return environment.get_template(_TEMPLATE).render(_view(report))


def _source(name: str) -> str:
    return (files("recovery.drill") / "templates" / name).read_text(encoding="utf-8")


def _view(report: Report) -> dict[str, Any]:
    passed = sum(check.outcome == "passed" for check in report.checks)
    captured = sum(line.captured for line in report.fidelity)
    restored = sum(line.restored for line in report.fidelity)
    return {
        "report": report,
        "tone": _TONES[report.verdict],
        "width": WIDTH,
        "phases": phases_drawing(report),
        "from_loss": loss_drawing(report),
        "lines": losses_first(report.fidelity),
        "passed": passed,
        "captured": captured,
        "restored": restored,
        "things": things,
    }


def losses_first(lines: list[FidelityLine]) -> list[FidelityLine]:
    """Unexpected losses, then expected ones, then what nobody captured, then the rest."""
    return sorted(
        lines,
        key=lambda line: (
            not line.falls_short,
            not (line.lost or line.changed),
            not line.added,
        ),
    )
