"""A first boot starts its sshd anew: refused in between is not the end."""

import pytest

from recovery.commands import Result
from recovery.errors import TargetError
from recovery.infra import ssh_access


class Booting:
    """Machines behind one URI, one for each connection: a refusal, or an exit code."""

    def __init__(self, *answers):
        self._answers = list(answers)
        self.asked = []

    def open(self, uri):
        self.uri = uri
        return self

    def run(self, argv, **_):
        self.asked.append(argv)
        answer = self._answers.pop(0)
        if isinstance(answer, int):
            return Result(tuple(argv), answer, b"", b"done with errors")
        raise TargetError(answer, target=self.uri)

    def close(self):
        pass


@pytest.fixture
def boot(monkeypatch):
    def ready(*answers, patience=5.0):
        machine = Booting(*answers)
        monkeypatch.setattr("recovery.target.open_target", machine.open)
        monkeypatch.setattr(ssh_access, "_PAUSE", 0)
        ssh_access._wait_until_ready("ssh://root@m", ["cloud-init", "status"], patience)
        return machine.asked

    return ready


def test_it_is_asked_again_while_sshd_is_started_anew(boot):
    assert boot("Connection refused", "Connection refused", 0) == [["cloud-init", "status"]] * 3
    assert len(boot(2)) == 1, "a warning of cloud-init's is no failure"


def test_a_failed_boot_is_not_asked_again(boot):
    with pytest.raises(TargetError, match="first boot failed") as failed:
        boot(1, 0)
    assert "cloud-init status --long" in failed.value.hint


def test_patience_ends(boot):
    with pytest.raises(TargetError, match="Connection refused"):
        boot("Connection refused", 0, patience=-1)
