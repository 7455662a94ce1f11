"""A connection that ends without a word is said to have been cut."""

import pytest

from recovery.commands import Result
from recovery.errors import TargetError
from recovery.target import open_target, ssh

GONE = 255


@pytest.mark.parametrize(
    ("said", "told", "hint"),
    [
        (b"", "the SSH connection was cut", "once it answers"),
        (b"Connection refused\n", "no SSH connection: Connection refused", "try `ssh -p 22"),
    ],
)
def test_what_is_said(monkeypatch, said, told, hint):
    answer = Result(("ssh",), GONE, b"", said)
    monkeypatch.setattr(ssh.commands, "run", lambda *_, **__: answer)
    target = open_target("ssh://root@192.0.2.7")
    with pytest.raises(TargetError, match=told) as caught:
        target.run(["true"])
    assert hint in caught.value.hint
    target.close()
