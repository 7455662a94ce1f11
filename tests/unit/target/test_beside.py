import pytest

from recovery import commands
from recovery.errors import RecoveryError
from recovery.target.beside import Beside

LARGE = b"x" * 3_000_000


def test_what_is_made_meanwhile_is_the_commands_input():
    with Beside(lambda: LARGE) as beside:
        done = commands.run(["wc", "-c"], stdin=beside.stream, timeout=20)
    assert int(done.stdout) == len(LARGE)
    assert beside.failed is None


def test_a_command_that_reads_nothing_ends_it():
    with Beside(lambda: LARGE) as beside:
        commands.run(["true"], stdin=beside.stream, timeout=20)
    assert beside.failed is None


def test_what_failed_is_told_and_the_command_sees_an_end():
    def fail():
        raise RecoveryError("no list")

    with Beside(fail) as beside:
        assert commands.run(["cat"], stdin=beside.stream, timeout=20).stdout == b""
    with pytest.raises(RecoveryError, match="no list"):
        raise beside.failed
