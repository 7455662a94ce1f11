"""The choice as a stack's configuration, with what else must be set up said in its comments."""

import json
import shlex
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
    values = {"vault": vault} | ({"standby": "true"} if strategy.spare else {"strategy": parts})
    parse_settings(values)
    settings = "".join(f"  recovery:{name}: {json.dumps(text)}\n" for name, text in values.items())
    named = [shlex.quote(uri) for uri in (vault, source or "ssh://root@SERVER")]
    todo = "\n".join(f"#   {line}" for line in _steps(row, *named))
    asked = " ".join(asked.split())
    return f"""\
# Chosen by: {asked}
# {row.strategy}: clients served {row.time.served:.0f} s after the loss ({row.time.basis}).
# Besides this file, on the day before:
{todo}
config:
{settings}"""


def _steps(row: Row, vault: str, source: str) -> list[str]:
    if row.every is None:
        return ["recovery package build …, and keep the package: nothing is captured regularly"]
    every = length(row.every)
    if row.strategy == "hot spare":
        return [
            "`pulumi up` with it makes the second server, its service held; then:",
            f"recovery standby init --active {source} --spare URI --vault {vault} --switch …",
            f"recovery standby schedule install --vault {vault} --every {spelled(row.every)}",
            "A spare repeats a deletion, so keep copies as well:",
            f"recovery datastore backup --from {source} --vault {vault} --repository …",
        ]
    if row.strategy == "datastore":
        return [
            f"every {every} (cron, docs/schedule.md): recovery datastore backup \\",
            f"  --from {source} --vault {vault} --repository …",
        ]
    return [
        f"recovery schedule install --from {source} --vault {vault} \\",
        f"  --every {spelled(row.every)} --jitter 0s --strategy {row.strategy}",
    ]


def spelled(time: timedelta) -> str:
    """As ``--every`` takes it: ``90s``, ``15m``, ``6h``, ``1d``; a second begun counts."""
    seconds = -int(-time.total_seconds() // 1)
    units = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
    unit, size = next((unit, size) for unit, size in units if seconds % size == 0)
    return f"{seconds // size}{unit}"


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
