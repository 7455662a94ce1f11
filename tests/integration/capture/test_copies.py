"""Complete copies of a running server into a real S3 and by sftp, by the command line."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from recovery.vault.lease import LeaseTakenError, current, take
from recovery.vault.open import open_vault
from tests.integration.target.machines import machine, open_ssh

pytestmark = pytest.mark.slow
CLONE = Path(__file__).parents[3]
RUN = "import sys; sys.path[:0] = ['.', 'packaging']; from recovery.cli import app; app()"
PASSWORD = "only-for-this-test"


@pytest.fixture
def copying(s3, server, tmp_path, monkeypatch):
    """``recovery datastore VERB`` on a new bucket and vault."""
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    file.chmod(0o600)
    monkeypatch.setenv("RESTIC_PASSWORD_FILE", str(file))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    bucket = s3.uri(s3.bucket(), "copies")

    def run(verb, *words, code=0, repository=bucket):
        argv = [sys.executable, "-c", RUN, "datastore", verb, "--vault", str(tmp_path / "vault")]
        ended = subprocess.run(
            [*argv, "--repository", repository, "--json", *words],
            cwd=CLONE,
            capture_output=True,
            text=True,
            env=os.environ,
            check=False,
        )
        assert ended.returncode == code, ended.stdout + ended.stderr
        assert PASSWORD not in ended.stdout + ended.stderr
        return json.loads(ended.stdout)

    return run


@pytest.mark.skipif(shutil.which("restic") is None, reason="no restic here; `make setup` gets it")
def test_a_bucket_takes_copies_ties_verifies_and_forgets_them(copying, server):
    there = ["--from", "local://", "--config", str(server.folder / "server.config.yaml")]
    there += ["--binary", str(server.binary)]
    points = [copying("backup", *there)["point"] for _ in range(2)]
    listed = copying("list")
    assert [(one["point"], one["state"]) for one in listed] == [(point, "") for point in points]
    assert all(one["files"] > 50 for one in listed)
    checked = copying("verify", "--read", "100%")
    assert (checked["copies"], checked["damaged"]) == (2, [])
    kept = ["--last", "1", "--daily", "0", "--weekly", "0", "--monthly", "0"]
    assert copying("forget", *kept, "--dry-run")["points"] == points[:1]
    assert len(copying("list")) == 2
    gone = copying("forget", *kept)
    assert (gone["points"], gone["snapshots"]) == (points[:1], [listed[0]["snapshot"]])
    assert [one["point"] for one in copying("list")] == points[1:]
    assert copying("verify", "--read", "100%")["damaged"] == []


def test_the_lease_holds_in_a_bucket_too(s3, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    vault = open_vault(s3.uri(s3.bucket(), "vault"), {})
    first = take(vault, None, "ab" * 32, "ssh://a", "init")
    take(vault, first, "ab" * 32, "ssh://b", "promote")
    with pytest.raises(LeaseTakenError):
        take(vault, first, "ab" * 32, "ssh://c", "promote")
    assert current(vault, "ab" * 32).holder == "ssh://b"


@pytest.mark.docker
@pytest.mark.skipif(shutil.which("restic") is None, reason="no restic here; `make setup` gets it")
def test_an_sftp_server_takes_copies_and_those_on_the_servers_own_disk_are_called_so(
    copying, server, tmp_path
):
    there = ["--from", "local://", "--config", str(server.folder / "server.config.yaml")]
    there += ["--binary", str(server.binary)]
    folder = str(tmp_path / "copies")
    elsewhere = copying("backup", *there, repository=folder)["point"]
    keys = tmp_path / "ssh"
    keys.mkdir()
    with machine("test-sftp") as host:
        files = open_ssh(host, keys).uri.partition("?")[2]
        repository = f"sftp://root@{host.address}/srv/copies?{files}"
        here = copying("backup", *there, repository=repository)["point"]
        checked = copying("verify", "--read", "100%", repository=repository)
        assert (checked["copies"], checked["damaged"]) == (1, [])
        # The points of another repository neither count nor go.
        kept = ["--last", "1", "--daily", "0", "--weekly", "0", "--monthly", "0"]
        gone = copying("forget", *kept, repository=repository)
        assert (gone["points"], gone["snapshots"]) == ([], [])
    states = [(one["point"], one["state"]) for one in copying("list", repository=folder)]
    assert states == [(elsewhere, ""), (here, "in another repository")]
    points = open_vault(str(tmp_path / "vault")).points()
    beside = {point.point: point.datastore.beside_server for point in points}
    assert beside == {elsewhere: True, here: False}
