"""Commands on real machines: streams, exit codes, input of any size, time limits."""

import hashlib
import http.client
import io
import os
import threading
import time

import pytest

from recovery.errors import CommandError
from recovery.target import open_target
from recovery.target.beside import Beside

pytestmark = [pytest.mark.docker, pytest.mark.slow]

MEGABYTES = os.urandom(1 << 20) * 6
SHA = hashlib.sha256(MEGABYTES).hexdigest()


def test_both_streams_and_the_exit_code_come_back(target):
    done = target.run(["sh", "-c", "echo out; echo err >&2; exit 3"], check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"out\n", b"err\n")


def test_a_failure_is_an_error_with_its_words(target):
    with pytest.raises(CommandError, match="ended with 3: what went wrong") as raised:
        target.run(["sh", "-c", "echo what went wrong >&2; exit 3"])
    assert raised.value.target == target.uri


def test_255_is_the_commands_own_exit_code_too(target):
    assert target.run(["sh", "-c", "exit 255"], check=False).returncode == 255


def test_a_missing_program_is_an_error(target):
    with pytest.raises(CommandError, match="no-such-program"):
        target.run(["no-such-program", "x"])


def test_arguments_arrive_as_they_are(target):
    words = ["", " a  b ", "$HOME", "`id`", "'", '"', "\\n", "line\nbreak", "*", "ä€", "-n", "~"]
    done = target.run(["printf", "[%s]", *words])
    assert done.stdout.decode() == "".join(f"[{word}]" for word in words)


def test_output_is_bytes(target):
    done = target.run(["printf", r"\000\377\r\n"])
    assert done.stdout == b"\x00\xff\r\n"


def test_large_input_and_output_at_the_same_time(target):
    assert target.run(["cat"], stdin=MEGABYTES, timeout=120).stdout == MEGABYTES


def test_input_that_is_made_meanwhile_arrives_as_it_comes(target):
    """The command works with the first part while the rest is made."""
    came = []

    def rest() -> bytes:
        for _ in range(50):
            if target.run(["cat", "/tmp/first"], check=False).stdout == b"first ":
                came.append(True)
                break
            time.sleep(0.1)
        return b"rest"

    words = "rm -f /tmp/first; head -c 6 > /tmp/first; cat"
    with Beside(rest, b"first ") as beside:
        done = target.run(["sh", "-c", words], stdin=beside.stream)
    assert (came, done.stdout) == ([True], b"rest")


def test_files_are_streamed_both_ways(target, tmp_path):
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.write_bytes(MEGABYTES)
    with source.open("rb") as stdin, copy.open("wb") as stdout:
        done = target.run(["cat"], stdin=stdin, stdout=stdout, timeout=120)
    assert done.stdout == b""
    assert hashlib.sha256(copy.read_bytes()).hexdigest() == SHA


def test_without_input_a_command_meets_its_end_at_once(target):
    assert target.run(["cat"], timeout=20).stdout == b""


def test_empty_input_is_an_end_too(target):
    assert target.run(["wc", "-c"], stdin=b"", timeout=20).text == "0"


def test_a_command_that_does_not_read_its_input_may_end(target):
    assert target.run(["true"], stdin=MEGABYTES, timeout=60).returncode == 0


@pytest.mark.parametrize(
    "command", ["sleep 60", "while :; do echo x; sleep 0.1; done"], ids=["silent", "talking"]
)
def test_a_command_that_takes_too_long_is_an_error_in_time(target, command):
    started = time.monotonic()
    with pytest.raises(CommandError, match="did not end within 1 s") as raised:
        target.run(["timeout", "20", "sh", "-c", command], timeout=1)
    assert time.monotonic() - started < 8
    assert raised.value.target == target.uri


def test_many_at_once_do_not_mix(target):
    found = {}

    def ask(number):
        found[number] = target.run(["sh", "-c", f"sleep 0.2; echo {number}"]).text

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: str(number) for number in range(8)}


def test_output_that_comes_with_the_engines_first_answer_is_kept(host, monkeypatch):
    """On a busy machine the answer's headers and the output are read in one go."""
    begin = http.client.HTTPResponse.begin

    def late(response):
        time.sleep(0.5)
        return begin(response)

    target = open_target(host.uri)
    monkeypatch.setattr(http.client.HTTPResponse, "begin", late)
    assert target.run(["echo", "hello"]).stdout == b"hello\n"
    target.close()


def test_a_stream_that_cannot_be_written_to_is_not_taken_for_success(host):
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    target = open_target(host.uri)
    with pytest.raises(OSError, match="No space"):
        target.run(["echo", "x"], stdout=Full())
    target.close()


def test_a_small_file_is_streamed_to_a_file_too(target, tmp_path):
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.write_bytes(b"small")
    with source.open("rb") as stdin, copy.open("wb") as stdout:
        target.run(["cat"], stdin=stdin, stdout=stdout)
    assert copy.read_bytes() == b"small"
