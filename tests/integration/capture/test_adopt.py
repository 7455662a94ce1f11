"""Old material into a recovery point: a real server's backup and exports, a package built now."""

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from recovery.capture.adopt_point import adopt
from recovery.cli import app
from recovery.drill.fixture_inventory import fixture_inventory
from recovery.errors import BadInputError
from recovery.vault.open import open_vault
from recovery.vault.verify_points import verify_points
from recovery.velociraptor.config import ServerConfig
from server_deb.build import BuildRequest, build_package

REAL = Path(__file__).parents[2] / "fixtures" / "velociraptor-0.77.2"
GOOD = (
    "backup_root_before_disaster.zip",
    "client.OACME.config.yaml",
    "flow_custom_artifact.zip",
    "flow_from_hunt.zip",
    "flow_with_upload.zip",
    "hunt_H.DC1TTKB0VNFA8.zip",
    "server.config.yaml",
)


@pytest.fixture(autouse=True)
def own_state_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="session")
def package(server_binary, tmp_path_factory):
    config = (REAL / "server.config.yaml").read_bytes()
    folder = tmp_path_factory.mktemp("package")
    return build_package(BuildRequest(binary=server_binary, config=config, output=folder)).path


@pytest.fixture
def old(tmp_path, package):
    folder = tmp_path / "old"
    folder.mkdir()
    shutil.copy(package, folder)
    for name in GOOD:
        shutil.copy(REAL / name, folder)
    return folder


def adopted(old, tmp_path):
    vault = open_vault(str(tmp_path / "vault"), {})
    return adopt(old, vault, lambda _: None), vault


def test_what_is_there_is_counted_as_the_drill_counts_the_same_files(old, tmp_path):
    (old / "note.yaml").write_text(
        yaml.safe_dump({"OACME": {"name": "Acme", "nonce": "xjO1lZ2ufAY="}})
    )
    manifest, vault = adopted(old, tmp_path)
    expected = fixture_inventory(ServerConfig.parse((REAL / "server.config.yaml").read_bytes()))
    # The note says nothing of this one: it is known, and comes back under another nonce.
    assert manifest.inventory.orgs["root"]["orgs"].pop("O10Q0")
    for org in ("root", "OACME"):
        assert manifest.inventory.orgs[org] == expected.orgs[org]
    assert manifest.parts == ["redeploy", "backup", "collections"]
    assert manifest.org_names["OACME"] == "Acme"
    assert {archive.flow_id or archive.hunt_id for archive in manifest.archives} == {
        "F.DC1TTK8CU03NE",
        "F.DC1TTKB0VNFA8.H",
        "F.DC1TUJNPLMDPK",
        "H.DC1TTKB0VNFA8",
    }
    assert verify_points(vault, [], 1.0, lambda _: None).whole


def test_what_is_missing_is_named(old, tmp_path):
    manifest, _ = adopted(old, tmp_path)
    gaps = "\n".join(manifest.gaps)
    assert "passwords" in gaps
    assert "O10Q0: its nonce" in gaps
    assert "OACME: its nonce" not in gaps
    assert "H.DC1TTKF82N3M2: there is no export" in gaps
    assert "H.DC1TTKB0VNFA8" not in gaps
    assert "the export has" not in gaps


def test_the_nonce_of_a_client_config_lets_the_orgs_clients_in(old, tmp_path):
    manifest, vault = adopted(old, tmp_path)
    (state,) = manifest.state
    with tarfile.open(vault.fetch(state.tar, tmp_path / "records.tar")) as tar:
        record = json.load(tar.extractfile("orgs/OACME.json.db"))
    values = yaml.safe_load((REAL / "client.OACME.config.yaml").read_text())
    assert record == {"name": "OACME", "nonce": values["Client"]["nonce"], "id": "OACME"}


def test_a_configs_initial_orgs_are_foreign_input(old, tmp_path):
    path = old / "server.config.yaml"
    values = yaml.safe_load(path.read_text())
    good = {"org_id": "OACME", "name": "Acme", "nonce": "bm9uY2U="}
    values["GUI"]["initial_orgs"] = [good, "OBETA", good | {"org_id": "../../config/x"}]
    path.write_text(yaml.safe_dump(values))
    manifest, vault = adopted(old, tmp_path)
    (state,) = manifest.state
    with tarfile.open(vault.fetch(state.tar, tmp_path / "records.tar")) as tar:
        assert tar.getnames() == ["orgs/OACME.json.db"]
    assert manifest.org_names["OACME"] == "Acme"
    assert [gap for gap in manifest.gaps if "initial_orgs" in gap] == [
        "GUI.initial_orgs, entry 2: no org",
        "GUI.initial_orgs, entry 3: no id of an org: '../../config/x'",
    ]


def test_damaged_foreign_and_unknown_files_are_left_and_named(old, tmp_path):
    for name in ("backup_truncated.zip", "backup_damaged_member_hunts.zip", "api.yaml"):
        shutil.copy(REAL / name, old)
    (old / "empty.zip").write_bytes(b"")
    (old / "notes.txt").write_text("hello")
    manifest, _ = adopted(old, tmp_path)
    gaps = "\n".join(manifest.gaps)
    for name in ("backup_truncated", "backup_damaged", "api.yaml", "empty.zip", "notes.txt"):
        assert name in gaps
    assert [backup.file.name for backup in manifest.backups] == [
        "backup root backup_root_before_disaster.zip"
    ]


def test_an_export_that_is_there_twice_is_taken_once(old, tmp_path):
    shutil.copy(REAL / "flow_custom_artifact.zip", old / "again.zip")
    manifest, _ = adopted(old, tmp_path)
    assert [a.flow_id for a in manifest.archives].count("F.DC1TTK8CU03NE") == 1


def test_the_folder_stays_as_it_is(old, tmp_path):
    def prints():
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in old.iterdir()}

    before = prints()
    adopted(old, tmp_path)
    assert prints() == before


def test_without_a_config_the_packages_own_is_used(old, tmp_path):
    (old / "server.config.yaml").unlink()
    manifest, _ = adopted(old, tmp_path)
    assert not manifest.config_newer
    assert manifest.config.sha256 == manifest.package.config_fingerprint


def test_without_a_package_nothing_is_made(old, tmp_path):
    next(old.glob("*.deb")).unlink()
    with pytest.raises(BadInputError, match="no server package"):
        adopted(old, tmp_path)
    assert open_vault(str(tmp_path / "vault"), {}).points() == []


def test_a_package_of_another_deployment_is_refused(old, tmp_path, config_of_another):
    (old / "server.config.yaml").write_bytes(config_of_another)
    with pytest.raises(BadInputError, match="other deployments"):
        adopted(old, tmp_path)


def test_material_of_two_deployments_is_nobodys(old, tmp_path, config_of_another, server_binary):
    """A copy has given all files one time: the last one is not the one that is meant."""
    request = BuildRequest(binary=server_binary, config=config_of_another, output=tmp_path / "b")
    shutil.copy(build_package(request).path, old / "another.deb")
    (old / "another.yaml").write_bytes(config_of_another)
    with pytest.raises(BadInputError, match="configs of 2 deployments"):
        adopted(old, tmp_path)
    for config in ("another.yaml", "server.config.yaml"):
        (old / config).unlink()
    with pytest.raises(BadInputError, match="packages of 2 deployments"):
        adopted(old, tmp_path)


def test_of_two_configs_the_one_taken_is_told_and_the_other_a_gap(old, tmp_path):
    config = old / "server.config.yaml"
    (old / "edited.yaml").write_bytes(config.read_bytes() + b"# edited\n")
    os.utime(config, (1, 1))
    said = []
    manifest = adopt(old, open_vault(str(tmp_path / "vault"), {}), said.append)
    assert manifest.config_newer
    assert any(line.startswith("config edited.yaml: nothing in them tells") for line in said)
    (gap,) = [gap for gap in manifest.gaps if gap.startswith("server.config.yaml: ")]
    assert "may be the newer one: edited.yaml was taken" in gap


@pytest.fixture
def config_of_another(server_binary):
    return subprocess.run(
        [server_binary, "config", "generate"], capture_output=True, check=True
    ).stdout


def test_an_export_that_lacks_an_upload_is_a_gap_beforehand(old, tmp_path):
    whole = old / "flow_with_upload.zip"
    with (
        zipfile.ZipFile(REAL / "flow_with_upload.zip") as source,
        zipfile.ZipFile(whole, "w") as spoilt,
    ):
        for name in source.namelist():
            if not name.startswith("uploads/"):
                spoilt.writestr(name, source.read(name))
    manifest, _ = adopted(old, tmp_path)
    (gap,) = [gap for gap in manifest.gaps if "bytes of uploads" in gap]
    assert "F.DC1TUJNPLMDPK: the export has 0 of " in gap
    (lacking,) = [archive for archive in manifest.archives if archive.lacks]
    assert lacking.flow_id == "F.DC1TUJNPLMDPK"


def test_the_command_says_what_to_restore_it_with(old, tmp_path, monkeypatch):
    for name in ("RECOVERY_KEYS", "RECOVERY_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)
    words = ["vault", "adopt", str(old), "--vault", str(tmp_path / "vault")]
    said = CliRunner().invoke(app, words)
    assert said.exit_code == 1, said.output
    assert said.stdout.endswith("restore it with `--strategy backup,collections`\n")
