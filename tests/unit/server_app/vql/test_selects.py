from typing import Any

import pytest

ROWS = "range(end=5)"
TOTALS = """
SELECT _value IN (1, 3) AS odd, count() AS n, sum(item=_value) AS s, min(item=_value) AS a,
       max(item=_value) AS b, enumerate(items=_value) AS all
FROM range(end=5) GROUP BY odd
"""
NESTED = """
SELECT * FROM foreach(
  row={ SELECT _value AS a FROM range(end=2) },
  query={ SELECT a, _value AS b FROM range(end=2) })
"""
CASES: list[tuple[str, list[dict[str, Any]]]] = [
    ("SELECT 1 AS x FROM scope()", [{"x": 1}]),
    (f"SELECT * FROM {ROWS} WHERE _value > 2", [{"_value": 3}, {"_value": 4}]),
    (f"SELECT _value AS v FROM {ROWS} WHERE v = 1", [{"v": 1}]),
    (f"SELECT *, _value * 2 AS d FROM {ROWS} LIMIT 1", [{"_value": 0, "d": 0}]),
    (f"SELECT 9 AS _value, * FROM {ROWS} LIMIT 1", [{"_value": 9}]),
    (f"SELECT *, 9 AS _value FROM {ROWS} LIMIT 1", [{"_value": 9}]),
    (f"SELECT _value FROM {ROWS} ORDER BY _value DESC LIMIT 2", [{"_value": 4}, {"_value": 3}]),
    (
        TOTALS,
        [
            {"odd": False, "n": 3, "s": 6, "a": 0, "b": 4, "all": [0, 2, 4]},
            {"odd": True, "n": 2, "s": 4, "a": 1, "b": 3, "all": [1, 3]},
        ],
    ),
    ("SELECT count() AS n FROM range(end=3)", [{"n": 1}, {"n": 2}, {"n": 3}]),
    (
        NESTED,
        [{"a": 0, "b": 0}, {"a": 0, "b": 1}, {"a": 1, "b": 0}, {"a": 1, "b": 1}],
    ),
    ("SELECT * FROM foreach(row=dict(a=1))", [{"a": 1}]),
    ("SELECT * FROM foreach(row=(1, 2))", [{"_value": 1}, {"_value": 2}]),
    ("SELECT * FROM if(condition=0, then={SELECT 1 AS x FROM scope()})", []),
    ("SELECT * FROM if(condition=1, then={SELECT 1 AS x FROM scope()})", [{"x": 1}]),
    (
        "SELECT * FROM chain(a={SELECT 1 AS x FROM scope()}, b={SELECT 2 AS x FROM scope()})",
        [{"x": 1}, {"x": 2}],
    ),
    ("LET X = SELECT _value FROM range(end=2) SELECT * FROM X", [{"_value": 0}, {"_value": 1}]),
    ("LET X <= SELECT _value FROM range(end=2) SELECT X._value AS v FROM scope()", [{"v": [0, 1]}]),
    ("LET f(a, b) = a + b SELECT f(a=1, b=2) AS v FROM scope()", [{"v": 3}]),
    (
        "LET q(n) = SELECT _value FROM range(end=n) SELECT * FROM q(n=2)",
        [{"_value": 0}, {"_value": 1}],
    ),
    ('SELECT filter(list=(1, 2, 3), condition="x=>x > 1") AS v FROM scope()', [{"v": [2, 3]}]),
    ("LET f(a, b=5) = a + b SELECT f(a=1) AS v FROM scope()", [{"v": 6}]),
    ("LET a = b LET b = 3 SELECT a FROM scope()", [{"a": 3}]),
    ("SELECT 1 AS x FROM scope() SELECT 2 AS x FROM scope()", [{"x": 1}, {"x": 2}]),
    ("SELECT 1 AS x FROM scope() -- a\n // b\n /* c\n */", [{"x": 1}]),
    ("select 1 as `odd name` from scope() where true", [{"odd name": 1}]),
    # LIMIT 0 still gives the first row: the count is looked at after it.
    (f"SELECT _value FROM {ROWS} LIMIT 0", [{"_value": 0}]),
]


@pytest.mark.parametrize(("query", "rows"), CASES, ids=[case[0] for case in CASES])
def test_select(ask, query: str, rows: list[dict[str, Any]]) -> None:
    assert ask(query) == (rows, [])


def test_a_let_is_worked_out_when_used_but_at_once_with_less_equal(ask) -> None:
    assert ask('LET a = log(message="now") SELECT 1 AS x FROM scope()')[1] == []
    assert ask('LET a <= log(message="now") SELECT 1 AS x FROM scope()')[1] == ["DEFAULT:now"]


def test_a_column_is_not_worked_out_in_a_row_that_where_rejects(ask) -> None:
    query = (
        "SELECT _value, log(message='seen %v', args=_value) AS l FROM range(end=3) WHERE _value = 1"
    )
    assert ask(query)[1] == ["DEFAULT:seen 1"]


def test_limit_starts_the_next_row_and_cancels_it(ask, tmp_path) -> None:
    """Facts: with copy() in the row that leaves a 0-byte file."""
    query = (
        'SELECT copy(filename="x", accessor="data", dest=D + format(format="/%d", args=_value)) '
        "AS c FROM range(end=5) LIMIT 2"
    )
    rows, _ = ask(query, D=str(tmp_path))
    assert [row["c"] for row in rows] == [f"{tmp_path}/0", f"{tmp_path}/1"]
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes == {"0": 1, "1": 1, "2": 0}


def test_limit_into_one_file_leaves_it_empty(ask, tmp_path) -> None:
    target = tmp_path / "srv.zip"
    query = 'SELECT copy(filename="x", accessor="data", dest=D) AS c FROM range(end=2) LIMIT 1'
    assert ask(query, D=str(target))[0] == [{"c": str(target)}]
    assert target.read_bytes() == b""


def test_stored_queries_see_the_names_where_they_are_used(ask) -> None:
    query = (
        "LET inner = SELECT a + 1 AS b FROM scope() "
        "SELECT * FROM foreach(row={SELECT _value AS a FROM range(end=2)}, query=inner)"
    )
    assert ask(query) == ([{"b": 1}, {"b": 2}], [])
