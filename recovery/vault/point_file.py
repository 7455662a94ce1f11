"""A manifest as it lies on the shelf: plain JSON, or sealed and then signed.

Sealing comes first, so that a signature is checked without any secret key, and before
anything is opened. The signed content names the manifest before it: a chain.
"""

import gc
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import BaseModel

from recovery.errors import UntrustedError
from recovery.vault.keys import VaultKeys
from recovery.vault.manifest import Manifest
from recovery.vault.seal import NotOpenedError, open_bytes, recipient_of, seal_bytes
from recovery.vault.sign import NotTrustedError, load_signing_key, sign, verify

KIND = "application/vnd.velociraptor-recovery.point.v1+age"
FOLDER = "points"
_KEEP = "use another recovery point (`recovery points list`); keep this one as evidence"


@dataclass(frozen=True)
class PointFile:
    """A manifest, the key of its objects' names (empty: by content hash), and its chain."""

    manifest: Manifest
    name_key: bytes = b""
    previous: str = ""
    """``point:sha256`` of the manifest that was the newest when this one was made."""
    sha256: str = ""
    """Of the file on the shelf."""


class _Payload(BaseModel):
    """What is sealed: the manifest, the key of its objects' names (hex), and its chain."""

    names: str
    previous: str
    manifest: Manifest


def path_of(point: str) -> str:
    """Where a point's manifest lies."""
    return f"{FOLDER}/{point}.json"


def encode(manifest: Manifest, keys: VaultKeys | None, previous: str) -> bytes:
    """The file's bytes. With ``keys``: sealed to all recipients and the catalog, then signed."""
    if keys is None:
        return manifest.model_dump_json(indent=1).encode()
    payload = _Payload(names=keys.name_key.hex(), previous=previous, manifest=manifest)
    sealed = seal_bytes(payload.model_dump_json().encode(), all_recipients(keys))
    return sign(sealed, KIND, load_signing_key(keys.signing))


def decode(raw: bytes, point: str, keys: VaultKeys | None, uri: str) -> PointFile:
    """The reverse of :func:`encode`.

    Raises :class:`UntrustedError` that names the point, and says whether it is unsigned, changed,
    sealed to others, or another point's manifest under this one's name.
    """
    digest = hashlib.sha256(raw).hexdigest()
    try:
        if keys is None:
            if b'"payloadType"' in raw[:200]:
                raise _refused(point, uri, "it is sealed", _GIVE_KEYS)
            with _uncollected():
                manifest = Manifest.model_validate_json(raw)
            return _named(PointFile(manifest, sha256=digest), point, uri)
        sealed, _ = verify(raw, [KIND], keys.trusted_keys)
        with _uncollected():
            payload = _Payload.model_validate_json(open_bytes(sealed, opening_keys(keys)))
        names = bytes.fromhex(payload.names)
        found = PointFile(payload.manifest, names, payload.previous, digest)
    except NotTrustedError as refused:
        raise _refused(point, uri, str(refused), _OWN_KEYS) from refused
    except NotOpenedError as refused:
        raise _refused(point, uri, f"no key here opens it ({refused})", _GIVE_KEYS) from refused
    except (ValueError, KeyError, TypeError) as broken:
        raise _refused(point, uri, "it is not a manifest that this version reads") from broken
    return _named(found, point, uri)


def all_recipients(keys: VaultKeys) -> list[str]:
    """Who may read a manifest: the recipients, and the catalog's key."""
    return [*keys.recipients, recipient_of(keys.catalog)]


def opening_keys(keys: VaultKeys) -> list[str]:
    """The secret keys at hand that may open a manifest."""
    return [*keys.identities, *filter(None, [keys.catalog])]


@contextmanager
def _uncollected() -> Iterator[None]:
    """Holds the garbage collector: of a manifest's objects, mostly many, none is in a cycle.

    It would look through them while they are made, which takes as long as making them.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _named(found: PointFile, point: str, uri: str) -> PointFile:
    if found.manifest.point != point:
        raise _refused(point, uri, f"it is the manifest of {found.manifest.point}, swapped")
    return found


_OWN_KEYS = (
    "are the keys here (RECOVERY_KEYS) this vault's own? If they are: use another recovery point "
    "(`recovery points list`), and keep this one as evidence"
)
_GIVE_KEYS = "set RECOVERY_KEYS (or RECOVERY_PASSPHRASE_FILE) to the keys of this vault"


def _refused(point: str, uri: str, why: str, hint: str = _KEEP) -> UntrustedError:
    return UntrustedError(
        f"the manifest of {point} is refused: {why}", step="read the vault", target=uri, hint=hint
    )
