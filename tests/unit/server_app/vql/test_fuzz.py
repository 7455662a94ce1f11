"""Whatever text comes: an answer or the parser's own error, and soon."""

import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server_app.config import ConfigError
from server_app.config.document import parse_config
from server_app.vql.parse import VQLSyntaxError, parse
from server_app.vql.scope import QueryCancelled, Run
from server_app.vql.session import Session
from server_app.vql.text import dump
from tests.unit.server_app.fuzzing import examples, fuzzed

WORDS = st.sampled_from(
    [
        "SELECT",
        "FROM",
        "WHERE",
        "LIMIT",
        "LET",
        "GROUP",
        "BY",
        "ORDER",
        "DESC",
        "AS",
        "AND",
        "OR",
        "NOT",
        "NULL",
        "TRUE",
        "scope()",
        "range(end=3)",
        "dict(a=1)",
        "x",
        "`a",
        "b`",
        "1",
        "0x1f",
        "1.5",
        "'text'",
        '"text"',
        "'''raw'''",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ".",
        "=",
        "<=",
        "=~",
        "=>",
        "+",
        "-",
        "*",
        "/",
        "%",
        "!=",
        "<",
        ">",
        ";",
        "--",
        "//",
        "/*",
        "*/",
        "\\",
        "$",
        "\x00",
        "é",
        "foreach(row={",
        "query={",
        "count()",
        "format(format='%d'",
    ]
)
TEXTS = st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=40).map(" ".join))

short = settings(
    **examples(300),
    deadline=5000,
    suppress_health_check=[HealthCheck.too_slow],
)


@fuzzed
@short
@given(TEXTS)
def test_the_parser_answers_or_refuses(text: str) -> None:
    try:
        statements = parse(text)
    except VQLSyntaxError:
        return
    assert list(map(str, parse(" ".join(map(str, statements))))) == list(map(str, statements))


@fuzzed
@short
@given(TEXTS)
def test_running_it_ends_in_rows_and_logs(text: str) -> None:
    logs: list[str] = []
    session = Session(Run(None, None, logs.append, timeout=2), {"x": "1"})
    started = time.monotonic()
    try:
        for _, rows in session.results(text):
            for row in rows:
                dump(row)
    except (VQLSyntaxError, QueryCancelled):
        pass
    assert time.monotonic() - started < 4


@fuzzed
@short
@given(st.one_of(st.text(max_size=300), st.binary(max_size=300).map(lambda b: b.decode("latin-1"))))
def test_the_config_reader_answers_or_refuses(text: str) -> None:
    try:
        assert isinstance(parse_config(text, "fuzz"), dict)
    except ConfigError:
        return
