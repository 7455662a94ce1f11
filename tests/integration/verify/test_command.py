"""``recovery verify`` as an operator runs it, against a server that is in use."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from recovery.vault.store import open_vault

pytestmark = [pytest.mark.docker, pytest.mark.velociraptor, pytest.mark.slow]

CLONE = Path(__file__).parents[3]
RUN = "import sys; sys.path[:0] = ['.', 'packaging']; from recovery.cli import app; app()"


@pytest.fixture
def vault(served, tmp_path, monkeypatch):
    for name in ("RECOVERY_KEYS", "RECOVERY_PASSPHRASE_FILE", "RECOVERY_VAULT"):
        monkeypatch.delenv(name, raising=False)
    opened = open_vault(str(tmp_path / "vault"))
    config = opened.put(io.BytesIO(served.config.raw), "server.config.yaml")
    package = served.manifest.package.model_copy(update={"file": config})
    opened.commit(served.manifest.model_copy(update={"config": config, "package": package}))
    return tmp_path / "vault"


def verify(*words, verb=("verify",)):
    return subprocess.run(
        [sys.executable, "-c", RUN, *verb, *words],
        cwd=CLONE,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_sound_server_is_verified(served, vault, tmp_path):
    junit = tmp_path / "checks.xml"
    before = served.target.run(
        ["find", "/var/lib/velociraptor", "-newer", "/etc/velociraptor"]
    ).text
    done = verify(
        *("--target", served.machine.uri, "--vault", str(vault), "--json", "--junit", str(junit))
    )
    report = json.loads(done.stdout)
    assert (done.returncode, report["verdict"], report["findings"]) == (0, "verified", [])
    assert report["point"] == served.manifest.point
    assert {check["outcome"] for check in report["checks"]} == {"passed", "skipped"}
    assert sum(line["captured"] for line in report["fidelity"]) > 0
    assert sum(line["lost"] for line in report["fidelity"]) == 0
    assert junit.exists()
    after = served.target.run(["find", "/var/lib/velociraptor", "-newer", "/etc/velociraptor"]).text
    assert {path for path in set(after.split()) - set(before.split()) if "/users/" in path} == set()


def test_a_loss_ends_with_1_and_is_shown(served, vault):
    label = 'SELECT label(client_id=C, labels=["prod"], op="{}") AS A FROM scope()'
    served.query(label.format("remove"), C=served.client)
    try:
        done = verify("--target", served.machine.uri, "--vault", str(vault))
    finally:
        served.query(label.format("set"), C=served.client)
    assert done.returncode == 1
    assert f"finding: root: labels: 1 lost of 1: {served.client}/prod" in done.stdout
    assert "verdict: verified with findings" in done.stdout


@pytest.mark.parametrize("verb", [("verify",), ("hunts", "release")])
def test_a_point_of_another_deployment_is_refused_at_once(served, vault, verb):
    opened = open_vault(str(vault))
    (point,) = opened.points()
    server = point.server.model_copy(update={"deployment": "f" * 64})
    opened.commit(point.model_copy(update={"server": server, "point": "20990101T000000Z-ffffff"}))
    words = ["--target", served.machine.uri, "--vault", str(vault)]
    done = verify(*words, "--point", "20990101T000000Z-ffffff", verb=verb)
    assert done.returncode == 64
    assert "the server there is of another deployment" in done.stderr


def test_without_a_vault_the_machine_alone_is_checked(served):
    done = verify("--target", served.machine.uri, "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert report["fidelity"] == []
    assert report["point"] is None


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--target", "ftp://x"], 64, "not a target"),
        (["--target", "docker://no-such-machine"], 2, "the engine has no such container"),
        (["--target", "local://", "--vault", "/no/such/vault"], 64, "no recovery point"),
        (["--target", "local://", "--dns", "x=y"], 64, "--dns"),
        (["--target", "local://", "--strategy", "everything"], 64, "strategy"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_else(words, code, said):
    done = verify(*words)
    assert said in done.stderr
    assert done.returncode == code
