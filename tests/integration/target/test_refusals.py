"""Machines that can't or mustn't be used: what is said, and that nothing is learned or changed."""

import gc
import subprocess
import threading
import time

import pytest

from recovery.errors import TargetError
from recovery.target import open_target
from tests.integration.target.machines import let_in_by_sudo, machine

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def ssh(host, identity, known_hosts):
    return open_target(f"ssh://root@{host.address}?identity={identity}&known_hosts={known_hosts}")


def test_an_unknown_host_key_is_refused_and_not_learned(host, ssh_way, tmp_path):
    known = tmp_path / "known_hosts"
    known.write_text("")
    target = ssh(host, ssh_way.identity, known)
    with pytest.raises(TargetError, match="Host key verification failed") as raised:
        target.run(["true"])
    assert "from a source you trust" in raised.value.hint
    assert known.read_text() == ""
    target.close()


def test_another_host_key_than_the_known_one_is_refused(host, ssh_way, tmp_path):
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True
    )
    known = tmp_path / "known_hosts"
    line = f"{host.address} {(tmp_path / 'other.pub').read_text()}"
    known.write_text(line)
    target = ssh(host, ssh_way.identity, known)
    with pytest.raises(TargetError, match="Host key verification failed"):
        target.put(b"secret", "/srv/never", mode=0o600)
    assert known.read_text() == line
    target.close()
    assert open_target(host.uri).run(["test", "-e", "/srv/never"], check=False).returncode == 1


def test_a_key_that_the_machine_does_not_know_is_refused(host, ssh_way, tmp_path):
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True
    )
    target = ssh(host, tmp_path / "other", ssh_way.known_hosts)
    with pytest.raises(TargetError, match="Permission denied"):
        target.run(["true"])
    target.close()


def test_a_host_where_nobody_answers_is_told_soon():
    target = open_target("ssh://root@127.0.0.1:9")
    started = time.monotonic()
    with pytest.raises(TargetError, match="refused"):
        target.run(["true"])
    assert time.monotonic() - started < 15
    target.close()


def test_a_user_name_is_never_taken_for_an_option(host, tmp_path):
    proof = tmp_path / "proof"
    target = open_target(f"ssh://-oProxyCommand=touch%20{proof}@{host.address}")
    with pytest.raises(TargetError):
        target.run(["true"])
    assert not proof.exists()
    target.close()


def test_a_container_that_is_not_there(host):
    target = open_target("docker://no-such-container-here")
    with pytest.raises(TargetError, match="the engine has no such container") as raised:
        target.run(["true"])
    assert "docker ps" in raised.value.hint
    with pytest.raises(TargetError):
        target.get("/etc/hostname")
    with target.forward(1) as address:
        assert address.startswith("unix:")
    target.close()


def test_a_machine_that_stops_in_the_middle_of_a_command():
    with machine("test-target") as found:
        target = open_target(found.uri)
        stop = threading.Timer(0.5, subprocess.run, [["docker", "kill", found.name]])
        stop.start()
        with pytest.raises(TargetError) as raised:
            target.run(["sh", "-c", "# much\nsleep 30", "place", "/srv"])
        stop.join()
        assert raised.value.message == "the container stopped while `place /srv` ran in it"
        assert f"docker start {found.name}" in raised.value.hint
        with pytest.raises(TargetError) as raised:
            target.run(["true"])
        assert f"name={found.name}" in raised.value.hint
        target.close()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_an_engine_that_does_not_answer(monkeypatch):
    """The SDK leaves its socket open when it can't connect: collected here, not in another test."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/socket")
    with pytest.raises(TargetError, match="doesn't answer"):
        open_target("docker://x").run(["true"])
    gc.collect()


def test_a_user_without_roots_rights_is_told_so(host, ssh_way):
    target = open_target(let_in_by_sudo(host, ssh_way, "nobodyspecial", rights=""))
    with pytest.raises(TargetError, match="does not get root's rights there: sudo: ") as refused:
        target.run(["id"])
    assert "NOPASSWD" in refused.value.hint
    assert "nothing was changed" in refused.value.hint
    target.close()


def test_a_user_whose_sudo_wants_a_password_is_told_so(host, ssh_way):
    target = open_target(let_in_by_sudo(host, ssh_way, "limited", rights="/usr/bin/true"))
    with pytest.raises(TargetError, match="does not get root's rights there"):
        target.run(["id"])
    target.close()
