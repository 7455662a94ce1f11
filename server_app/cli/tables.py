"""Rows as JSON, JSON lines, CSV, or a table to look at."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TextIO

from server_app.vql.text import as_text, dump

Rows = Sequence[Mapping[str, Any]]


def writer_for(name: str, file: TextIO, remote: bool = True) -> Callable[[Rows], None]:
    """A function that writes parts of a result, by the format's name.

    `remote`: parts of an API's answer end in a newline; those made here stand one after another.
    """
    if name == "csv":
        return _CsvWriter(file)
    if name == "json":
        return _json(file, "\n" if remote else "")
    return {"jsonl": _jsonl, "text": _text}[name](file)


def escaped(text: str) -> str:
    """JSON as a real server prints it: what HTML could take for a tag is written as a number."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _json(file: TextIO, end: str) -> Callable[[Rows], None]:
    """Each part is an array of its own, as the real program prints them."""

    def write(rows: Rows) -> None:
        file.write((escaped(dump(rows, indent=1)) if rows else "[]") + end)

    return write


def _jsonl(file: TextIO) -> Callable[[Rows], None]:
    def write(rows: Rows) -> None:
        file.writelines(escaped(dump(row)) + "\n" for row in rows)

    return write


class _CsvWriter:
    """The columns of the first row are the header; a row with none of them is left out."""

    def __init__(self, file: TextIO) -> None:
        self._writer = csv.writer(file, lineterminator="\n")
        self._columns: list[str] = []

    def __call__(self, rows: Rows) -> None:
        for row in rows:
            if not self._columns:
                self._columns = list(row)
                self._writer.writerow(self._columns)
            if any(name in row for name in self._columns):
                self._writer.writerow([_cell(row.get(name)) for name in self._columns])


def _text(file: TextIO) -> Callable[[Rows], None]:
    """A table by the first row's columns; names in the middle, numbers to the right."""

    def write(rows: Rows) -> None:
        columns = list(rows[0]) if rows else []
        lines = [[_cell(row.get(name)) for name in columns] for row in rows]
        cells = [list(zip(*lines, strict=True))[at] if lines else () for at in range(len(columns))]
        widths = [
            max([len(name), *(len(part) for cell in below for part in cell.split("\n"))])
            for name, below in zip(columns, cells, strict=True)
        ]
        rule = "+" + "".join("-" * (width + 2) + "+" for width in widths) + "\n"
        names = (name.center(width) for name, width in zip(columns, widths, strict=True))
        file.write(rule)
        if columns:
            file.write("|" + "".join(f" {name} |" for name in names) + "\n")
        file.write(rule if columns else "")
        right = [all(_NUMBER.fullmatch(cell) for cell in below if cell) for below in cells]
        for line in lines:
            for part in itertools.zip_longest(*(cell.split("\n") for cell in line), fillvalue=""):
                shown = (
                    cell.rjust(width) if to_right else cell.ljust(width)
                    for cell, width, to_right in zip(part, widths, right, strict=True)
                )
                file.write("|" + "".join(f" {cell} |" for cell in shown) + "\n")
        file.write(rule)

    return write


_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return dump(value, indent=1) if isinstance(value, dict | list) else as_text(value)
