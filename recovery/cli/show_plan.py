"""How the comparison of strategies looks on a terminal, and as JSON."""

import json
from typing import Any

from rich.table import Table
from rich.text import Text

from recovery.choose.prices import GB, Prices
from recovery.choose.recovery_time import Waits
from recovery.choose.sizes import Sizes
from recovery.choose.strategies import Choice, Row
from recovery.choose.wishes import BEYOND
from recovery.choose.write_config import length
from recovery.cli.safe_console import safe_console
from recovery.counts import things

_FEW = 3
_WORDS = {BEYOND: "running flows, client events, logs, exports"}


def plan_table(choice: Choice, sizes: Sizes, prices: Prices, waits: Waits) -> None:
    """A line a strategy, the recommended one marked, then what it loses by name."""
    console = safe_console()
    # Seven columns of numbers beside the names: they have to fit a terminal of 80 letters.
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("strategy", no_wrap=True, min_width=19)
    for title in ("RPO", "RTO", "all back", "stored", "in a year", "sent/mo"):
        table.add_column(title, justify="right")
    table.add_column("USD/mo", justify="right", no_wrap=True)
    for row in choice.rows:
        table.add_row(*_cells(row, sizes, row.strategy == choice.recommended))
    console.print(table)
    for row in choice.rows:
        if row.unmet:
            lacks = ", ".join(_word(one) for one in row.unmet)
            console.print(f"{row.strategy} lacks: {lacks}", style="red")
    held = f"{things(sizes.files, 'file')}, {_gb(sizes.total)}, {things(sizes.flow_count, 'flow')}"
    console.print(
        f"vault: {prices.vault}",
        "stored: now, and after a year by the default retention",
        f"sizes: {sizes.source}" + f": {held}" * sizes.known,
        f"RTO: with {waits.ttl:g} s of TTL, {waits.poll:g} s of poll, 60 s for a new machine",
        sep="\n",
    )
    chosen = next(row for row in choice.rows if row.strategy == choice.recommended)
    word = "recommended" if choice.enough else "none gives all that was asked; nearest"
    color = "green" if choice.enough else "red"
    console.print(f"{word}: {chosen.strategy}", style=f"bold {color}")
    every = f"every {length(chosen.every)}; " if chosen.every else ""
    console.print(f"  {every}RTO {length_of(chosen.time.served)}: {chosen.time.basis}")
    if chosen.bill.dollars_to_recover:
        console.print(f"  a recovery reads for {chosen.bill.dollars_to_recover:.2f} USD")
    for line in lost_lines(chosen):
        console.print(f"  lost: {line}")


def _cells(row: Row, sizes: Sizes, chosen: bool) -> list[Text | str]:
    bill = row.bill
    stored = later = sent = "?"
    price = "?"
    if sizes.known:
        stored, later, sent = (
            _gb(size) for size in (bill.stored, bill.stored_in_a_year, bill.sent_a_month)
        )
        if bill.dollars is not None and bill.dollars_in_a_year is not None:
            now, then = f"{bill.dollars:.2f}", f"{bill.dollars_in_a_year:.2f}"
            price = now if now == then else f"{now}–{then}"
    if row.strategy == "hot spare":
        price = "a machine"
    name = Text(f"▶ {row.strategy}", style="green") if chosen else f"  {row.strategy}"
    return [
        name,
        length(row.rpo) if row.rpo else "no data",
        length_of(row.time.served),
        length_of(row.time.whole),
        stored,
        later,
        sent,
        price,
    ]


def lost_lines(row: Row) -> list[str]:
    """What would not come back: how many of it, and the first names. Empty things aren't lost."""
    lines = []
    for item, names in row.lost.items():
        word = _word(item)
        if not names:
            lines.append(word)
            continue
        more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
        lines.append(f"{word} ({len(names)}): {', '.join(names[:_FEW])}{more}")
    return lines


def _word(item: str) -> str:
    return _WORDS.get(item, item.replace("_", " "))


def length_of(seconds: float) -> str:
    """As :func:`recovery.choose.write_config.length`, of seconds."""
    from datetime import timedelta

    return length(timedelta(seconds=seconds))


def _gb(size: float) -> str:
    return f"{size / GB:.2f} GB" if size >= GB / 100 else f"{size / 1e6:.1f} MB"


def plan_json(choice: Choice, sizes: Sizes, prices: Prices, waits: Waits) -> str:
    """Everything, for a program. Lengths in seconds, sizes in bytes, prices in dollars a month."""
    from dataclasses import asdict

    def row(one: Row) -> dict[str, Any]:
        return {
            "strategy": one.strategy,
            "every_seconds": one.every.total_seconds() if one.every else None,
            "rpo_seconds": one.rpo.total_seconds() if one.rpo else None,
            "rto_seconds": one.time.served,
            "all_back_seconds": one.time.whole,
            "rto_basis": one.time.basis,
            "lost": one.lost,
            "lacks": list(one.unmet),
            **asdict(one.bill),
        }

    return json.dumps(
        {
            "recommended": choice.recommended,
            "enough": choice.enough,
            "rows": [row(one) for one in choice.rows],
            "sizes": asdict(sizes),
            "prices": asdict(prices),
            "waits": asdict(waits),
        },
        indent=1,
        default=str,
    )
