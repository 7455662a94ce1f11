"""Faults on the way: each has a clear outcome, and leaves earlier recovery points as they were."""

import os
import subprocess
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from recovery.capture import compare_clocks
from recovery.capture.capture_point import capture
from recovery.errors import BadInputError, VaultError
from recovery.target import open_target
from recovery.target.local import LocalTarget
from recovery.vault.open import open_vault
from recovery.vault.verify_points import verify_points
from recovery.velociraptor.api import open_api

from .conftest import running_server, until

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def own_state_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@contextmanager
def small_disk(folder, size):
    """A file system of ``size`` in memory, where this machine lets us mount one."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=False
    )
    if done.returncode:
        pytest.skip("this machine does not let the tests mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill_up(disk, leave=0):
    free = os.statvfs(disk)
    with (disk / "fill").open("wb", buffering=0) as fill:
        try:
            for size in (free.f_bavail * free.f_frsize - leave, *([4096] * 10 * (not leave))):
                fill.write(bytes(size))
        except OSError:
            return


def points(vault):
    return open_vault(str(vault), {}).points()


def test_a_full_disk_on_the_server(server_binary, tmp_path):
    with (
        small_disk(tmp_path / "disk", "150m") as disk,
        running_server(server_binary, disk) as running,
    ):
        first = running.capture(tmp_path / "vault", strategy=["redeploy", "backup", "state"])
        assert first.gaps == []
        fill_up(disk)
        second = running.capture(tmp_path / "vault", strategy=["redeploy", "backup", "state"])
        gaps = "\n".join(second.gaps)
        assert "fresh backup" in gaps
        assert "client list is the one on disk" in gaps
        assert second.backups == []
        assert second.state[0].files > 5
        until(lambda: refuses_to_write(running))
        third = running.capture(tmp_path / "vault")
        assert "root: no fresh backup could be made: backup: Insufficient disk" in third.gaps[0]
        assert third.state[0].files > 5
        (disk / "fill").unlink()
        assert running.left_behind() == []
    assert points(tmp_path / "vault") == [first, second, third]


def refuses_to_write(running):
    """A server looks at its disk every few seconds; until then a backup is empty, or cut off."""
    name = f"probe-{time.monotonic_ns()}"
    with open_api(open_target("local://"), running.config) as api:
        log = api.ask("SELECT * FROM backup(name=Name)", env={"Name": name}, timeout=30).log
    (running.datastore / "backups" / f"{name}.zip").unlink(missing_ok=True)
    return "Insufficient disk space" in str(log)


def test_a_full_vault(server, tmp_path):
    with small_disk(tmp_path / "disk", "300m") as disk:
        vault = disk / "vault"
        first = server.capture(vault, strategy=["redeploy"])
        fill_up(disk, leave=20_000)
        with pytest.raises(VaultError, match="No space left") as refused:
            server.capture(vault)
        assert "space" in refused.value.hint
        assert points(vault) == [first]
        assert verify_points(open_vault(str(vault), {}), [], 1.0, lambda _: None).whole
        assert not list(vault.glob(".part-*"))
        (disk / "fill").unlink()
        assert server.capture(vault).gaps == []
        assert len(points(vault)) == 2
    assert server.left_behind() == []


@contextmanager
def emptied_results(server, *, of_the_hunt):
    """The results of one flow are gone from the disk: the hunt's flow, or one of no hunt."""
    folder = server.datastore / "clients" / server.client / "artifacts" / "Custom.Test.Rows"
    paths = [path for path in sorted(folder.iterdir()) if path.name.endswith(".json")]
    path = next(path for path in paths if path.name.endswith(".H.json") == of_the_hunt)
    content = path.read_bytes()
    path.write_bytes(b"")
    try:
        yield path.name.removesuffix(".json")
    finally:
        path.write_bytes(content)


def test_an_export_that_lacks_rows_is_a_gap_and_the_only_one(server, tmp_path):
    with emptied_results(server, of_the_hunt=False) as flow:
        manifest = server.capture(tmp_path / "vault")
        again = server.capture(tmp_path / "vault")
    (gap,) = manifest.gaps
    assert flow in gap
    assert again.gaps == manifest.gaps
    assert server.capture(tmp_path / "vault").gaps == []


def test_a_hunts_export_that_lacks_a_flows_rows_is_a_gap_too(server, tmp_path):
    with emptied_results(server, of_the_hunt=True) as flow:
        manifest = server.capture(tmp_path / "vault")
    assert len(manifest.gaps) == 2
    assert flow in manifest.gaps[0]
    assert f"H.{flow.removeprefix('F.').removesuffix('.H')}" in manifest.gaps[1]


def test_an_ended_certificate_without_a_ca_key(server, tmp_path):
    values = yaml.safe_load(server.config.raw)
    del values["CA"]
    old = x509.load_pem_x509_certificate(values["Frontend"]["certificate"].encode())
    key = load_pem_private_key(values["Frontend"]["private_key"].encode(), None)
    now = datetime.now(UTC)
    values["Frontend"]["certificate"] = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(old.issuer)
        .public_key(old.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now - timedelta(days=35))
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
        .decode()
    )
    path = tmp_path / "server.config.yaml"
    path.write_text(yaml.safe_dump(values))
    with pytest.raises(BadInputError, match="certificate ended") as refused:
        server.capture(tmp_path / "vault", config_path=str(path))
    assert "reissue_certs" in refused.value.hint
    assert points(tmp_path / "vault") == []


class Listening(LocalTarget):
    """This machine, with every argument and input written down."""

    def __init__(self):
        self.arguments = []

    def run(self, argv, **more):
        self.arguments += argv
        return super().run(argv, **more)


def test_no_secret_in_arguments_or_progress(server, tmp_path):
    target, said = Listening(), []
    vault = open_vault(str(tmp_path / "vault"), {})
    capture(target, vault, server.options(), said.append)
    values = server.config.values
    (row,) = server.query("SELECT org().nonce AS Nonce FROM scope()", org="OACME")
    secrets = [row["Nonce"], values["Client"]["nonce"], values["obfuscation_nonce"]]
    secrets += values["CA"]["private_key"].splitlines()[1:-1]
    secrets += values["Frontend"]["private_key"].splitlines()[1:-1]
    text = "\n".join([*target.arguments, *said])
    assert target.arguments
    assert not [secret for secret in secrets if secret in text]


def present(folder):
    """Paths below ``folder`` and their modes; not what the reference server's own program, asked
    for its version meanwhile, unpacks there: of that the folder, which must be closed, counts."""
    for path in folder.rglob("*"):
        inside = path.relative_to(folder).parts
        if len(inside) > 1 and inside[0].startswith("_MEI"):
            continue
        with suppress(FileNotFoundError):
            yield path, path.stat().st_mode


def test_temporary_files_are_nobody_elses(server, tmp_path, monkeypatch):
    """While a package is rebuilt, the config lies in a folder of its own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    modes = []

    class Watching(LocalTarget):
        def run(self, argv, **more):
            done = super().run(argv, **more)
            modes.extend((path.name, mode & 0o077) for path, mode in present(tmp_path / "tmp"))
            return done

    capture(Watching(), open_vault(str(tmp_path / "vault"), {}), server.options(), lambda _: None)
    assert [name for name, open_to_others in modes if open_to_others] == []
    assert list((tmp_path / "tmp").iterdir()) == []


class Emptying(LocalTarget):
    """A server whose disk is full whenever it writes an export: the file stays empty."""

    def __init__(self, datastore, times):
        self.datastore = datastore
        self.times = times
        self.emptied = []

    def run(self, argv, **more):
        zips = [path for path in (more.get("stdin") or b"").split(b"\0") if path.endswith(b".zip")]
        if argv[3:4] == ["read"] and zips and b"downloads" in zips[0] and self.times:
            self.times -= 1
            path = self.datastore / zips[0].decode()
            path.write_bytes(b"")
            self.emptied.append(path.name)
        return super().run(argv, **more)


def test_an_export_that_comes_back_empty_is_made_again(server, tmp_path):
    target = Emptying(server.datastore, 1)
    vault = open_vault(str(tmp_path / "vault"), {})
    manifest = capture(target, vault, server.options(), lambda _: None)
    assert len(target.emptied) == 1
    assert manifest.gaps == []


def test_an_export_that_stays_empty_is_a_gap_and_the_others_are_there(server, tmp_path):
    target = Emptying(server.datastore, 1000)
    vault = open_vault(str(tmp_path / "vault"), {})
    manifest = capture(target, vault, server.options(hunts=[]), lambda _: None)
    names = set(target.emptied)
    assert len(manifest.gaps) == len(names) > 1
    assert all("not a whole zip" in gap for gap in manifest.gaps)
    held = {archive.flow_id for archive in manifest.archives}
    assert not [ident for ident in held if [name for name in names if ident in name]]
    assert server.left_behind() == []


def test_clocks_that_differ_are_said_and_the_servers_counts(server, tmp_path, monkeypatch):
    real = compare_clocks.here
    monkeypatch.setattr(compare_clocks, "here", lambda: real() - 86400 * 3)
    manifest = server.capture(
        tmp_path / "vault", hunts=[], flows_since=timedelta(hours=1), strategy=["collections"]
    )
    (gap,) = manifest.gaps
    assert "3 d 0 h ahead of this machine's" in gap
    assert manifest.archives
