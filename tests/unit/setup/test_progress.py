import pytest

from setup.progress import megabytes, say, seconds


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.04, "0.0 s"), (0.34, "0.3 s"), (3.46, "3.5 s"), (42.4, "42 s"), (247, "4 min 07 s")],
)
def test_seconds_are_worded(value, words):
    assert seconds(value) == words


def test_megabytes_are_decimal():
    assert megabytes(217_400_000) == "217 MB"


def test_lines_leave_standard_output_alone(capsys):
    say("venv", "found")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.split() == ["setup", "venv", "found"]
