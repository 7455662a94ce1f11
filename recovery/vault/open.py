"""From a vault's URI and the keys at hand to the vault."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pyrage  # type: ignore[import-untyped]

from recovery.errors import BadInputError, UntrustedError
from recovery.vault.folder_shelf import FolderShelf
from recovery.vault.keys import (
    PASSPHRASE_FILE,
    VaultKeys,
    configured,
    new_keys,
    passphrase,
)
from recovery.vault.marker import is_sealed, write_marker
from recovery.vault.shelf import NotOnShelfError, Shelf
from recovery.vault.shelf_vault import ShelfVault

_BUNDLE = "keys/bundle.age"
_FORMS = "a folder's path, or s3://BUCKET/PREFIX?endpoint=URL&region=NAME"


def open_shelf(uri: str, what: str = "a vault") -> Shelf:
    """The storage that ``uri`` names, for ``what``; nothing is contacted yet."""
    try:
        parts = urlsplit(uri)
    except ValueError as wrong:
        raise BadInputError(f"not {what}: {wrong}", target=uri, hint=f"give {_FORMS}") from wrong
    if parts.scheme == "s3" and parts.netloc:
        from recovery.vault.s3_shelf import open_s3  # noqa: PLC0415 - loads slowly

        return open_s3(uri)
    if parts.scheme in ("", "file") and (parts.path or parts.netloc):
        path = Path(parts.path if parts.scheme else uri).expanduser().resolve()
        if path.is_file():
            raise BadInputError(
                "it is a file, not a folder", target=str(path), hint=f"give {_FORMS}"
            )
        return FolderShelf(path, uri=str(path))
    said = f"not {what}: {uri!r}" if uri.strip() else f"{what} has to be named"
    raise BadInputError(said, target=uri, hint=f"give {_FORMS}")


def open_vault(uri: str, environment: Mapping[str, str] | None = None) -> ShelfVault:
    """The vault that ``uri`` names: a folder (a path, or ``file:///path``), or S3.

    With ``RECOVERY_KEYS`` or ``RECOVERY_PASSPHRASE_FILE`` in the environment it is sealed and
    signed (see :mod:`recovery.vault.keys`); without, neither. Raises :class:`BadInputError`
    for another form, or unusable keys.
    """
    environment = os.environ if environment is None else environment
    shelf = open_shelf(uri)
    keys = configured(environment)
    file = environment.get(PASSPHRASE_FILE, "")
    if keys is None and file:
        keys = read_bundle(shelf, passphrase(Path(file).expanduser()))
    return ShelfVault(shelf, keys)


def init_with_passphrase(uri: str, file: Path) -> VaultKeys:
    """Makes keys for an empty vault and keeps them in it, sealed by the passphrase in ``file``."""
    secret = passphrase(file)
    shelf = open_shelf(uri)
    if is_sealed(shelf) is not None or shelf.size(_BUNDLE) is not None:
        raise BadInputError("the vault is not empty", target=uri, hint="use a new folder or prefix")
    keys = new_keys()
    shelf.write(_BUNDLE, [pyrage.passphrase.encrypt(keys.as_json(), secret)])
    write_marker(shelf, sealed=True)
    shelf.settle()  # what is sealed by keys that a power cut took is lost
    return keys


def read_bundle(shelf: Shelf, secret: str) -> VaultKeys:
    """The keys that a vault keeps under a passphrase."""
    try:
        with shelf.read(_BUNDLE) as stream:
            sealed = stream.read()
        return VaultKeys.from_json(pyrage.passphrase.decrypt(sealed, secret))
    except NotOnShelfError as missing:
        raise BadInputError(
            "this vault has no keys under a passphrase",
            target=shelf.uri,
            hint="is it sealed with a folder of keys? set RECOVERY_KEYS to that. Is it not sealed? "
            "unset RECOVERY_PASSPHRASE_FILE (`recovery vault init` seals an empty vault)",
        ) from missing
    except (pyrage.DecryptError, ValueError, KeyError) as wrong:
        raise UntrustedError(
            "the passphrase does not open this vault",
            step="open the vault",
            target=shelf.uri,
            hint="check the passphrase's file; if it is right, the vault's keys were changed",
        ) from wrong
