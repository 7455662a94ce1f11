"""How a drill looks on a terminal: phases as they go by, then the verdict and its reasons."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from recovery.cli.safe_console import safe_console
from recovery.counts import item_name, things
from recovery.drill.clock import Phase
from recovery.drill.conduct import Audience
from recovery.drill.report import Report
from recovery.drill.words import duration
from recovery.plain_text import plain
from recovery.verify.compare import FidelityLine

_STYLES = {
    "recovered": "bold green",
    "recovered with findings": "bold yellow",
    "not recovered": "bold red",
}
_WIDTH = 100


class PlainLines:
    """Lines for a log: seconds since the start, the phase, what it says."""

    def __init__(self) -> None:
        self._zero = time.monotonic()
        self._phase = ""

    def _line(self, text: str) -> None:
        print(f"[{time.monotonic() - self._zero:7.1f} s] {text}", file=sys.stderr, flush=True)  # noqa: T201

    def begins(self, phase: str) -> None:
        self._phase = phase
        self._line(f"{phase} …")

    def says(self, line: str) -> None:
        self._line(f"  {line}")

    def ends(self, phase: Phase) -> None:
        self._line(f"{phase.name}: {duration(phase.seconds)}")


class LiveLines:
    """The present phase with a clock and its last line; finished phases stay above."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None, said="")

    def begins(self, phase: str) -> None:
        self._progress.reset(self._task, description=phase, said="")

    def says(self, line: str) -> None:
        self._progress.update(self._task, said=plain(line))

    def ends(self, phase: Phase) -> None:
        line = Text.assemble(
            ("  ✓ ", "green"), f"{phase.name:<34}", (f"{duration(phase.seconds):>12}", "dim")
        )
        self._progress.console.print(line)


@contextmanager
def audience() -> Iterator[Audience]:
    """Live progress on a terminal, plain lines anywhere else; always on standard error."""
    console = safe_console(stderr=True)
    if not console.is_terminal:
        yield PlainLines()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", style="bold", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.fields[said]}", style="dim", markup=False),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield LiveLines(progress)


def show_plan(lines: Sequence[str], *, as_json: bool) -> None:
    """The plan of a drill."""
    if as_json:
        print(json.dumps({"plan": list(lines)}, indent=2))  # noqa: T201
        return
    console = safe_console()
    for number, line in enumerate(lines, 1):
        console.print(f"{number:>2}. {line}", soft_wrap=True)
    console.print("dry run: nothing was touched", style="dim")


def show_report(report: Report, files: Sequence[Path]) -> None:
    """Tables first, the verdict last, where the eye is when it ends."""
    console = safe_console()
    if not console.is_terminal:
        console = safe_console(width=_WIDTH, no_color=True)
    if report.fidelity:
        console.print(_fidelity(report.fidelity))
    console.print()
    console.print(_times(report))
    console.print()
    for check in report.checks:
        if check.outcome != "passed":
            console.print(f"check {check.outcome}: {check.name}: {check.detail}")
    for finding in report.findings:
        _say(console, Text(f"finding: {finding}", style="yellow"))
    _show_error(console, report)
    for item in report.not_checked:
        _say(console, Text(f"not checked: {item}", style="dim"))
    console.print()
    _say(console, _clocks(report))
    _show_since_copy(console, report)
    _show_server(console, report)
    for path in files:
        console.print(f"report: {path}", soft_wrap=True)
    if report.kept:
        _show_kept(console, report)
    console.print(Text(f"verdict: {report.verdict}", style=_STYLES[report.verdict]))


def _say(console: Console, text: Text) -> None:
    """A sentence: broken between words on a terminal, left whole for a log."""
    console.print(text, soft_wrap=not console.is_terminal)


def _fidelity(lines: Sequence[FidelityLine]) -> Table:
    """One row an item; expected are the things that were captured."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("what came back", "org"):
        table.add_column(name)
    for name in ("expected", "back", "lost", "changed"):
        table.add_column(name, justify="right")
    table.add_column("note", overflow="fold")
    for line in lines:
        style = "red" if line.falls_short else "yellow" if line.lost or line.changed else ""
        note = line.note or ", ".join(line.missing[:3])
        table.add_row(
            item_name(line.item),
            line.org,
            str(line.captured),
            str(line.restored),
            str(line.lost or ""),
            str(line.changed or ""),
            Text(note),
            style=style,
        )
    return table


def _times(report: Report) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("phase")
    table.add_column("took", justify="right")
    table.add_column("after the loss", justify="left")
    after = [m for m in report.moments if m.after_loss is not None]
    for phase in report.phases:
        inside = [
            f"{moment.name} {moment.after_loss:.1f} s"
            for moment in after
            if phase.began <= moment.at < phase.began + phase.seconds and moment.after_loss
        ]
        table.add_row(phase.name, duration(phase.seconds), " · ".join(inside))
    return table


def _clocks(report: Report) -> Text:
    budgets = report.budgets
    clients = report.clients
    back = (
        f"{clients.back} of {things(clients.expected_back, 'client')} back"
        if clients
        else "no clients"
    )
    captured = sum(line.captured for line in report.fidelity)
    restored = sum(line.restored for line in report.fidelity)
    passed = sum(check.outcome == "passed" for check in report.checks)
    return Text(
        f"RTO {duration(report.rto_seconds)} of {duration(budgets.rto_seconds)} · "
        f"RPO {duration(report.rpo_seconds)} of {duration(budgets.rpo_seconds)} · {back} · "
        f"{restored} of {things(captured, 'thing')} back · "
        f"{passed} of {things(len(report.checks), 'check')} passed"
    )


def _show_since_copy(console: Console, report: Report) -> None:
    """What came after the copy: the work that the RPO stands for."""
    since = report.since_copy
    if since is None:
        return
    lost = since.flows - since.came_back
    console.print(
        f"while and after it was copied the server accepted {things(since.flows, 'flow')} more: "
        f"{since.came_back} came back, {lost} are lost",
    )


def _show_server(console: Console, report: Report) -> None:
    if report.server is None:
        return
    line = f"server: {report.server.kind} {report.server.version}"
    if not report.server.proof_for_production:
        line += " — not proof for production"
    console.print(line)


def _show_error(console: Console, report: Report) -> None:
    error = report.error
    if error is None:
        return
    where = ": ".join(part for part in (error.step, error.target) if part)
    _say(console, Text(f"error: {where}: {error.message}", style="red"))
    if error.hint:
        _say(console, Text(f"  next: {error.hint}"))


def _show_kept(console: Console, report: Report) -> None:
    console.print("kept, until `recovery clean`:")
    for name in report.kept:
        console.print(f"  docker exec -it {name} bash")
