"""Small commands in a container share shells: nothing of one is met by the next."""

import base64
import os
import subprocess
import threading
import time

import pytest

from recovery.errors import CommandError
from recovery.target import open_target
from recovery.target.docker_shell import STDIN_BYTES
from tests.integration.target.machines import machine

pytestmark = [pytest.mark.docker, pytest.mark.slow]


@pytest.fixture
def docker(host):
    opened = open_target(host.uri)
    yield opened
    opened.close()


def shells(host) -> set[str]:
    """The shells that wait in the machine for a command from here."""
    found = subprocess.run(
        ["docker", "exec", host.name, "pgrep", "-x", "-f", "sh"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return set(found.stdout.split())


def test_commands_after_one_another_share_a_shell_that_ends_with_the_target(host):
    before = shells(host)
    target = open_target(host.uri)
    parents = {target.run(["sh", "-c", "echo $PPID"]).text for _ in range(5)}
    assert len(parents) == 1
    assert shells(host) - before == parents
    target.close()
    for _ in range(50):
        if not shells(host) - before:
            break
        time.sleep(0.1)
    assert shells(host) <= before


def test_a_target_that_nobody_closed_leaves_no_shell(host):
    before = shells(host)
    open_target(host.uri).run(["true"])
    for _ in range(50):
        if not shells(host) - before:
            break
        time.sleep(0.1)
    assert shells(host) <= before


@pytest.mark.parametrize("word", ["exit", "cd", "set", "exec"])
def test_the_shells_own_words_are_no_programs(docker, word):
    with pytest.raises(CommandError, match=f"`{word} 0` ended with 127"):
        docker.run([word, "0"])
    assert docker.run(["echo", "still here"]).text == "still here"


@pytest.mark.parametrize(
    "raw",
    [
        b"'; touch /tmp/hostile; echo '",
        b"$(touch /tmp/hostile)`touch /tmp/hostile`\n\n) touch /tmp/hostile\n",
        b"\x00\xff\n" * 1000 + b"\ntouch /tmp/hostile\n",
    ],
    ids=["quote", "substitution", "binary"],
)
def test_input_is_never_a_command(docker, raw):
    assert docker.run(["true"], stdin=raw).stderr == b""
    assert docker.run(["cat"], stdin=raw).stdout == raw
    hostile = raw.replace(b"\x00", b"").decode("utf-8", "surrogateescape")
    assert docker.run(["printf", "%s", hostile]).stdout == raw.replace(b"\x00", b"")
    assert docker.run(["test", "-e", "/tmp/hostile"], check=False).returncode == 1


def test_the_largest_input_arrives_whole_whether_it_is_read_or_not(docker):
    raw = os.urandom(STDIN_BYTES)
    assert docker.run(["cat"], stdin=raw).stdout == raw
    unread = docker.run(["sh", "-c", "head -c 1 >/dev/null; exit 3"], stdin=raw, check=False)
    assert (unread.returncode, unread.stdout, unread.stderr) == (3, b"", b"")


def test_input_is_in_no_process_list(docker):
    secret = os.urandom(12)
    looked = docker.run(["sh", "-c", "ps -ww -eo args; cat >/dev/null"], stdin=secret * 1000)
    assert "ps -ww" in looked.text
    assert base64.b64encode(secret).decode() not in looked.text


def test_what_a_command_left_running_says_nothing_in_the_next(docker):
    left = "(for i in 1 2 3 4 5 6 7 8; do sleep 0.1; echo stray; echo stray >&2; done) &"
    started = time.monotonic()
    assert docker.run(["sh", "-c", f"{left} echo done"]).stdout.startswith(b"done")
    assert time.monotonic() - started < 0.7
    time.sleep(1)
    after = docker.run(["echo", "mine"])
    assert (after.stdout, after.stderr) == (b"mine\n", b"")


def test_after_a_command_that_took_too_long_comes_a_fresh_shell(docker):
    slow = docker.run(["sh", "-c", "echo $PPID"]).text
    with pytest.raises(CommandError, match="did not end within 1 s"):
        docker.run(["sleep", "3"], timeout=1)
    assert docker.run(["sh", "-c", "echo $PPID"], timeout=1).text != slow


def test_side_by_side_each_has_a_shell_of_its_own(docker):
    """One that waits for the other would wait for ever."""
    docker.run(["rm", "-f", "/tmp/go"])
    wait = ["sh", "-c", "until [ -e /tmp/go ]; do sleep 0.05; done; echo went"]
    said = []
    waiting = threading.Thread(target=lambda: said.append(docker.run(wait, timeout=20).text))
    waiting.start()
    docker.run(["touch", "/tmp/go"])
    waiting.join()
    assert said == ["went"]


def test_a_machine_that_was_started_again_gets_a_new_shell():
    with machine("test-shells") as host:
        target = open_target(host.uri)
        target.run(["touch", "/srv/there"])
        subprocess.run(["docker", "restart", "-t", "2", host.name], check=True, capture_output=True)
        assert target.run(["ls", "/srv"]).text == "there"
        target.close()
