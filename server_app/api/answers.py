"""A query's rows and log lines as the messages of its stream."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from server_app.api.messages import VQLResponse
from server_app.vql.parse import VQLSyntaxError
from server_app.vql.scope import QueryCancelled, Run
from server_app.vql.session import Session
from server_app.vql.text import dump

DEFAULT_WAIT = 10
"""Seconds after which rows are sent although a message isn't full."""


class Log:
    """Lines waiting to be sent; also the sink that a Run writes to."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self.started = time.monotonic()

    def __call__(self, text: str) -> None:
        self._lines.append(text)

    def messages(self) -> Iterator[Any]:
        r"""Takes the waiting lines, each as a message of its own (`LEVEL:text\\n`)."""
        lines, self._lines = self._lines, []
        for line in lines:
            yield VQLResponse(timestamp=_microseconds(), log=line.rstrip("\n") + "\n")


def stream(request: Any, run: Run, log: Log) -> Iterator[Any]:
    """All messages answering a request.

    Rows go out in parts of `max_row` (0: a row a message). A query that can't
    be parsed, runs out of time or fails ends the stream with a log line and
    status OK (facts: errors are mostly only logs).
    """
    session = Session(run, {item.key: item.value for item in request.env})
    log("Starting query execution.")
    try:
        for query in request.Query:
            for position, rows in session.results(query.VQL):
                yield from _parts(request, query, position, rows, log)
    except VQLSyntaxError as error:
        log(f"VQL Error: {error}.")
    except RecursionError:
        log("VQL Error: query nested too deeply.")
    except QueryCancelled:
        pass
    yield from log.messages()


def _parts(request: Any, query: Any, position: int, rows: Iterator[Any], log: Log) -> Iterator[Any]:
    """A statement's rows in parts, at least one: a part goes out when a row comes that it has no
    place for (so `max_row` 0 begins with an empty one), or at the end; its log line goes before.
    """
    patience = request.max_wait or DEFAULT_WAIT
    batch: list[str] = []
    columns: list[str] = []
    part, flushed = 0, time.monotonic()
    try:
        for row in rows:
            if len(batch) >= request.max_row or time.monotonic() - flushed > patience:
                yield from _sent(query, position, part, columns, batch, log)
                batch, flushed, part = [], time.monotonic(), part + 1
            if not batch:
                columns = list(row)
            batch.append(dump(row))
            yield from log.messages()
    except QueryCancelled:  # what was there until then is still sent
        yield from log.messages()
        if batch:
            yield _message(query, position, part, columns, batch)
        raise
    yield from _sent(query, position, part, columns, batch, log)


def _sent(
    query: Any, position: int, part: int, columns: list[str], batch: list[str], log: Log
) -> Iterator[Any]:
    _note(log, query, part, batch)
    yield from log.messages()
    yield _message(query, position, part, columns if batch else [], batch)


def _message(query: Any, position: int, part: int, columns: list[str], batch: list[str]) -> Any:
    return VQLResponse(
        Response="[" + ",".join(batch) + "]",
        Columns=columns,
        Query=query,
        query_id=position,
        part=part,
        timestamp=_microseconds(),
    )


def _note(log: Log, query: Any, part: int, batch: list[str]) -> None:
    size = sum(map(len, batch)) + max(1, len(batch)) + 1
    elapsed = int(time.monotonic() - log.started)
    log(
        f"Time {elapsed}: {query.Name}: "
        f"Sending response part {part} {_readable(size)} ({len(batch)} rows)."
    )


def _readable(size: int) -> str:
    """A size in decimal units, one digit after the point below ten."""
    amount, unit = float(size), "B"
    for larger in ("kB", "MB", "GB"):
        if amount < _DECIMAL_STEP:
            break
        amount, unit = amount / _DECIMAL_STEP, larger
    digits = 1 if amount < _SHORT and unit != "B" else 0
    return f"{amount:.{digits}f} {unit}"


_DECIMAL_STEP, _SHORT = 1000, 10


def _microseconds() -> int:
    return time.time_ns() // 1000
