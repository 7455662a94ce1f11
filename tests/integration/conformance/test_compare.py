"""The oracle itself: what it lets pass, and what it must not."""

import pytest

from tests.integration.conformance.compare import compare_calls

CALL = {
    "rows": [{"id": "F.DC1TTK1OJO7JA", "state": "FINISHED", "n": 1, "created_time": 1795415761}],
    "logs": ["copy: Copied F.DC1TTK1OJO7JA in 76.3ms"],
    "grpc_error": None,
}
ROW = {"id": "F.DC26RD809EH50", "state": "FINISHED", "n": 1, "created_time": 1795999999}
LOGS = ["copy: Copied F.DC26RD809EH50 in 9ms"]


def test_ids_moments_and_durations_may_differ():
    assert compare_calls(CALL, [ROW], LOGS, None, sort=False) == []


def wrong_query(line):
    return {"rows": [], "logs": [f"VQL Error: {line}"], "grpc_error": None}


TERSE = '1:42: unexpected token "-1" (expected <from>).'
FULL = '1 AS b, x |-1 AS c FR: 1:42: unexpected token "-1" (expected <from> _From (<x> _Y)?).'


def test_a_parser_librarys_own_words_may_differ():
    assert compare_calls(wrong_query(TERSE), [], [f"VQL Error: {FULL}"], None, sort=False) == []


@pytest.mark.parametrize("line", [FULL.replace("1:42", "1:41"), FULL.replace('"-1"', '"AS"'), "x."])
def test_place_and_token_of_a_fault_must_not_differ(line):
    assert compare_calls(wrong_query(TERSE), [], [f"VQL Error: {line}"], None, sort=False)


@pytest.mark.parametrize(
    ("rows", "logs", "error"),
    [
        ([], LOGS, None),
        ([ROW, ROW], LOGS, None),
        ([{**ROW, "state": "RUNNING"}], LOGS, None),
        ([{**ROW, "n": 2}], LOGS, None),
        ([{**ROW, "n": "1"}], LOGS, None),
        ([{**ROW, "n": True}], LOGS, None),
        ([{**ROW, "more": 1}], LOGS, None),
        ([dict(reversed(ROW.items()))], LOGS, None),
        ([ROW], [], None),
        ([ROW], ["copy: Could not copy"], None),
        ([], [], {"code": "StatusCode.UNKNOWN", "details": "User not found: x"}),
    ],
)
def test_everything_else_is_a_difference(rows, logs, error):
    assert compare_calls(CALL, rows, logs, error, sort=False)
