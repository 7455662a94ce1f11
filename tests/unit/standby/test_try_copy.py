import pytest

from recovery.commands import Result
from recovery.errors import TargetError
from recovery.standby.try_copy import judge

ROWS = b'{"Answers":1}\n{"Clients":3}\n'


def result(code, output, words=b""):
    return Result(("bash",), code, output, words)


@pytest.mark.parametrize(
    ("tried", "wanted", "usable", "says"),
    [
        (result(0, b"copied\nprivate yes\n" + ROWS), 3, True, "3 clients"),
        (result(0, b'copied\nprivate no\n{"Answers":1}\n'), 0, True, "0 clients"),
        (result(0, b'copied\nprivate no\n{"Answers":1}\n'), 3, False, "no clients"),
        # Its files could not be taken away afterwards.
        (result(1, b"copied\nprivate yes\n" + ROWS), 3, True, "3 clients"),
        (result(1, b"copied\nprivate yes\n", b"no such datastore"), 3, False, "no such datastore"),
    ],
)
def test_what_a_started_copy_says(tried, wanted, usable, says):
    told = judge(tried, wanted, "ssh://b")
    assert told["usable"] is usable
    assert says in told["says"]


def test_its_own_network_is_told():
    assert judge(result(0, b"copied\nprivate yes\n" + ROWS), 3, "")["isolated"] is True
    assert judge(result(0, b"copied\nprivate no\n" + ROWS), 3, "")["isolated"] is False


@pytest.mark.parametrize(
    ("tried", "words", "hint"),
    [
        (result(11, b"", b"a trial needs 5 bytes"), "needs 5 bytes", "make room"),
        (result(75, b"", b"another trial of this copy is at work"), "another trial", "wait for it"),
        (result(0, b"copied\nprivate yes\n"), "ended it", "tries it again"),
        (result(0, b""), "ended it", "tries it again"),
    ],
)
def test_what_never_came_to_a_start_says_nothing_of_the_copy(tried, words, hint):
    with pytest.raises(TargetError, match=words) as refused:
        judge(tried, 3, "ssh://b")
    assert hint in refused.value.hint
