"""The report for a CI service: JUnit XML, a case for each check, line of the table and clock."""

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from recovery.drill.report import Report


def junit_xml(report: Report) -> str:
    """Findings are failures, what could not be checked is an error or skipped; never passed."""
    cases = [*_cases(report)]
    failures = sum("<failure" in body for _, body, _ in cases)
    errors = sum("<error" in body for _, body, _ in cases)
    skipped = sum("<skipped" in body for _, body, _ in cases)
    total = sum(phase.seconds for phase in report.phases)
    suite = (
        f'<testsuites><testsuite name="recovery drill" tests="{len(cases)}" '
        f'failures="{failures}" errors="{errors}" skipped="{skipped}" time="{total:.3f}" '
        f'timestamp="{report.started_at:%Y-%m-%dT%H:%M:%S}">'
    )
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', suite]
    for name, body, seconds in cases:
        room, _, what = name.partition(": ")
        attributes = f"classname={quoteattr(f'drill.{room}')} name={quoteattr(what or room)}"
        lines.append(f'<testcase {attributes} time="{seconds:.3f}">{body}</testcase>')
    return "\n".join([*lines, "</testsuite></testsuites>", ""])


def _cases(report: Report) -> Iterator[tuple[str, str, float]]:
    """(``room: name``, what is inside, seconds)."""
    if report.error is not None:
        yield "drill: came to its end", _told("error", report.error.message), 0.0
    for phase in report.phases:
        yield f"phase: {phase.name}", "", phase.seconds
    for check in report.checks:
        words = check.detail or check.outcome
        kinds = {"passed": "", "failed": "failure", "error": "error", "skipped": "skipped"}
        kind = kinds[check.outcome]
        yield check.name, _told(kind, words) if kind else "", check.seconds
    for line in report.fidelity:
        short = f"{line.lost} lost, {line.changed} changed of {line.captured}"
        words = f"{short}: {', '.join(line.missing)}"
        yield (
            f"fidelity: {line.org} {line.item}",
            _told("failure", words) if line.falls_short else "",
            0.0,
        )
    yield "budget: RTO", _budget(report.rto_seconds, report.budgets.rto_seconds), 0.0
    yield "budget: RPO", _budget(report.rpo_seconds, report.budgets.rpo_seconds), 0.0
    for finding in report.findings:
        yield f"finding: {finding}", _told("failure", finding), 0.0


def _budget(seconds: float | None, allowed: float) -> str:
    if seconds is None:
        return _told("skipped", "there is no value")
    return _told("failure", f"{seconds:g} s, {allowed:g} s allowed") if seconds > allowed else ""


def _told(kind: str, words: str) -> str:
    return f"<{kind} message={quoteattr(words)}>{escape(words)}</{kind}>"
