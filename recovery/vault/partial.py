"""What a capture has stored so far: the next one goes on from there when it is cut off.

Each capture writes its own ``partial/<id>-<number>.json``, one a batch, so that two at once don't
meet; a finished capture removes its own. As private as a manifest, and trusted as little.
"""

import json
import secrets
from collections.abc import Sequence
from contextlib import suppress

from recovery.vault.keys import VaultKeys
from recovery.vault.manifest import Archive
from recovery.vault.point_file import all_recipients, opening_keys
from recovery.vault.seal import NotOpenedError, open_bytes, seal_bytes
from recovery.vault.shelf import LockedError, NotOnShelfError, Shelf
from recovery.vault.sign import NotTrustedError, load_signing_key, sign, verify

FOLDER = "partial"
KIND = "application/vnd.velociraptor-recovery.partial.v1+age"


class Partial:
    """The notes of one capture, and those of captures before it that were cut off."""

    def __init__(self, shelf: Shelf, keys: VaultKeys | None) -> None:
        self._shelf = shelf
        self._keys = keys
        self._name = f"{FOLDER}/{secrets.token_hex(8)}"
        self._written: list[str] = []

    def write(self, archives: Sequence[Archive]) -> None:
        """Adds a note of these archives; nothing where there are none."""
        if not archives:
            return
        raw = json.dumps([archive.model_dump(mode="json") for archive in archives]).encode()
        if self._keys is not None:
            sealed = seal_bytes(raw, all_recipients(self._keys))
            raw = sign(sealed, KIND, load_signing_key(self._keys.signing))
        name = f"{self._name}-{len(self._written):05d}.json"
        self._shelf.write(name, [raw])
        self._written.append(name)

    def read(self) -> list[Archive]:
        """The archives of all notes; one that can't be trusted or read is passed over."""
        found: dict[str, Archive] = {}
        for entry in self._shelf.entries(FOLDER):
            try:
                with self._shelf.read(entry.name) as stream:
                    raw = stream.read()
                if self._keys is not None:
                    sealed, _ = verify(raw, [KIND], self._keys.trusted_keys)
                    raw = open_bytes(sealed, opening_keys(self._keys))
                for value in json.loads(raw):
                    archive = Archive.model_validate(value)
                    found[archive.fingerprint] = archive
            except (NotOnShelfError, NotTrustedError, NotOpenedError, ValueError, RecursionError):
                continue
        return list(found.values())

    def forget(self) -> None:
        """Removes this capture's own notes."""
        for name in self._written:
            with suppress(LockedError):  # it becomes void by its age
                self._shelf.remove(name)
        self._written = []
