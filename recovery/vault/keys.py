"""The keys of a sealed vault: who may open, who may sign, whose signature counts.

A folder of files (``RECOVERY_KEYS``), each of them optional:

``recipients.txt``  age public keys, one a line: content is sealed to all of them
``identity.txt``    an age secret key: opens content. Keep it away from the server's reach
``catalog.txt``     an age secret key: opens only the manifests (what there is, not the content),
                    so that a capturing host knows what need not be captured again
``signing.key``     Ed25519, PEM: signs manifests
``trusted.pub``     public keys (hex), one a line: manifests signed by others are refused

For the simple case a passphrase (``RECOVERY_PASSPHRASE_FILE``) stands for all of them: the keys
are then in the vault itself, sealed by it. Without either, a vault is neither sealed nor signed.
"""

import hashlib
import hmac
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from recovery.errors import BadInputError
from recovery.vault.seal import check_recipient, new_identity, recipient_of
from recovery.vault.sign import load_public, load_signing_key, new_signing_key, public_text

KEYS = "RECOVERY_KEYS"
PASSPHRASE_FILE = "RECOVERY_PASSPHRASE_FILE"  # noqa: S105 - a variable's name
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_SECRET = ("identity.txt", "catalog.txt", "signing.key")


@dataclass(frozen=True)
class VaultKeys:
    """What this machine has. Empty fields: it can't do that."""

    recipients: tuple[str, ...] = ()
    identities: tuple[str, ...] = field(default=(), repr=False)
    catalog: str = field(default="", repr=False)
    signing: str = field(default="", repr=False)
    trusted: tuple[str, ...] = ()

    @property
    def seals(self) -> bool:
        """Whether anything here asks for a sealed vault."""
        return bool(self.recipients or self.identities or self.catalog)

    @property
    def signs(self) -> bool:
        """Whether manifests must be signed."""
        return bool(self.signing or self.trusted)

    @property
    def trusted_keys(self) -> tuple[str, ...]:
        """The public keys whose signature counts, this machine's own among them."""
        own = (public_text(load_signing_key(self.signing)),) if self.signing else ()
        return tuple(dict.fromkeys((*self.trusted, *own)))

    @property
    def name_key(self) -> bytes:
        """Hides which content an object has: its name is a keyed hash of its content's hash."""
        return hashlib.sha256(f"names of objects\n{self.catalog}".encode()).digest()

    def as_json(self) -> bytes:
        """All of it, for a vault that keeps its keys under a passphrase."""
        return json.dumps({**self.__dict__}).encode()

    @classmethod
    def from_json(cls, raw: bytes) -> "VaultKeys":
        values = json.loads(raw)
        return cls(
            recipients=tuple(values["recipients"]),
            identities=tuple(values["identities"]),
            catalog=values["catalog"],
            signing=values["signing"],
            trusted=tuple(values["trusted"]),
        )


def object_name(name_key: bytes, sha256: str) -> str:
    """The name of a sealed object, 64 hex digits."""
    return hmac.digest(name_key, sha256.encode(), "sha256").hex()


def new_keys() -> VaultKeys:
    """A full set for a new vault."""
    secret, public = new_identity()
    catalog, _ = new_identity()
    signing = new_signing_key()
    return VaultKeys(
        recipients=(public,),
        identities=(secret,),
        catalog=catalog,
        signing=signing,
        trusted=(public_text(load_signing_key(signing)),),
    )


def write_keys(keys: VaultKeys, folder: Path) -> None:
    """Writes the files of a new key folder (0700, files 0600); never over existing ones."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = {
        "recipients.txt": "\n".join(keys.recipients),
        "identity.txt": "\n".join(keys.identities),
        "catalog.txt": keys.catalog,
        "signing.key": keys.signing,
        "trusted.pub": "\n".join(keys.trusted),
    }
    taken = [name for name in files if (folder / name).exists()]
    if taken:
        raise BadInputError(
            f"{', '.join(taken)}: there already",
            target=str(folder),
            hint="keys are never overwritten; name a folder without keys",
        )
    for name, text in files.items():
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as out:
            out.write(text + "\n")
            out.flush()
            os.fsync(descriptor)  # what is sealed by a key that a power cut took is lost


def load_keys(folder: Path) -> VaultKeys:
    """The keys in ``folder``; every one is checked.

    Raises :class:`BadInputError` when the folder is missing or empty, a key is damaged, or a
    secret one can be read by others.
    """
    if not folder.is_dir():
        raise BadInputError("no such folder", target=f"{KEYS}={folder}", hint=_HINT)
    lines = {name: _lines(folder / name) for name in (*_SECRET, "recipients.txt", "trusted.pub")}
    if not any(lines.values()):
        raise BadInputError("there is no key in it", target=f"{KEYS}={folder}", hint=_HINT)
    for name in _SECRET:
        path = folder / name
        if lines[name] and path.stat().st_mode & _OTHERS:
            raise BadInputError(
                "others can read this key", target=str(path), hint=f"`chmod 600 {path}`"
            )
    keys = VaultKeys(
        recipients=tuple(check_recipient(line) for line in lines["recipients.txt"]),
        identities=tuple(lines["identity.txt"]),
        catalog=next(iter(lines["catalog.txt"]), ""),
        signing="\n".join(lines["signing.key"]),
        trusted=tuple(lines["trusted.pub"]),
    )
    for secret in (*keys.identities, *filter(None, [keys.catalog])):
        recipient_of(secret)
    for text in keys.trusted_keys:
        load_public(text)
    return keys


_HINT = "`recovery vault init --keys FOLDER` makes keys; unset the variable for an unsealed vault"


def passphrase(path: Path) -> str:
    """The passphrase in a file that only its owner can read."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8").rstrip("\n")
    except (OSError, UnicodeDecodeError) as refused:
        raise BadInputError(
            f"the passphrase can't be read: {_why(refused)}",
            target=str(path),
            hint=f"{PASSPHRASE_FILE} names its file: is the path right, and the file yours?",
        ) from refused
    if mode & _OTHERS:
        raise BadInputError("others can read it", target=str(path), hint=f"`chmod 600 {path}`")
    if not text:
        raise BadInputError(
            "it is empty", target=str(path), hint="write the vault's passphrase into it"
        )
    return text


def configured(environment: Mapping[str, str]) -> VaultKeys | None:
    """The keys of ``RECOVERY_KEYS``, or None when it isn't set."""
    folder = environment.get(KEYS, "")
    return load_keys(Path(folder).expanduser()) if folder else None


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as refused:
        raise BadInputError(
            f"the key can't be read: {_why(refused)}",
            target=str(path),
            hint=f"{KEYS} names its folder: are the files in it yours?",
        ) from refused
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _why(refused: OSError | UnicodeDecodeError) -> str:
    if isinstance(refused, OSError):
        return refused.strerror or type(refused).__name__
    return "it is no text in UTF-8"
