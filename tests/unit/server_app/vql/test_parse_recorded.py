"""Every query ever recorded on a real server is understood here, or refused as there."""

import json
from pathlib import Path

import pytest

from server_app.vql.parse import VQLSyntaxError, parse

RECORDED = Path(__file__).parents[3] / "fixtures" / "velociraptor-0.77.2"
LINES = (RECORDED / "transcript.jsonl").read_text("utf-8").splitlines()
CALLS = [json.loads(line) for line in LINES]


def refused(call: dict) -> bool:
    return any(line.startswith("VQL Error") for line in call["logs"])


def test_the_transcript_is_there_and_whole() -> None:
    assert len(CALLS) == 284
    assert sum(map(refused, CALLS)) == 1


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_recorded_query(number: int) -> None:
    query = CALLS[number]["query"]
    if refused(CALLS[number]):
        with pytest.raises(VQLSyntaxError):
            parse(query)
        return
    statements = parse(query)
    again = parse(" ".join(map(str, statements)))
    assert list(map(str, again)) == list(map(str, statements))


def test_columns_without_alias_are_named_as_recorded() -> None:
    checked = 0
    for call in CALLS:
        if not call["rows"] or refused(call):
            continue
        select = parse(call["query"])[-1]
        names = [column.name for column in select.columns]
        if "*" not in names:
            assert names == list(call["rows"][0]), call["query"]
            checked += 1
    assert checked > 150


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SELECT",
        "SELECT * FROM",
        "SELECT (1 FROM scope()",
        "SELECT 1 AS FROM scope()",
        "LET x SELECT 1 FROM scope()",
        'SELECT "open FROM scope()',
        "SELECT [1] AS list FROM scope()",
        "SELECT f(1) FROM scope()",
        "DROP TABLE x",
        "SELECT * FROM scope() LIMIT many",
    ],
)
def test_what_is_no_query_is_refused_with_a_position(text: str) -> None:
    with pytest.raises(VQLSyntaxError, match=r"\d+:\d+: (unexpected|invalid) token"):
        parse(text)


def test_a_query_beyond_the_limit_is_refused() -> None:
    with pytest.raises(VQLSyntaxError, match="longer than"):
        parse("SELECT 1 FROM scope() -- " + "x" * 1_000_000)


def test_nesting_has_an_end_but_never_a_crash() -> None:
    assert parse(f"SELECT {'(' * 50}1{')' * 50} AS x FROM scope()")
    with pytest.raises(VQLSyntaxError, match="nested too deeply"):
        parse(f"SELECT {'(' * 5000}1{')' * 5000} FROM scope()")
