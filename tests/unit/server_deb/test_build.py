import gzip
import os
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from server_deb import PackageError, build, pack
from server_deb.build import build_package
from server_deb.contents import read_package
from tests.unit.server_deb.material import REAL_CONFIG, edited, program

PARTS = ("zstd", "xz", "gzip")


def test_a_package_holds_what_went_in(request_for):
    request = request_for()
    built = build_package(request)
    assert built.path == request.output / "velociraptor-server_0.77.2-1_amd64.deb"
    assert built.warnings == ()
    contents = read_package(built.path)
    assert contents.config_bytes == REAL_CONFIG
    assert contents.config_fingerprint == built.config_fingerprint
    assert contents.deployment_fingerprint == built.deployment_fingerprint
    assert contents.control["X-Config-Fingerprint"] == built.config_fingerprint
    assert contents.control["X-Deployment-Fingerprint"] == built.deployment_fingerprint
    assert contents.control["Depends"] == "passwd, systemd"
    assert contents.conffiles == ("/etc/velociraptor/server.config.yaml",)
    extracted = request.output / "binary"
    contents.extract_binary(extracted)
    assert extracted.read_bytes() == program()
    assert stat.S_IMODE(extracted.stat().st_mode) == 0o755


@pytest.mark.parametrize("compression", PARTS)
def test_equal_input_gives_equal_bytes(request_for, tmp_path, compression):
    one = build_package(request_for(output=tmp_path / "a", compression=compression))
    os.utime(one.path.parent.parent / "velociraptor", (1, 1))
    other = build_package(request_for(output=tmp_path / "b", compression=compression))
    assert one.path.read_bytes() == other.path.read_bytes()
    assert one.sha256 == other.sha256


def test_other_input_gives_other_bytes(request_for, tmp_path):
    base = build_package(request_for(output=tmp_path / "a"))
    config = build_package(request_for(output=tmp_path / "b", config=REAL_CONFIG + b"# x\n"))
    dated = build_package(request_for(output=tmp_path / "c", source_date_epoch=1_700_000_000))
    assert len({base.sha256, config.sha256, dated.sha256}) == 3
    assert config.deployment_fingerprint == base.deployment_fingerprint
    assert config.config_fingerprint != base.config_fingerprint


def test_the_time_inside_is_the_one_given(request_for):
    built = build_package(request_for(source_date_epoch=1_700_000_000))
    raw = built.path.read_bytes()
    assert raw[8 + 16 : 8 + 28].strip() == b"1700000000"


def test_private_keys_are_never_readable_by_others(request_for, tmp_path, monkeypatch):
    seen: list[tuple[str, int]] = []
    real = pack.run

    def look(argv, **how):
        done = real(argv, **how)
        folder = Path(how["cwd"])
        seen.append((folder.name, stat.S_IMODE(folder.stat().st_mode)))
        seen.extend((p.name, stat.S_IMODE(p.stat().st_mode)) for p in folder.iterdir())
        return done

    monkeypatch.setattr(pack, "run", look)
    before = os.umask(0)
    try:
        built = build_package(request_for())
    finally:
        os.umask(before)
    names = {name for name, _ in seen}
    assert {"server.config.yaml", "packed.deb", "nfpm.yaml"} <= names
    assert all(mode & 0o077 == 0 for _, mode in seen), seen
    assert stat.S_IMODE(built.path.stat().st_mode) == 0o600
    entry = read_package(built.path).file("/etc/velociraptor/server.config.yaml")
    assert stat.S_IMODE(entry.mode) == 0o640
    assert (entry.owner, entry.group) == ("root", "velociraptor")
    assert list(built.path.parent.iterdir()) == [built.path]


@pytest.mark.parametrize(
    "changes",
    [
        {"config": b""},
        {"config": edited({"Client.ca_certificate": None})},
        {"version": "not a version"},
        {"release": "a/b"},
        {"compression": "bzip2"},
        {"architecture": "arm64"},
        {"binary": Path("/nonexistent/velociraptor")},
        {"binary": Path("/etc/hostname")},
    ],
)
def test_bad_input_writes_nothing(request_for, changes):
    request = request_for(**changes)
    with pytest.raises(PackageError) as refused:
        build_package(request)
    assert refused.value.exit_code == 64
    assert refused.value.where
    assert refused.value.hint
    assert not request.output.exists()


def test_an_output_that_is_a_file_is_refused(request_for, tmp_path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(PackageError, match="not a folder") as refused:
        build_package(request_for(output=tmp_path / "file" / "dist"))
    assert refused.value.exit_code == 64
    assert (tmp_path / "file").read_text() == "kept"


def test_too_little_space_is_told_before_anything_is_written(request_for, monkeypatch):
    usage = build.shutil.disk_usage("/")
    monkeypatch.setattr(build.shutil, "disk_usage", lambda _: usage._replace(free=1 << 20))
    request = request_for()
    with pytest.raises(PackageError, match="too little free space: 1 MiB") as refused:
        build_package(request)
    assert refused.value.exit_code == 2
    assert not request.output.exists()


def test_a_failing_nfpm_leaves_the_old_package_alone(request_for, tmp_path, monkeypatch):
    old = build_package(request_for())
    before = old.path.read_bytes()
    broken = tmp_path / "nfpm"
    broken.write_text(
        "#!/bin/sh\necho 'using deb packager...'\n"
        "printf '\\n  ERROR\\n\\n  no space\\n  left\\n' >&2\nexit 3\n"
    )
    broken.chmod(0o755)
    monkeypatch.setattr(pack, "_find_nfpm", lambda: str(broken))
    with pytest.raises(PackageError, match=r"exit code 3\): no space left") as failed:
        build_package(request_for(config=REAL_CONFIG + b"# x\n"))
    assert failed.value.exit_code == 2
    assert old.path.read_bytes() == before
    assert list(old.path.parent.iterdir()) == [old.path]


def test_a_package_of_the_same_name_is_replaced_whole(request_for):
    old = build_package(request_for())
    new = build_package(request_for(config=REAL_CONFIG + b"# x\n"))
    assert new.path == old.path
    assert read_package(new.path).config_bytes == REAL_CONFIG + b"# x\n"


def test_no_secret_is_among_arguments_or_environment(request_for, monkeypatch):
    calls: list[tuple[list[str], dict[str, str]]] = []
    real = subprocess.run

    def look(argv, **how):
        calls.append((argv, how["env"]))
        return real(argv, **how)

    monkeypatch.setenv("RECOVERY_PACKAGE_CONFIG_CONTENT", REAL_CONFIG.decode())
    monkeypatch.setattr(subprocess, "run", look)
    build_package(request_for(version=None))
    assert len(calls) == 3
    assert "PRIVATE KEY" not in repr(calls)


def test_the_changelog_is_a_plain_gzip(request_for):
    order, _ = build.decide(request_for(source_date_epoch=1_700_000_000))
    files = {path: content for (path, _), content in order.rendered.files.items()}
    text = gzip.decompress(files["/usr/share/doc/velociraptor-server/changelog.Debian.gz"]).decode()
    assert text.startswith("velociraptor-server (0.77.2-1) unstable")
    assert "Tue, 14 Nov 2023 22:13:20 +0000" in text


def test_paths_may_be_relative(request_for, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    request = request_for()
    built = build_package(replace(request, binary=Path("velociraptor"), output=Path("dist")))
    assert built.path == Path("dist/velociraptor-server_0.77.2-1_amd64.deb")
    assert built.path.is_file()
    here = build_package(replace(request, binary=Path("velociraptor"), output=Path()))
    assert here.sha256 == built.sha256
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    above = replace(request, binary=Path("../velociraptor"), output=Path("../dist"))
    assert build_package(above).sha256 == built.sha256
