import os
import sys
from pathlib import Path

import pytest

from server_deb import PackageError
from server_deb.binary import ask_version, debian_packages, read_binary
from server_deb.run import run
from tests.unit.server_deb.material import program, program_file

only_here = pytest.mark.skipif(os.uname().machine != "x86_64", reason="the program is for x86-64")


def test_a_program_is_looked_into(tmp_path):
    binary = read_binary(program_file(tmp_path))
    assert (binary.architecture, binary.depends, binary.unknown_libraries) == ("amd64", (), ())


def test_a_dynamic_program_depends_on_the_c_library():
    binary = read_binary(Path(sys.executable).resolve())
    assert any(package.startswith("libc6 (>= 2.") for package in binary.depends)


def test_another_architecture_is_read_and_refused_on_request(tmp_path):
    path = program_file(tmp_path, machine=183)
    assert read_binary(path).architecture == "arm64"
    with pytest.raises(PackageError, match="made for arm64, not for amd64"):
        read_binary(path, "amd64")


@pytest.mark.parametrize(
    "content",
    [b"", b"#!/bin/sh\n", b"MZ" + bytes(100), b"\x7fELF", program()[:100], program(machine=8)],
    ids=["empty", "script", "windows", "magic only", "cut off", "mips"],
)
def test_what_is_no_whole_program_is_refused(tmp_path, content):
    path = tmp_path / "velociraptor"
    path.write_bytes(content)
    with pytest.raises(PackageError) as refused:
        read_binary(path)
    assert refused.value.where == str(path)
    assert refused.value.exit_code == 64


@pytest.mark.parametrize("length", range(0, 200, 7))
def test_a_download_that_was_cut_off_is_never_taken(tmp_path, length):
    path = tmp_path / "velociraptor"
    path.write_bytes(program()[:length])
    if length < len(program()):
        with pytest.raises(PackageError):
            read_binary(path)
    else:
        read_binary(path)


@pytest.mark.parametrize("name", ["missing", "."])
def test_what_can_not_be_read_is_named(tmp_path, name):
    with pytest.raises(PackageError, match="can't be read"):
        read_binary(tmp_path / name)


@only_here
def test_the_version_is_asked_of_the_program(tmp_path):
    assert ask_version(read_binary(program_file(tmp_path))) == "0.77.2"


@only_here
@pytest.mark.parametrize("answer", [b"", b"velociraptor 1", b"name: osquery\nversion: 1\n", b"{"])
def test_another_program_is_found_out(tmp_path, answer):
    with pytest.raises(PackageError, match="does not answer `version` as Velociraptor does"):
        ask_version(read_binary(program_file(tmp_path, answer=answer)))


def test_a_program_that_can_not_run_here_asks_for_the_version(tmp_path):
    machine = 62 if os.uname().machine == "aarch64" else 183
    foreign = read_binary(program_file(tmp_path, machine=machine))
    with pytest.raises(PackageError) as refused:
        ask_version(foreign)
    assert "--version" in refused.value.hint


@only_here
def test_a_program_without_its_mode_asks_for_the_version(tmp_path):
    path = program_file(tmp_path)
    path.chmod(0o644)
    with pytest.raises(PackageError, match="not executable"):
        ask_version(read_binary(path))


@only_here
def test_the_program_sees_nothing_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("RECOVERY_PACKAGE_CONFIG_CONTENT", "SECRET")
    shown = run(["/usr/bin/env"], cwd=tmp_path, timeout=10)
    assert "SECRET" not in shown.stdout
    assert "PATH=" in shown.stdout


def test_libraries_become_packages():
    needed = ["libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2", "libz.so.1", "libodd.so.3"]
    assert debian_packages(needed, (2, 34)) == (("libc6 (>= 2.34)", "zlib1g"), ("libodd.so.3",))
    assert debian_packages([], None) == ((), ())
