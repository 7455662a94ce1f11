"""Where a drill keeps its files: a private folder while it runs, the reports for later."""

from datetime import datetime
from pathlib import Path

from recovery.state_folder import state_folder


def runs_folder() -> Path:
    """One folder a run in it."""
    return state_folder() / "drills"


def report_folder(ident: str, given: Path | None, begun: datetime) -> Path:
    """Where the report goes: as asked, else beside those of earlier drills."""
    if given is not None:
        return given
    return state_folder() / "reports" / f"{begun:%Y%m%dT%H%M%SZ}-{ident}"
