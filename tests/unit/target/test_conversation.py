"""A command that stays: told and heard in turn, ended by either side."""

import io

import pytest

from recovery.errors import CommandError, RecoveryError
from recovery.target import open_target
from recovery.target.conversation import Conversation

ECHO = ["sh", "-c", 'while read -r line; do echo "heard $line"; done']


@pytest.fixture
def target():
    opened = open_target("local://")
    yield opened
    opened.close()


def line(talk):
    heard = b""
    while not heard.endswith(b"\n") and (piece := talk.hear()):
        heard += piece
    return heard


def test_it_is_told_and_heard_as_often_as_wanted(target):
    talk = Conversation(target, ECHO, "echo")
    talk.tell(b"one\n")
    assert line(talk) == b"heard one\n"
    talk.tell(b"two ", io.BytesIO(b"and three\n"))
    assert line(talk) == b"heard two and three\n"
    assert talk.lasts
    talk.close()
    assert not talk.lasts


def test_who_tells_one_that_has_ended_learns_why(target):
    talk = Conversation(target, ["sh", "-c", "echo is full >&2; exit 3"], "ends")
    assert talk.hear() == b""
    with pytest.raises(RecoveryError, match="is full"):
        talk.tell(b"x" * 1_000_000)  # more than fits into the pipe
    assert isinstance(talk.why_it_ended(), CommandError)
    talk.close()


def test_one_that_only_ends_is_not_waited_for(target):
    talk = Conversation(target, ["sh", "-c", "cat > /dev/null; sleep 0.3"], "slow")
    talk.end()
    assert talk.lasts
    talk.close()  # twice is once
