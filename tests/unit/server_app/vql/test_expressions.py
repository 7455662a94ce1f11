from typing import Any

import pytest

from server_app.vql.scope import Run
from server_app.vql.session import Session

CASES: list[tuple[str, Any]] = [
    ("1 + 2 * 3", 7),
    ("(1 + 2) * 3", 9),
    ("7 / 2", 3.5),
    ("8 / 2", 4),
    ("1 / 0", None),
    ("-3 + 1", -2),
    ("0x10", 16),
    ("1.5e1", 15.0),
    ("9223372036854775808", 9223372036854775808.0),
    ('"a" + "b"', "ab"),
    ('"a" + 1', None),
    ("(1, 2) + (3, )", [1, 2, 3]),
    ('"\\x41\\u00e4\\n\\t\\"\\\\"', 'Au00e4\n\t"\\'),
    ("'''raw \\n text'''", "raw \\n text"),
    ("1 = 1.0", True),
    ('1 = "1"', False),
    ("NULL = NULL", True),
    ("1 != 2 AND 2 > 1", True),
    ("2 <> 3", False),
    ("2 > 1 AND 1 < 2 AND 2 >= 2 AND 2 <= 2", True),
    ('"b" > "a"', True),
    ('"b" > 1', True),
    ('"b" < 1', True),
    # AND binds looser than OR.
    ("1 OR 1 AND 0", False),
    ("NOT 1 = 2", True),
    ('"Custom.Server" =~ "^custom"', True),
    ('("x", "prod") =~ "^PROD$"', True),
    ('NULL =~ "."', True),
    ('NULL =~ "x"', False),
    ('"b" IN ("a", "b")', True),
    ('"b" IN "abc"', True),
    ('"a" IN dict(a=1)', True),
    ("dict(a=dict(b=2)).a.b", 2),
    ("dict(a=1).nothing.deeper", None),
    ("parse_json_array(data='[{\"id\": 5}, {\"id\": 6}]').id", [5, 6]),
    ("parse_json_array(data='[1, 2, 3]')[1]", 2),
    ("parse_json_array(data='[1, 2, 3]')[-1]", 3),
    ("parse_json_array(data='[1, 2, 3]')[9]", 1),
    ("parse_json_array(data='[1, 2, 3]')[0:2]", [1, 2]),
    ('"velociraptor"[0:4]', "velo"),
    # The trailing-comma rule.
    ('dict(a=["x"])', {"a": "x"}),
    ('dict(a=["x", ])', {"a": ["x"]}),
    ('dict(a=["x", "y"])', {"a": ["x", "y"]}),
    ("dict(a=[])", {"a": []}),
    ("(1, )", [1]),
    ("(1)", 1),
    ("dict(`a b`=1)", {"a b": 1}),
    ("if(condition=1, then=2, else=3)", 2),
    ("if(condition=0, then=2)", None),
    ("if(condition=TRUE, then=1, else=nothing_of_the_kind())", 1),
    ('format(format="C.%016x", args=4096)', "C.0000000000001000"),
    ('format(format="%v of %d: %s %05.1f%%", args=[dict(a=1), 7, "x", 2.25])',
     '{"a":1} of 7: x 002.2%'),
    ('format(format="%d %d", args=[1])', "1 %!d(MISSING)"),
    ("timestamp(epoch=1795415761921814)", "2026-11-23T06:36:01.921814Z"),
    ("timestamp(epoch=1795415761)", "2026-11-23T06:36:01Z"),
    ("timestamp(epoch=1795415761921)", "2026-11-23T06:36:01.921Z"),
    ('timestamp(string="2026-11-23T06:36:01Z") = timestamp(epoch=1795415761)', True),
    ("timestamp(epoch=1795415761921814) > 1795415761", True),
    ("timestamp(epoch=1) > now() - 604800", False),
    ("timestamp(epoch=now()) > now() - 604800", True),
    ('typeof(a="x")', "string"),
    ("typeof(a=5)", "int64"),
    ("typeof(a=NULL)", "types.Null"),
    ('join(array=split(string="a,b", sep=","), sep="-")', "a-b"),
    ('upcase(string="a") + lowcase(string="B")', "Ab"),
    ('int(int="12") + len(list="abc")', 15),
    ("serialize(item=dict(a=(1, 2)))", '{\n "a": [\n  1,\n  2\n ]\n}'),
    ("{ SELECT _value FROM range(end=1) }", 0),
    ("{ SELECT _value FROM range(end=2) }", [0, 1]),
    ('get(item=dict(a=dict(b=5)), member="a.b")', 5),
    ("get(item=dict(a=1), member='z', default=9)", 9),
    ("array(a=1, b=(2, 3), c={SELECT _value FROM range(end=2)})",
     [1, [2, 3], [{"_value": 0}, {"_value": 1}]]),
    ('pathspec(DelegatePath="/x.zip", DelegateAccessor="auto", Path="/a/b")',
     '{"DelegatePath":"/x.zip","Path":"/a/b"}'),
    ('pathspec(parse="/a/b/c.zip").Basename', "c.zip"),
    ('pathspec(parse="/a/b/../c.zip").Dirname + "d"', "/a/d"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "value"), CASES, ids=[case[0] for case in CASES])
def test_expression(ask, expression: str, value: Any) -> None:
    rows, logs = ask(f"SELECT {expression} AS value FROM scope()")
    assert rows == [{"value": value}]
    assert logs == []


def test_env_values_are_strings(ask) -> None:
    rows, _ = ask("SELECT X, typeof(a=X) AS t FROM scope()", X="5")
    assert rows == [{"X": "5", "t": "string"}]


def test_an_unknown_name_is_only_a_log_line_that_lists_the_scope(ask) -> None:
    rows, logs = ask("SELECT name FROM scope()")
    assert rows == [{"name": None}]
    (line,) = logs
    assert line == (
        "ERROR:Symbol name not found. Current Scope is [NULL], [_SessionId, $device_manager, "
        "config, $acl, Artifact, $repository, $root], [$Query], []"
    )


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("SELECT nothing(a=1) AS x FROM scope()", "ERROR:Symbol nothing not found. "),
        ("SELECT format() AS x FROM scope()", "format: Field format is required"),
        ("SELECT now(a=1) AS x FROM scope()", "now: Unexpected arg a"),
        ("SELECT parse_json(data='{') AS x FROM scope()", "parse_json: "),
        ("SELECT * FROM range(end='many')", "range: Field end should be an int not string."),
        ("SELECT * FROM glob(globs='*', root=NULL)",
         "glob: Field root Expecting a path arg type, not types.Null"),
        ("SELECT read_file(filename='/no/such/file') AS x FROM scope()",
         "read_file: /no/such/file: lstat /no: no such file or directory"),
    ],
)  # fmt: skip
def test_what_fails_is_only_a_log_line(ask, query: str, line: str) -> None:
    rows, logs = ask(query)
    assert rows in ([], [{"x": None}], [{"x": False}], [{"x": ""}])
    assert len(logs) == 1
    assert logs[0].startswith(line)


def test_an_expression_that_calls_itself_ends(ask) -> None:
    rows, logs = ask("LET f = f + 1 SELECT f FROM scope()")
    assert rows == [{"f": None}]
    assert logs == ["Stack Overflow: SELECT f FROM scope()"]


def test_a_timeout_ends_the_query_with_a_log_line() -> None:
    from server_app.vql.scope import QueryCancelled

    logs: list[str] = []
    session = Session(Run(None, None, logs.append, timeout=0.05), {})
    _, rows = next(session.results("SELECT * FROM range(end=1000000000)"))
    with pytest.raises(QueryCancelled):
        list(rows)
    assert logs[0].startswith("collect: <red>Timeout Error:</> Collection timed out after 0.")


def test_an_unknown_plugin_is_told_twice(ask) -> None:
    rows, logs = ask("SELECT * FROM nothing()")
    assert rows == []
    assert logs[0].startswith("ERROR:Plugin nothing not found. Current Scope is [NULL]")
    assert logs[1] == "ERROR:Plugin nothing not found. "


def test_an_expression_that_is_none_is_a_log_line(ask) -> None:
    rows, logs = ask('SELECT "abc" =~ "(" AS x FROM scope()')
    assert rows == [{"x": False}]
    assert logs == ["Compile regexp: error parsing regexp: missing closing ): `(`"]


def test_next_to_a_row_in_the_making_an_unknown_name_is_null_without_a_word(ask) -> None:
    assert ask("SELECT _value FROM range(end=2) WHERE nothing") == ([], [])
