import os
import shutil
from pathlib import Path

import pytest

from setup import base_image, image_boot
from setup.commands import ask
from setup.errors import SetupError


def test_package_list_has_comments_and_blank_lines():
    assert base_image.packages("# why\nsystemd  # init\n\nrsync\n") == ["systemd", "rsync"]


def test_image_holds_what_drills_call():
    names = set(base_image.packages((base_image.RECIPE / "packages.txt").read_text()))
    assert {"systemd-sysv", "openssh-server", "knot", "knot-dnsutils", "rsync"} <= names


def test_name_follows_the_recipe(tmp_path, monkeypatch):
    monkeypatch.delenv(base_image.VARIABLE, raising=False)
    before = base_image.image_name()
    changed = tmp_path / "recipe"
    shutil.copytree(base_image.RECIPE, changed)
    monkeypatch.setattr(base_image, "RECIPE", changed)
    assert base_image.image_name() == before
    with (changed / "packages.txt").open("a") as stream:
        stream.write("curl\n")
    assert base_image.image_name() != before


def test_an_image_given_by_name_is_used(monkeypatch):
    monkeypatch.setenv(base_image.VARIABLE, "mine:1")
    assert base_image.image_name() == "mine:1"


def test_a_shell_with_the_environment_of_an_older_clone_gets_the_newer_image(monkeypatch):
    own = base_image.image_name()
    monkeypatch.setenv(base_image.VARIABLE, f"{base_image.REPOSITORY}:0123456789ab")
    assert base_image.image_name() == own


def test_mirror_is_an_argument_only_where_there_is_one():
    tar = Path("a.tar")
    assert base_image.build_argv(["x"], tar, None, [])[-2:] == ["bookworm", "a.tar"]
    argv = base_image.build_argv(["x", "y"], tar, Path("m.list"), ["Acquire::a"])
    assert argv[-3:] == ["bookworm", "a.tar", "m.list"]
    assert "--include=x,y" in argv
    assert "--aptopt=Acquire::a" in argv


def test_a_damaged_or_unrecorded_tar_is_not_used(tmp_path):
    tar = tmp_path / "a.tar"
    assert not base_image.intact(tar)
    tar.write_bytes(b"whole")
    assert not base_image.intact(tar)
    tar.with_suffix(".sha256").write_text(f"{base_image.sha256(tar)}  a.tar\n")
    assert base_image.intact(tar)
    tar.write_bytes(b"whol")
    assert not base_image.intact(tar)


def test_apparmor_is_loosened_only_where_the_engine_has_it():
    assert not [
        word for word in image_boot.boot_argv("i", "[name=seccomp]", "n") if "apparmor" in word
    ]
    assert "apparmor=unconfined" in image_boot.boot_argv("i", "[name=apparmor name=seccomp]", "n")


@pytest.mark.docker
def test_containers_boot_and_have_identities_of_their_own():
    options = ask(["docker", "info", "--format", "{{.SecurityOptions}}"]) or ""
    image = base_image.image_name()
    assert image_boot.check(image) < image_boot.PATIENCE
    containers = [f"setup-test-{os.getpid()}-{number}" for number in range(2)]
    try:
        for each in containers:
            assert ask(image_boot.boot_argv(image, options, each))
        ids, keys = set(), set()
        for each in containers:
            boot = "systemctl is-system-running --wait; systemctl start ssh; cat /etc/machine-id"
            ids.add((ask(["docker", "exec", each, "sh", "-c", boot]) or "").split()[-1])
            keys.add(ask(["docker", "exec", each, "cat", "/etc/ssh/ssh_host_ed25519_key.pub"]))
            off = ["docker", "exec", each, "systemctl", "is-active", "knot"]
            assert ask(off) is None, "knot must stay off until a drill asks for it"
        assert len(ids) == 2
        assert len(keys - {None}) == 2
    finally:
        ask(["docker", "rm", "--force", *containers])


@pytest.mark.docker
def test_a_named_image_that_the_engine_lacks_is_refused(monkeypatch):
    monkeypatch.setenv(base_image.VARIABLE, "no-such-image-here:1")
    with pytest.raises(SetupError, match="no-such-image-here:1"):
        base_image.find()
