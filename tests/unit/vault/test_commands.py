"""The verbs over a vault, as they are typed: words, JSON, exit codes."""

import json

import pytest
from typer.testing import CliRunner

from recovery.cli import app
from recovery.errors import NoPointError
from recovery.vault.marker import write_marker
from recovery.vault.open import open_vault


@pytest.fixture
def uri(tmp_path, monkeypatch):
    for name in ("RECOVERY_KEYS", "RECOVERY_PASSPHRASE_FILE", "RECOVERY_VAULT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    return str(tmp_path / "vault")


def run(*words, code=0):
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done.stdout


@pytest.fixture
def two(uri, store_point):
    vault = open_vault(uri)
    return [
        store_point(vault, hours, f"flow {hours}", gaps=gaps)
        for hours, gaps in ((0, ()), (24, ["x"]))
    ]


def test_list(uri, two):
    text = run("points", "list", "--vault", uri)
    assert [line.split()[0] for line in text.splitlines()[1:]] == [point.point for point in two]
    rows = json.loads(run("points", "list", "--vault", uri, "--json"))
    assert [row["gaps"] for row in rows] == [[], ["x"]]


NO_VAULT = "no recovery point; there is no vault at this place"


@pytest.mark.parametrize(
    "words", [("points", "list"), ("points", "list", "--json"), ("vault", "prune")]
)
def test_a_mistyped_vault_is_refused_and_not_made(uri, two, tmp_path, words):
    refused = CliRunner().invoke(app, [*words, "--vault", f"{uri}-other"]).exception
    assert isinstance(refused, NoPointError)
    assert (refused.message, refused.target) == (NO_VAULT, f"{uri}-other")
    assert [path.name for path in tmp_path.iterdir()] == ["vault"]


def test_a_vault_whose_first_capture_was_cut_off_has_no_points(uri):
    write_marker(open_vault(uri).shelf, sealed=False)
    assert "no recovery points" in run("points", "list", "--vault", uri)
    assert json.loads(run("points", "list", "--vault", uri, "--json")) == []
    refused = CliRunner().invoke(app, ["vault", "prune", "--vault", uri]).exception
    assert isinstance(refused, NoPointError)
    assert refused.message == "no recovery point; it has none"


def test_list_ends_with_1_when_a_point_is_refused(uri, two):
    open_vault(uri).shelf.write(f"points/{two[0].point}.json", [b"{}"])
    text = run("points", "list", "--vault", uri, code=1)
    assert f"the manifest of {two[0].point} is refused" in text


def test_show(uri, two):
    assert two[1].point in run("points", "show", "--vault", uri)
    shown = json.loads(run("points", "show", "--vault", uri, two[0].point, "--json"))
    assert shown["point"] == two[0].point


def test_verify(uri, two):
    assert "0 damaged" in run("points", "verify", "--vault", uri, "--all")
    vault = open_vault(uri)
    vault.shelf.write(vault.object_names(two[0].config)[0], [b"other!"])
    text = run("points", "verify", "--vault", uri, code=2)
    assert "damaged: config" in text.replace("thing", "config")


@pytest.mark.parametrize("words", [("--all",), ("--point", "20261123T060000Z-1a2b3c")])
def test_verify_of_a_vault_without_points_is_refused(uri, words):
    refused = CliRunner().invoke(app, ["points", "verify", "--vault", uri, *words]).exception
    assert isinstance(refused, NoPointError)
    assert (refused.message, refused.target) == (NO_VAULT, uri)
    assert "is this the vault's path" in refused.hint


def test_diff(uri, two):
    assert "no difference" in run("points", "diff", "--vault", uri, two[0].point)
    assert json.loads(run("points", "diff", "--vault", uri, two[0].point, "--json")) == []


def test_prune(uri, two):
    few = ("--last", 1, "--daily", 0, "--weekly", 0, "--monthly", 0)
    text = run("vault", "prune", "--vault", uri, *few, "--dry-run")
    # The newest has a gap, so the older one stays: it is the last good one.
    assert "remove" not in text
    assert text.count("keep") == 2
    assert len(open_vault(uri).points()) == 2


def test_keys_are_made_and_used(uri, tmp_path, monkeypatch, store_point):
    keys = tmp_path / "keys"
    assert f"RECOVERY_KEYS={keys}" in run("vault", "init", "--keys", keys)
    monkeypatch.setenv("RECOVERY_KEYS", str(keys))
    store_point(open_vault(uri), 0, "a")
    assert "0 damaged" in run("points", "verify", "--vault", uri)
    monkeypatch.delenv("RECOVERY_KEYS")
    done = CliRunner().invoke(app, ["points", "list", "--vault", uri])
    assert done.exit_code == 64 or done.exception
    assert "sealed" in str(done.exception) + done.output


def test_a_passphrase_makes_keys_too(uri, tmp_path, monkeypatch):
    secret = tmp_path / "secret"
    secret.write_text("correct horse\n")
    secret.chmod(0o600)
    run("vault", "init", "--vault", uri, "--passphrase-file", secret)
    monkeypatch.setenv("RECOVERY_PASSPHRASE_FILE", str(secret))
    assert "no recovery points" in run("points", "list", "--vault", uri)


def test_status_of_a_vault_alone(uri, two, tmp_path):
    path = tmp_path / "status.prom"
    text = run("status", "--vault", uri, "--no-dns", "--prometheus", path, code=2)
    assert "verdict: not recoverable as asked" in text  # long past the RPO
    assert "velociraptor_recovery_ready 0.0" in path.read_text()
    found = json.loads(run("status", "--vault", uri, "--no-dns", "--json", code=2))
    assert found["verdict"] == "bad"
    assert all(line["remedy"] for line in found["lines"] if line["level"] == "bad")
