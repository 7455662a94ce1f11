import tomllib

import pytest

from setup import go_toolchain, pulumi_build, pulumi_cli
from setup.errors import SetupError
from setup.venv import PROJECT


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write_cli(path, version):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("words", "enough"),
    [
        ("v3.259.0", True),
        ("3.230.0", True),
        ("v4.0.0-alpha", True),
        ("v3.229.9", False),
        ("v2.300.0", False),
        ("", False),
        (None, False),
    ],
)
def test_which_versions_are_new_enough(words, enough):
    assert pulumi_cli.new_enough(words) is enough


def test_the_same_version_everywhere():
    dependencies = tomllib.loads(PROJECT.read_text())["project"]["dependencies"]
    assert f"pulumi=={pulumi_cli.VERSION}" in dependencies
    module = go_toolchain.MODULE.read_text()
    assert f"github.com/pulumi/pulumi/pkg/v3 v{pulumi_cli.VERSION}" in module


def test_a_cli_on_the_path_comes_first(cache, tmp_path, monkeypatch):
    own = write_cli(pulumi_cli.own_cli(), "v3.259.0")
    pulumi_cli.record().write_text(pulumi_cli.sha256(own))
    monkeypatch.setenv("PATH", f"{own.parent}:/usr/bin:/bin")
    assert pulumi_cli.cli() == own
    assert pulumi_cli.path_folders() == [str(own.parent), str(pulumi_cli.host_folder())]
    there = write_cli(tmp_path / "there" / "pulumi", "v3.231.0")
    monkeypatch.setenv("PATH", f"{own.parent}:{there.parent}:/usr/bin:/bin")
    assert pulumi_cli.cli() == there


def test_an_old_cli_on_the_path_is_passed_over(cache, tmp_path, monkeypatch):
    there = write_cli(tmp_path / "there" / "pulumi", "v3.100.0")
    monkeypatch.setenv("PATH", f"{there.parent}:/usr/bin:/bin")
    assert pulumi_cli.find() is None


def test_a_changed_cached_cli_is_not_used(cache, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    own = write_cli(pulumi_cli.own_cli(), "v3.259.0")
    assert pulumi_cli.cli() is None, "without a record, a build was cut off"
    pulumi_cli.record().write_text(pulumi_cli.sha256(own))
    assert pulumi_cli.cli() == own
    write_cli(own, "v3.259.1")
    assert pulumi_cli.cli() is None


def test_a_cli_without_python_host_gets_one(cache, tmp_path, monkeypatch):
    there = write_cli(tmp_path / "there" / "pulumi", "v3.259.0")
    monkeypatch.setenv("PATH", f"{there.parent}:/usr/bin:/bin")
    assert pulumi_cli.find() == f"v3.259.0 at {there}"
    assert pulumi_cli.path_folders() == [str(there.parent), str(pulumi_cli.host_folder())]
    assert (pulumi_cli.host_folder() / "pulumi-language-python").stat().st_mode & 0o111
    for name in ("pulumi-language-python", "pulumi-resource-pulumi-python"):
        write_cli(there.with_name(name), "theirs")
    assert pulumi_cli.path_folders() == [str(there.parent)]


def test_build_is_pinned_by_go_sum_and_leaves_nothing_elsewhere(tmp_path):
    argv = pulumi_build.build_argv(tmp_path / "go", "3.259.0", tmp_path / "pulumi")
    assert "-mod=readonly" in argv
    assert any(word.endswith("version.Version=v3.259.0") for word in argv)
    environment = pulumi_build.build_environment(tmp_path, {})
    assert environment["GOCACHE"].startswith(str(tmp_path))
    assert environment["GOMODCACHE"].startswith(str(tmp_path))
    given = pulumi_build.build_environment(tmp_path, {"GOMODCACHE": "/shared"})
    assert given["GOMODCACHE"] == "/shared"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go version go1.19 linux/amd64", (1, 19, 0)),
        ("go version go1.27rc1 linux/amd64", (1, 27, 0)),
        ("", (0, 0, 0)),
    ],
)
def test_reads_the_version_of_go(words, expected):
    assert go_toolchain.version(words) == expected


def test_reads_which_go_the_module_needs():
    assert go_toolchain.needed("module x\n\ngo 1.25.11\n") == (1, 25, 11)
    assert go_toolchain.needed(go_toolchain.MODULE.read_text()) >= (1, 25, 0)
    with pytest.raises(ValueError, match="no Go version"):
        go_toolchain.needed("module x\n")


def test_a_full_disk_is_refused_before_anything_is_downloaded(tmp_path):
    go_toolchain.refuse_full_disk(tmp_path, 1, "pulumi")
    with pytest.raises(SetupError, match="GB free"):
        go_toolchain.refuse_full_disk(tmp_path, 10**18, "pulumi")
