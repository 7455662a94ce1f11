"""The report as files: JSON, a page, JUnit. Written aside first: none is ever half there."""

from pathlib import Path

from recovery.drill.junit import junit_xml
from recovery.drill.page import page
from recovery.drill.report import Report
from recovery.errors import RecoveryError

JSON = "report.json"
PAGE = "report.html"


def write_report(report: Report, folder: Path, junit: Path | None) -> list[Path]:
    """Writes report.json and report.html into ``folder``, and JUnit where asked; their paths.

    Raises :class:`RecoveryError` when the disk refuses.
    """
    wanted = {
        folder / JSON: report.model_dump_json(indent=2) + "\n",
        folder / PAGE: page(report),
    }
    if junit is not None:
        wanted[junit] = junit_xml(report)
    try:
        for path, text in wanted.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{path.name}.part")
            part.write_text(text, encoding="utf-8")
            part.replace(path)
    except OSError as refused:
        raise RecoveryError(
            f"the report could not be written: {refused.strerror}",
            step="write the report",
            target=str(refused.filename or folder),
            hint="give another folder by --report; the drill itself is over",
        ) from refused
    return list(wanted)
