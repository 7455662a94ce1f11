"""The choice as a stack's configuration, with what else must be set up said in its comments."""

from datetime import timedelta

from recovery.choose.strategies import STRATEGIES, Row
from recovery.settings import parse_settings


def configuration(row: Row, vault: str, source: str, asked: str) -> str:
    """The text of a ``Pulumi.STACK.yaml``. ``asked``: the command line that led here.

    Raises :class:`recovery.errors.BadInputError` when the settings wouldn't be taken.
    """
    strategy = next(one for one in STRATEGIES if one.name == row.strategy)
    parts = ",".join(strategy.parts)
    vault = vault or "/path/to/vault"
    parse_settings({"vault": vault, "strategy": parts})
    todo = "\n".join(f"#   {line}" for line in _steps(row, vault, source or "ssh://root@SERVER"))
    return f"""\
# Chosen by: {asked}
# {row.strategy}: clients served {row.time.served:.0f} s after the loss ({row.time.basis}).
# Besides this file, on the day before:
{todo}
config:
  recovery:vault: {vault}
  recovery:strategy: {parts}
"""


def _steps(row: Row, vault: str, source: str) -> list[str]:
    if row.every is None:
        return ["recovery package build …, and keep the package: nothing is captured regularly"]
    every = length(row.every)
    if row.strategy == "hot spare":
        return [
            "recovery standby --help: set up the second server",
            f"sync at most every {every}; a spare repeats a deletion, so keep a copy as well:",
            f"recovery datastore backup --help (vault {vault})",
        ]
    if row.strategy == "datastore":
        return [f"recovery datastore backup --help: from {source}, every {every}"]
    parts = row.strategy
    return [
        f"every {every}: recovery capture --from {source} --vault {vault} --strategy {parts}",
        "(recovery schedule --help: as a systemd timer)",
    ]


def length(time: timedelta) -> str:
    """``90 s``, ``15 min``, ``6 h``, as short as it is exact to the minute."""
    seconds = int(time.total_seconds())
    if seconds < 120:  # noqa: PLR2004
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 120:  # noqa: PLR2004
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h" if not rest else f"{hours} h {rest} min"
