import shutil
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

import pytest
import yaml

RECORDED = Path(__file__).parents[3] / "fixtures" / "velociraptor-0.77.2"


@pytest.fixture
def package(run, config: Path, tmp_path: Path) -> Path:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\x7fELF not really")
    folder = tmp_path / "out"
    folder.mkdir()
    done = run("--config", config, "debian", "server", "--output", folder, "--binary", binary)
    assert (done.code, done.err) == (0, "")
    return folder / "velociraptor-server-0.77.2.amd64.deb"


def members(package: Path) -> dict[str, bytes]:
    data, position, found = package.read_bytes(), 8, {}
    assert data.startswith(b"!<arch>\n")
    while position < len(data):
        header = data[position : position + 60]
        size = int(header[48:58])
        found[header[:16].decode().strip()] = data[position + 60 : position + 60 + size]
        position += 60 + size + size % 2
    return found


def test_the_paths_and_modes_are_the_real_ones(package: Path) -> None:
    recorded = (RECORDED / "velociraptor-server-0.77.2.amd64.deb.dpkg-c.txt").read_text()
    real = {(line.split()[0], line.split()[-1]) for line in recorded.splitlines()}
    with tarfile.open(fileobj=BytesIO(members(package)["data.tar.gz"])) as tar:
        made = {(("d" if item.isdir() else "-") + _letters(item.mode), item.name) for item in tar}
        assert {(item.uid, item.gid) for item in tar.getmembers()} == {(0, 0)}
    assert made == real


def _letters(mode: int) -> str:
    return "".join("rwx"[i % 3] if mode >> (8 - i) & 1 else "-" for i in range(9))


def test_the_config_is_no_conffile_and_names_its_user(package: Path) -> None:
    """Facts: installing again silently overwrites an edited config."""
    with tarfile.open(fileobj=BytesIO(members(package)["control.tar.gz"])) as tar:
        names = ["conffiles", "control", "md5sums", "postinst", "prerm"]
        assert sorted(tar.getnames()) == [f"./{name}" for name in names]
        assert tar.extractfile("./conffiles").read() == b""
        script = tar.extractfile("./postinst").read().decode()
    assert "setcap CAP_SYS_RESOURCE,CAP_NET_BIND_SERVICE" in script
    assert "systemctl start velociraptor_server.service" in script
    with tarfile.open(fileobj=BytesIO(members(package)["data.tar.gz"])) as tar:
        config = yaml.safe_load(tar.extractfile("etc/velociraptor/server.config.yaml").read())
    assert config["Frontend"]["run_as_user"] == "velociraptor"


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="needs dpkg-deb")
def test_dpkg_reads_it(package: Path) -> None:
    fields = subprocess.run(
        ["dpkg-deb", "--field", package], capture_output=True, text=True, check=True
    ).stdout
    for line in (
        "Package: velociraptor-server",
        "Version: 0.77.2",
        "Depends: libcap2-bin, systemd",
    ):
        assert line in fields.splitlines()
    subprocess.run(["dpkg-deb", "--contents", package], capture_output=True, check=True)


def test_a_folder_that_is_missing_gets_nothing_and_no_error(
    run, config: Path, tmp_path: Path
) -> None:
    """Facts: if DIR does not exist it writes nothing and exits 0."""
    target = tmp_path / "none"
    done = run("--config", config, "debian", "server", "--output", target, "--binary", config)
    assert (done.code, done.out, done.err) == (0, "", "")
    assert not target.exists()


def test_a_config_must_be_named(run) -> None:
    assert "--config flag" in run("debian", "server").err
