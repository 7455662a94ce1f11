import gzip
import io
import lzma
import tarfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server_deb import BuildRequest, PackageError, ar, tarball
from server_deb.build import build_package
from server_deb.contents import read_package
from tests.unit.server_deb.material import NOW, REAL_CONFIG, program, program_file

CONFIG = "etc/velociraptor/server.config.yaml"
BINARY = "usr/local/bin/velociraptor"
# An entry is (name, bytes of a file), or (name, type as text).
SYMLINK, HARD_LINK, DEVICE, PIPE = (
    kind.decode() for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)
)
CONTROL = b"Package: velociraptor-server\nVersion: 0.77.2\nArchitecture: amd64\n"


def tar(entries) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in entries:
            entry = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
            else:
                entry.type = content.encode()
                entry.linkname = "/etc/passwd"
                archive.addfile(entry)
    return made.getvalue()


def deb(path: Path, members) -> Path:
    raw = ar.MAGIC
    for name, content in members:
        raw += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
        raw += content + b"\n" * (len(content) % 2)
    path.write_bytes(raw)
    return path


def server_deb(path, data=None, control=None, data_name="data.tar", pack=bytes) -> Path:
    """A server package by hand, as hostile as a test wants it."""
    files = [(CONFIG, REAL_CONFIG), (BINARY, program())] if data is None else data
    return deb(
        path / "x.deb",
        [
            ("debian-binary", b"2.0\n"),
            ("control.tar", tar([("control", CONTROL)] if control is None else control)),
            (data_name, pack(tar(files))),
        ],
    )


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("data.tar", bytes),
        ("data.tar.gz", gzip.compress),
        ("data.tar.xz", lzma.compress),
        ("data.tar.zst", zstandard.ZstdCompressor().compress),
        ("data.tar/", bytes),
    ],
)
def test_every_compression_of_a_server_package_is_read(tmp_path, name, pack):
    contents = read_package(server_deb(tmp_path, data_name=name, pack=pack))
    assert contents.config_bytes == REAL_CONFIG
    assert contents.version == "0.77.2"
    assert [entry.path for entry in contents.files] == [f"/{CONFIG}", f"/{BINARY}"]
    contents.extract_binary(tmp_path / "binary")
    assert (tmp_path / "binary").read_bytes() == program()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ([(f"../{CONFIG}", REAL_CONFIG)], "name is not plain"),
        ([("etc/x\x1b[31m", b"")], "name is not plain"),
        ([(CONFIG, REAL_CONFIG), (f"./{CONFIG}", b"a: 1")], "two files"),
        ([(CONFIG, REAL_CONFIG)], "holds no /usr/local/bin/velociraptor"),
        ([(BINARY, program())], "holds no /etc/velociraptor/server.config.yaml"),
        ([(CONFIG, SYMLINK), (BINARY, program())], "holds no /etc/velociraptor"),
        ([(CONFIG, REAL_CONFIG), (BINARY, SYMLINK)], "holds no /usr/local/bin"),
        ([(CONFIG, REAL_CONFIG), (BINARY, HARD_LINK)], "neither file, folder nor link"),
        ([("dev/x", DEVICE)], "neither file, folder nor link"),
        ([("dev/x", PIPE)], "neither file, folder nor link"),
        ([(CONFIG, b"a" * (9 << 20))], "bytes"),
        ([("x" * 70_000, b"")], "damaged or cut off"),
    ],
)
def test_hostile_data_is_refused(tmp_path, data, why):
    with pytest.raises(PackageError, match=why) as refused:
        read_package(server_deb(tmp_path, data))
    assert refused.value.exit_code == 64


@pytest.mark.parametrize(
    ("control", "why"),
    [
        ([("control", b"Package: velociraptor-client\nVersion: 1\nArchitecture: a\n")], "client"),
        ([("control", b"Version: 1\n")], "lacks Architecture, Package"),
        ([], "lacks Architecture, Package, Version"),
        ([("control", CONTROL), ("./control", CONTROL)], "two control files"),
    ],
)
def test_what_is_no_server_package_is_refused(tmp_path, control, why):
    with pytest.raises(PackageError, match=why):
        read_package(server_deb(tmp_path, control=control))


def test_what_unpacks_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(tarball, "MOST_BYTES", 1 << 20)
    bomb = [(CONFIG, REAL_CONFIG), (BINARY, bytes(4 << 20))]
    packed = server_deb(tmp_path, bomb, data_name="data.tar.xz", pack=lzma.compress)
    assert packed.stat().st_size < 20_000
    with pytest.raises(PackageError, match="unpacks to more than"):
        read_package(packed)


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(tarball, "MOST_ENTRIES", 10)
    with pytest.raises(PackageError, match="more than 10 entries"):
        read_package(server_deb(tmp_path, [(f"etc/{number}", b"") for number in range(11)]))


@pytest.mark.parametrize("name", ["data.tar.bz2", "data.tar.lzma", "data.tar.enc"])
def test_an_unknown_compression_is_refused(tmp_path, name):
    with pytest.raises(PackageError, match="a compression that no server package has"):
        read_package(server_deb(tmp_path, data_name=name))


@pytest.mark.parametrize("pack", [lzma.compress, zstandard.ZstdCompressor().compress, bytes])
def test_a_wrong_or_broken_compression_is_refused(tmp_path, pack):
    for name in ("data.tar.gz", "data.tar.xz", "data.tar.zst"):
        broken = server_deb(tmp_path, data_name=name, pack=lambda tar: pack(tar)[:-40])
        with pytest.raises(PackageError):
            read_package(broken)


def test_two_data_members_are_refused(tmp_path):
    data = tar([(CONFIG, REAL_CONFIG), (BINARY, program())])
    members = [("debian-binary", b"2.0\n"), ("control.tar", tar([("control", CONTROL)]))]
    with pytest.raises(PackageError, match="two members"):
        read_package(deb(tmp_path / "x.deb", [*members, ("data.tar", data), ("data.tar.gz", b"")]))


def test_missing_files_and_folders_are_named(tmp_path):
    for path in (tmp_path / "missing.deb", tmp_path):
        with pytest.raises(PackageError) as refused:
            read_package(path)
        assert refused.value.where == str(path)


def test_a_binary_that_can_not_be_written_leaves_nothing(tmp_path):
    contents = read_package(server_deb(tmp_path))
    with pytest.raises(PackageError, match="could not be extracted"):
        contents.extract_binary(tmp_path / "missing" / "binary")
    target = tmp_path / "folder"
    target.mkdir()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(PackageError):
        contents.extract_binary(target)
    assert sorted(tmp_path.iterdir()) == before


def test_nothing_secret_is_shown_by_repr(tmp_path):
    shown = repr(read_package(server_deb(tmp_path)))
    assert "PRIVATE KEY" not in shown
    assert "Hc4K+V0kruc=" not in shown


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    request = BuildRequest(
        binary=program_file(folder), config=REAL_CONFIG, output=folder, version="1", now=NOW
    )
    return build_package(request).path.read_bytes()


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damage_anywhere_is_an_answer_not_a_crash(whole, tmp_path, data):
    raw = bytearray(whole)
    if data.draw(st.booleans(), label="cut"):
        raw = raw[: data.draw(st.integers(0, len(raw) - 1))]
    else:
        for _ in range(data.draw(st.integers(1, 4))):
            raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "damaged.deb"
    path.write_bytes(raw)
    try:
        contents = read_package(path)
    except PackageError:
        return
    # zstd and gzip carry checksums: data that could be read is the data that was packed.
    assert contents.config_bytes == REAL_CONFIG
