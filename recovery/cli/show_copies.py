"""How complete copies look on a terminal."""

from collections.abc import Sequence

from rich.table import Table

from recovery.capture.tie_copies import Tie
from recovery.cli.safe_console import safe_console


def copies_table(ties: Sequence[Tie]) -> None:
    """One line a copy; what is long (another repository's address) goes on below."""
    table = Table(box=None, padding=(0, 1, 0, 0))
    for title in ("copy", "taken (UTC)", "recovery point", "files", "MB"):
        table.add_column(title, no_wrap=True)
    table.add_column("", overflow="fold")
    for one in ties:
        taken = f"{one.taken_at:%Y-%m-%d %H:%M:%S}" if one.taken_at else ""
        size = f"{one.bytes / 1e6:.0f}" if one.bytes else ""
        files = str(one.files) if one.files else ""
        state = f"in {one.repository}" if one.state == "in another repository" else one.state
        table.add_row(one.snapshot[:8], taken, one.point, files, size, state)
    safe_console().print(table)
