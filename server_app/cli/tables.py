"""Rows as JSON, JSON lines, CSV, or a table to look at."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TextIO

from server_app.vql.values import as_text, dump, plain

Rows = Sequence[Mapping[str, Any]]


def writer_for(name: str, file: TextIO) -> Callable[[Rows], None]:
    """A function that writes parts of a result, by the format's name."""
    if name == "csv":
        return _CsvWriter(file)
    return {"json": _json, "jsonl": _jsonl, "text": _text}[name](file)


def _json(file: TextIO) -> Callable[[Rows], None]:
    """Each part is an array of its own, as the real program prints them."""

    def write(rows: Rows) -> None:
        file.write(json.dumps(rows, default=plain, indent=1, ensure_ascii=False) + "\n")

    return write


def _jsonl(file: TextIO) -> Callable[[Rows], None]:
    def write(rows: Rows) -> None:
        file.writelines(dump(row) + "\n" for row in rows)

    return write


class _CsvWriter:
    """The columns of the first row are the header."""

    def __init__(self, file: TextIO) -> None:
        self._writer = csv.writer(file, lineterminator="\n")
        self._columns: list[str] = []

    def __call__(self, rows: Rows) -> None:
        for row in rows:
            if not self._columns:
                self._columns = list(row)
                self._writer.writerow(self._columns)
            self._writer.writerow([_cell(row.get(name)) for name in self._columns])


def _text(file: TextIO) -> Callable[[Rows], None]:
    def write(rows: Rows) -> None:
        columns = list(dict.fromkeys(name for row in rows for name in row))
        lines = [columns, *([_cell(row.get(name)) for name in columns] for row in rows)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
        rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+\n"
        for number, line in enumerate(lines):
            cells = (f" {cell:<{width}} " for cell, width in zip(line, widths, strict=True))
            file.write((rule if number < 2 else "") + "|" + "|".join(cells) + "|\n")  # noqa: PLR2004
        file.write(rule)

    return write


def _cell(value: Any) -> str:
    return "" if value is None else as_text(value)
