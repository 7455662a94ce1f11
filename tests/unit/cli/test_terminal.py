import fcntl
import os
import struct
import subprocess
import sys
import termios

import pytest

from recovery.cli.terminal import between_words

PROGRESS = "import 50/170 flows · 15/s · 8 s left · 0 skipped (already there) · 0 refused"
SAY = "import sys; from recovery.cli.terminal import echo; echo(sys.argv[1], err=True)"


@pytest.mark.parametrize("width", [0, 77, 200])
def test_a_line_that_fits_is_left_alone(width):
    assert between_words(PROGRESS, width) == PROGRESS


@pytest.mark.parametrize("width", [20, 40, 60])
def test_a_wide_line_is_broken_between_its_words(width):
    lines = between_words(PROGRESS, width).split("\n")
    assert len(lines) > 1
    assert all(len(line) <= width for line in lines)
    assert " ".join(line.strip() for line in lines) == PROGRESS


def test_commands_and_long_words_stay_whole():
    path = "/srv/" + "x" * 40
    lines = between_words(f"  next: run `recovery hunts release` on {path} again", 30).split("\n")
    assert any("`recovery hunts release`" in line for line in lines)
    assert f"    {path}" in lines


def test_lines_of_their_own_stay_so():
    assert between_words("error: x\n  next: y", 30) == "error: x\n  next: y"


def test_a_terminal_gets_lines_of_its_width_and_a_file_whole_ones():
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    argv = [sys.executable, "-c", SAY, PROGRESS]
    subprocess.run(argv, stderr=theirs, stdout=subprocess.DEVNULL, check=True)
    shown = os.read(ours, 4096).decode().split("\r\n")
    os.close(ours)
    os.close(theirs)
    assert shown[:2] == [
        "import 50/170 flows · 15/s · 8 s left · 0 skipped (already",
        "  there) · 0 refused",
    ]
    piped = subprocess.run(argv, capture_output=True, check=True).stderr.decode()
    assert piped == f"{PROGRESS}\n"
