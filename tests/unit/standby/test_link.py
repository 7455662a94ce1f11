import os
import subprocess

import pytest

from recovery.errors import TargetError
from recovery.standby.link import authorized_line, known_hosts, serve_script, ssh_words
from recovery.standby.pair import Machine
from recovery.standby.pull import rsync_argv

HERE = Machine(uri="ssh://root@192.0.2.1", address="192.0.2.1")


def serve(tmp_path, command, datastore="/var/lib/velociraptor"):
    """What the forced command does with what a client asked for; `rsync` only tells its words."""
    tmp_path.joinpath("rsync").write_text('#!/bin/sh\necho "ran $*"\n')
    tmp_path.joinpath("rsync").chmod(0o755)
    script = tmp_path / "serve"
    script.write_text(serve_script(datastore))
    return subprocess.run(
        ["sh", str(script)],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "SSH_ORIGINAL_COMMAND": command},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_sender_of_the_datastore_runs(tmp_path):
    ended = serve(
        tmp_path, "rsync --server --sender -ogtprSe.iLsfxCIvu --timeout=60 . /var/lib/velociraptor/"
    )
    assert ended.stdout.startswith("ran --server --sender -ogtprSe.iLsfxCIvu --timeout=60 . /v")


@pytest.mark.parametrize(
    "command",
    [
        "",
        "id",
        "rsync --server -logDtpre.iLsfxCIvu . /var/lib/velociraptor/",
        "rsync --server --sender -e.x . /etc/",
        "rsync --server --sender -e.x . /var/lib/velociraptor/../../../etc/",
        "rsync --server --sender -e.x --remove-source-files . /var/lib/velociraptor/",
        "rsync --server --sender -e.x --log-file=/etc/x . /var/lib/velociraptor/",
        "rsync --server --sender -e.x . /var/lib/velociraptor/; id",
        "rsync --server --sender -e.x . /var/lib/velociraptor/\nid",
        "rsync --server --sender -e.x . /var/lib/velociraptor/ $(id)",
        "rsync --server --sender -e.x . /var/lib/velociraptorX/",
        "rsync --server --sender -e.x . /var/lib/velociraptor/ /etc/",
    ],
)
def test_nothing_else_does(tmp_path, command):
    ended = serve(tmp_path, command)
    assert (ended.returncode, ended.stdout) == (126, "")


def test_a_dot_in_the_path_is_no_wildcard(tmp_path):
    command = "rsync --server --sender -e.x . /data/vXd/"
    assert serve(tmp_path, command, "/data/v.d").returncode == 126


def test_a_path_that_would_need_quoting_is_refused():
    with pytest.raises(TargetError):
        serve_script("/data/it's")


def test_the_key_may_nothing_but_its_command():
    line = authorized_line("ssh-ed25519 AAAA somebody")
    assert line.startswith('restrict,command="')
    assert line.endswith(" ssh-ed25519 AAAA velociraptor-recovery-standby")


def test_a_host_key_is_known_and_never_learned():
    words = ssh_words(HERE)
    assert "StrictHostKeyChecking=yes" in words
    assert known_hosts(HERE, "ssh-ed25519 AAAA root@x\n") == "192.0.2.1 ssh-ed25519 AAAA\n"
    other = HERE.model_copy(update={"port": 2222})
    assert known_hosts(other, "ssh-ed25519 AAAA").startswith("[192.0.2.1]:2222 ")


def test_rsync_deletes_no_more_than_it_may_and_owns_by_name():
    argv = rsync_argv(HERE, "/ds", 17)
    assert {"--max-delete=17", "--sparse", "--chown=velociraptor:velociraptor"} <= set(argv)
    assert "--exclude=/client_info/snapshot.json*" in argv
    assert argv[-2:] == ["root@192.0.2.1:/ds/", "/ds/"]
