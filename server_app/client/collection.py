"""Runs a task: evaluates its queries one after another and says what came out."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import Any

from server_app.client.abilities import Send, Where, on
from server_app.vql.parse import VQLSyntaxError
from server_app.vql.scope import QueryCancelled, Run
from server_app.vql.session import Session

_OK, _FAILED = 0, 10
_ERRORS = re.compile(
    r"error:|symbol.+?not found|expecting a path arg type, not|field.+?is required|unexpected arg",
    re.IGNORECASE,
)
"""A log line like this counts as an error (read in the source: the first one fails the query)."""


class LimitError(QueryCancelled):
    """The flow has brought more than its request allows."""


@dataclass
class Budget:
    """What a flow's request allows, and what of it is used; 0 allows everything."""

    flow_id: str
    most_rows: int
    most_bytes: int
    rows: int = 0
    bytes: int = 0

    @classmethod
    def of(cls, task: dict[str, Any]) -> Budget:
        request = task.get("FlowRequest", {})
        most = (int(request.get(name) or 0) for name in ("max_rows", "max_upload_bytes"))
        return cls(task["session_id"], *most)

    def charge_rows(self, number: int) -> None:
        self.rows += number
        self._check("Rows", self.rows, self.most_rows)

    def charge_bytes(self, number: int) -> None:
        self.bytes += number
        self._check("Upload bytes", self.bytes, self.most_bytes)

    def _check(self, what: str, used: int, most: int) -> None:
        if 0 < most < used:
            raise LimitError(
                f"{what} {used} exceeded limit {most} for flow {self.flow_id}. Cancelling."
            )


def run_task(task: dict[str, Any], host: dict[str, Any], send: Send) -> dict[str, Any]:
    """The report of a flow: an answer a query (rows, statistics), and the logs."""
    logs: list[dict[str, Any]] = []
    uploads: list[int] = []
    budget = Budget.of(task)

    def sent(accessor: str, components: list[str], data: bytes) -> None:
        uploads.append(len(data))
        budget.charge_bytes(len(data))
        send(accessor, components, data)

    answers = []
    for collector in task.get("FlowRequest", {}).get("VQLClientActions", []):
        uploads.clear()
        with on(Where(host, sent)):
            answers.append(_answer(collector, logs, uploads, budget))
    return {"flow_id": task["session_id"], "answers": answers, "logs": logs}


def _answer(
    collector: dict[str, Any], logs: list[dict[str, Any]], uploads: list[int], budget: Budget
) -> dict[str, Any]:
    started = time.time_ns()
    before = len(logs)
    errors: list[str] = []

    def log(text: str) -> None:
        level, _, message = text.partition(":")
        known = level if level in {"DEBUG", "INFO", "WARN", "ERROR"} else "DEFAULT"
        message = message if known == level else text
        if known == "ERROR" or _ERRORS.search(message):
            known = "ERROR"
            errors.append(message)
        logs.append({"client_time": time.time_ns() // 10**9, "level": known, "message": message})

    name = _name(collector)
    log(f"INFO:Starting query execution for {name}.\n")
    rows, problem = _rows(collector, log)
    try:
        budget.charge_rows(len(rows))
    except LimitError as limit:
        problem = str(limit)
    if budget.flow_id in problem:
        log(f"ERROR:{problem}")
        log(f"ERROR:Cancelled all in-flight queries for flow {budget.flow_id}")
    elif errors and not problem:
        problem = f"{errors[0].rstrip()}\n"
    size = sum(len(json.dumps(row, default=str)) + 1 for row in rows)
    if rows:
        part = f"Sending response part 0 {_shown(size)} ({len(rows)} rows)."
        log(f"{name}: Time 0: {name}: {part}")
    took = time.time_ns() - started
    log(f"INFO:Collection {name} is done after {took / 1e6:f}ms\n")
    log(f'DEBUG:Query Stats: {{"RowsScanned":{len(rows)}}}\n')
    stats = {
        "status": _FAILED if problem else _OK,
        "error_message": problem,
        "duration": took,
        "first_active": started // 1000,
        "last_active": time.time_ns() // 1000,
        "log_rows": len(logs) - before,
        "uploaded_files": len(uploads),
        "uploaded_bytes": sum(uploads),
        "expected_uploaded_bytes": sum(uploads),
        "result_rows": len(rows),
    }
    return {"rows": rows, "stats": stats}


def _name(collector: dict[str, Any]) -> str:
    """The hidden name of what is queried; the server knows the true one."""
    queries = collector.get("Query") or [{}]
    return str(queries[-1].get("Name") or f"query {collector.get('query_id', 1)}")


def _shown(size: int) -> str:
    """A size as the real client's lines have it: 865 B, 3.4 kB, 21 MB."""
    amount, units = float(size), ["B", "kB", "MB", "GB"]
    while amount >= 1000 and len(units) > 1:  # noqa: PLR2004
        amount /= 1000
        units.pop(0)
    return f"{amount:.{int(amount < 10 and units[0] != 'B')}f} {units[0]}"  # noqa: PLR2004


def _rows(collector: dict[str, Any], log: Any) -> tuple[list[Any], str]:
    env = {item["key"]: item.get("value", "") for item in collector.get("env", [])}
    text = "\n".join(query["VQL"] for query in collector.get("Query", []))
    try:
        condition = collector.get("precondition", "")
        if condition and not _evaluated(condition, env, log):
            log(f"INFO:{_name(collector)}: Skipping query due to preconditions\n")
            return [], ""
        return _evaluated(text, env, log), ""
    except VQLSyntaxError as error:
        return [], f"VQL Error: {error}"
    except LimitError as limit:
        return [], str(limit)
    except (QueryCancelled, RecursionError) as error:
        return [], f"query ended: {error}"


def _evaluated(text: str, env: dict[str, str], log: Any) -> list[Any]:
    session = Session(Run(None, None, log), env)
    return [plain(row) for _, rows in session.results(text) for row in rows]


def plain(value: Any) -> Any:
    """The value as JSON has it."""
    if hasattr(value, "items"):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return str(value)
