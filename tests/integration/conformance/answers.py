"""The kept answers of a real server, and what of them has to come again."""

import json
from pathlib import Path
from typing import Any

from tests.integration.conformance.compare import compare_calls, compare_values, masked
from tests.integration.conformance.script import Step
from tests.integration.conformance.stage import FIXTURES

Answer = dict[str, Any]


def path_of(name: str) -> Path:
    return FIXTURES / "answers" / f"{name}.jsonl"


def kept(name: str) -> list[Answer]:
    """The answers to a script's questions, in their order."""
    return [json.loads(line) for line in path_of(name).read_text().splitlines()]


def compare_shape(before: list[Any], now: list[Any]) -> list[str]:
    """Of loose answers: the number of rows, and their columns."""
    found = compare_values("rows", len(before), len(now))
    return found + compare_values("columns", [list(row) for row in before], [list(r) for r in now])


def compare_answers(step: Step, before: Answer, now: Answer) -> list[str]:
    """Where two answers to a question differ; none: they agree."""
    if step.kind == "query":
        rows, logs, error = now["rows"], now["logs"], now["grpc_error"]
        if step.loose:
            return compare_shape(before["rows"], rows)
        return compare_calls(before, rows, logs, error, sort=step.sort)
    found = compare_values("exit code", before["code"], now["code"])
    if step.loose:
        return found
    for stream in ("stdout", "stderr"):
        found += compare_values(stream, masked(before[stream]), masked(now[stream]))
    return found
