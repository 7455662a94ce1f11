import shlex

from recovery.restore.prove_recovery import what_next
from recovery.restore.request import parse_request


def test_the_next_command_can_be_copied_into_a_shell():
    target = "ssh://root@192.0.2.7?identity=/k&known_hosts=/h"
    vault = "s3://bucket/velo?endpoint=https://s3.example&region=x"
    command = what_next(parse_request(target=target, vault=vault)).split("`")[1]
    # As a shell: a bare & would end the command there.
    words = list(shlex.shlex(command, posix=True, punctuation_chars=True))
    assert words == ["recovery", "verify", "--target", target, "--vault", vault]
