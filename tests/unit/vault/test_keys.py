from pathlib import Path

import pytest

from recovery.errors import BadInputError, VaultError
from recovery.vault.keys import configured, load_keys, new_keys, write_keys
from recovery.vault.open import init_with_passphrase, open_vault


def test_written_keys_are_read_again(tmp_path):
    keys = new_keys()
    write_keys(keys, tmp_path / "keys")
    assert load_keys(tmp_path / "keys") == keys
    for path in (tmp_path / "keys").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600


def test_keys_are_never_overwritten(tmp_path):
    write_keys(new_keys(), tmp_path)
    with pytest.raises(BadInputError, match="there already"):
        write_keys(new_keys(), tmp_path)


def test_secrets_show_in_no_representation():
    keys = new_keys()
    for secret in (*keys.identities, keys.catalog, keys.signing):
        assert secret not in repr(keys)


@pytest.mark.parametrize("name", ["identity.txt", "catalog.txt", "signing.key"])
def test_a_key_that_others_can_read_is_refused(tmp_path, name):
    write_keys(new_keys(), tmp_path)
    (tmp_path / name).chmod(0o640)
    with pytest.raises(BadInputError, match="others can read") as refused:
        load_keys(tmp_path)
    assert name in refused.value.hint


@pytest.mark.parametrize(
    "name", ["identity.txt", "catalog.txt", "signing.key", "recipients.txt", "trusted.pub"]
)
def test_a_damaged_key_is_refused(tmp_path, name):
    write_keys(new_keys(), tmp_path)
    (tmp_path / name).write_text("AGE-SECRET-KEY-1NOSUCH\n")
    with pytest.raises(BadInputError):
        load_keys(tmp_path)


def test_a_key_or_passphrase_that_is_no_text_is_refused(tmp_path):
    write_keys(new_keys(), tmp_path)
    for name in ("identity.txt", "trusted.pub"):
        (tmp_path / name).write_bytes(b"\xff\xfe\0")
        with pytest.raises(BadInputError, match="no text in UTF-8") as refused:
            load_keys(tmp_path)
        assert name in refused.value.target
        (tmp_path / name).unlink()
    (tmp_path / "passphrase").write_bytes(b"\xe4bc\n")
    (tmp_path / "passphrase").chmod(0o600)
    with pytest.raises(BadInputError, match="no text in UTF-8"):
        init_with_passphrase(str(tmp_path / "vault"), tmp_path / "passphrase")
    assert not (tmp_path / "vault").exists()


def test_new_keys_are_on_the_disk_before_anything_is_sealed_by_them(tmp_path, monkeypatch):
    settled = set()

    def fsync(descriptor):
        settled.add(Path(f"/proc/self/fd/{descriptor}").readlink())

    monkeypatch.setattr("os.fsync", fsync)
    write_keys(new_keys(), tmp_path / "keys")
    (tmp_path / "passphrase").write_text("long enough\n")
    (tmp_path / "passphrase").chmod(0o600)
    init_with_passphrase(str(tmp_path / "vault"), tmp_path / "passphrase")
    written = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert written - settled == {tmp_path / "passphrase"}


def test_a_folder_without_keys_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(BadInputError):
            configured({"RECOVERY_KEYS": str(folder)})
    assert configured({}) is None


def test_a_passphrase_is_enough(tmp_path, store_point):
    secret = tmp_path / "passphrase"
    secret.write_text("correct horse\n")
    secret.chmod(0o600)
    uri = str(tmp_path / "vault")
    init_with_passphrase(uri, secret)
    environment = {"RECOVERY_PASSPHRASE_FILE": str(secret)}
    manifest = store_point(open_vault(uri, environment), 0, "a")
    vault = open_vault(uri, environment)
    assert vault.point() == manifest
    assert vault.fetch(manifest.config, tmp_path / "out").read_bytes() == b"config"
    with pytest.raises(BadInputError, match="not empty"):
        init_with_passphrase(uri, secret)
    secret.write_text("wrong\n")
    with pytest.raises(VaultError, match="does not open"):
        open_vault(uri, environment)


def test_a_passphrase_that_is_not_there_says_who_named_it(tmp_path):
    with pytest.raises(BadInputError, match="can't be read") as refused:
        init_with_passphrase(str(tmp_path / "vault"), tmp_path / "none")
    assert "RECOVERY_PASSPHRASE_FILE" in refused.value.hint


def test_a_passphrase_that_others_can_read_is_refused(tmp_path):
    secret = tmp_path / "passphrase"
    secret.write_text("x")
    secret.chmod(0o644)
    with pytest.raises(BadInputError, match="others can read"):
        init_with_passphrase(str(tmp_path / "vault"), secret)


@pytest.mark.parametrize("uri", ["", "ftp://x/y", "s3:///x", "s3://[x/y", "s3://bucket?colour=red"])
def test_what_is_no_vault_is_refused(uri):
    with pytest.raises(BadInputError):
        open_vault(uri, {})
