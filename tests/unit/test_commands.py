import pytest

from recovery.commands import Result, shown
from recovery.errors import CommandError


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["rsync", "-a", "/x"], "rsync -a /x"),
        (["sh", "-c", "set -e\ntar -x\n", "unpack", "/srv"], "unpack /srv"),
        (["bash", "-c", "wait"], "bash -c wait"),
        (["sh", "-c", "set -e\nwait"], "sh -c set -e …"),
        ([], ""),
    ],
)
def test_a_command_is_shown_in_one_line(argv, line):
    assert shown(argv) == line


def test_a_failed_script_is_named_and_not_printed():
    failed = Result(("sh", "-c", "set -e\ntar -x\n", "unpack", "/srv"), 2, b"", b"no space\n")
    with pytest.raises(CommandError) as raised:
        failed.checked()
    assert raised.value.message == "`unpack /srv` ended with 2: no space"
