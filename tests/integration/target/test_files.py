"""Files on real machines: whole or not at all, owner and mode from the first byte."""

import os
import shlex

import pytest

from recovery.errors import CommandError, TargetError
from recovery.target.files import put_argv

pytestmark = [pytest.mark.docker, pytest.mark.slow]


@pytest.fixture
def folder(target, request):
    path = f"/srv/{request.node.name.replace('[', '-').replace(']', '')}"
    target.run(["mkdir", "-p", path])
    return path


def stat(target, path):
    return target.run(["stat", "-c", "%a %U:%G %s", path]).text


def test_put_and_get(target, folder):
    content = os.urandom(300_000)
    target.put(content, f"{folder}/key", mode=0o640, owner="root:daemon")
    assert stat(target, f"{folder}/key") == "640 root:daemon 300000"
    assert target.get(f"{folder}/key") == content


def test_put_streams_a_file_and_makes_its_folder(target, folder, tmp_path):
    source = tmp_path / "package.deb"
    source.write_bytes(os.urandom(1 << 20) * 5)
    target.put(source, f"{folder}/new/deep/package.deb", mode=0o600)
    assert stat(target, f"{folder}/new/deep/package.deb") == f"600 root:root {5 << 20}"
    assert stat(target, f"{folder}/new/deep").startswith("755 root:root")


def test_an_empty_file(target, folder):
    target.put(b"", f"{folder}/empty", mode=0o600)
    assert target.get(f"{folder}/empty") == b""


def test_a_name_with_spaces_and_quotes(target, folder):
    name = f'{folder}/it\'s a "name" $HOME'
    target.put(b"x", name, mode=0o600)
    assert target.get(name) == b"x"


def test_replaced_without_a_trace(target, folder):
    target.put(b"old", f"{folder}/f", mode=0o644)
    target.put(b"new", f"{folder}/f", mode=0o600)
    assert target.get(f"{folder}/f") == b"new"
    assert target.run(["ls", "-A", folder]).text == "f"


def test_a_transfer_that_is_cut_off_leaves_the_old_file(target, folder):
    target.put(b"old", f"{folder}/f", mode=0o600)
    with pytest.raises(CommandError, match="3 of 10 bytes arrived"):
        target.run(put_argv(f"{folder}/f", 0o600, "root:root", 10), stdin=b"new")
    assert target.get(f"{folder}/f") == b"old"
    assert target.run(["ls", "-A", folder]).text == "f"


def test_an_unknown_owner_changes_nothing(target, folder):
    target.put(b"old", f"{folder}/f", mode=0o600)
    with pytest.raises(CommandError, match="nosuchuser"):
        target.put(b"new", f"{folder}/f", mode=0o600, owner="nosuchuser:root")
    assert target.get(f"{folder}/f") == b"old"
    assert target.run(["ls", "-A", folder]).text == "f"


def test_a_folder_in_its_place_is_refused(target, folder):
    target.run(["mkdir", "-p", f"{folder}/f"])
    with pytest.raises(CommandError):
        target.put(b"new", f"{folder}/f", mode=0o600)
    assert target.run(["ls", "-A", f"{folder}/f"]).text == ""


def test_a_key_is_never_readable_by_others(target, folder):
    """Every state that the file goes through on its way, seen by its own folder's watcher."""
    watch = f"while :; do stat -c %a {shlex.quote(folder)}/* 2>/dev/null; done"
    target.run(["systemd-run", "--unit=watch", "sh", "-c", f"{watch} > /run/watch.log"])
    try:
        for _ in range(5):
            target.put(os.urandom(200_000), f"{folder}/key", mode=0o600)
    finally:
        target.run(["systemctl", "stop", "watch.service"])
    seen = set(target.run(["sort", "-u", "/run/watch.log"]).text.split())
    assert seen == {"600"}


def test_get_follows_a_link(target, folder):
    target.put(b"content", f"{folder}/real", mode=0o600)
    target.run(["ln", "-s", "real", f"{folder}/link"])
    assert target.get(f"{folder}/link") == b"content"


@pytest.mark.parametrize("path", ["/no/such/file", "/etc"])
def test_what_cannot_be_read_is_an_error_with_its_name(target, path):
    with pytest.raises(TargetError, match=path):
        target.get(path)


def test_a_source_that_is_missing_here_is_an_error(target, folder, tmp_path):
    with pytest.raises(TargetError, match="can't read"):
        target.put(tmp_path / "missing", f"{folder}/f", mode=0o600)
    assert target.run(["ls", "-A", folder]).text == ""
