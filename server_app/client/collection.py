"""Runs a task: evaluates its queries one after another and says what came out."""

from __future__ import annotations

import json
import time
from typing import Any

from server_app.client.abilities import Send, Where, on
from server_app.vql.parse import VQLSyntaxError
from server_app.vql.scope import QueryCancelled, Run
from server_app.vql.session import Session

_OK, _FAILED = 0, 10


def run_task(task: dict[str, Any], host: dict[str, Any], send: Send) -> dict[str, Any]:
    """The report of a flow: an answer a query (rows, statistics), and the logs."""
    logs: list[dict[str, Any]] = []
    uploads: list[int] = []

    def sent(accessor: str, components: list[str], data: bytes) -> None:
        send(accessor, components, data)
        uploads.append(len(data))

    answers = []
    for collector in task.get("FlowRequest", {}).get("VQLClientActions", []):
        uploads.clear()
        with on(Where(host, sent)):
            answers.append(_answer(collector, logs, uploads))
    return {"flow_id": task["session_id"], "answers": answers, "logs": logs}


def _answer(
    collector: dict[str, Any], logs: list[dict[str, Any]], uploads: list[int]
) -> dict[str, Any]:
    started = time.time_ns()
    before = len(logs)

    def log(text: str) -> None:
        level, _, message = text.partition(":")
        known = level if level in {"DEBUG", "INFO", "WARN", "ERROR"} else "DEFAULT"
        message = message if known == level else text
        logs.append({"client_time": time.time_ns() // 10**9, "level": known, "message": message})

    log(f"INFO:Starting query execution for query {collector.get('query_id', 1)}.\n")
    rows, problem = _rows(collector, log)
    size = sum(len(json.dumps(row, default=str)) + 1 for row in rows)
    if rows:
        log(f"Sending response part 0 {size} B ({len(rows)} rows).")
    took = time.time_ns() - started
    log(f"INFO:Collection is done after {took / 1e6:f}ms\n")
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


def _rows(collector: dict[str, Any], log: Any) -> tuple[list[Any], str]:
    env = {item["key"]: item.get("value", "") for item in collector.get("env", [])}
    text = "\n".join(query["VQL"] for query in collector.get("Query", []))
    try:
        condition = collector.get("precondition", "")
        if condition and not _evaluated(condition, env, log):
            return [], ""
        return _evaluated(text, env, log), ""
    except VQLSyntaxError as error:
        return [], f"VQL Error: {error}"
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
