"""Secrets that queries may use by name (S3 keys, …), encrypted on disk.

``config/secrets/<type>/<name>.json.db``; AES-256-GCM under SHA-256 of `security.secrets_dek`,
else the obfuscation nonce, else the front end's key (facts: "Configuration and keys"). Not in a
backup.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets as random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from server_app.datastore import records
from server_app.services.errors import ServiceError
from server_app.services.secret_types import TYPES, is_complete

if TYPE_CHECKING:
    from server_app.services.org import OrgServices

_NONCE_BYTES = 12


class Secrets:
    """The secrets of an org; where it has none by a name, the root org's serves."""

    def __init__(self, org: OrgServices) -> None:
        self._org = org

    def types(self) -> Iterator[dict[str, Any]]:
        """Rows of secrets(): every type, with the metadata of its secrets, never their content."""
        for name in sorted(TYPES):
            found = [self._metadata(name, secret) for secret in self._names(name)]
            row = records.full("SecretType", {"type_name": name, **TYPES[name]})
            del row["secret_names"]
            yield {**row, "secrets": [secret for secret in found if secret] or None}

    def _names(self, type_name: str) -> list[str]:
        return list(self._org.store.record_names("config", "secrets", type_name))

    def _metadata(self, type_name: str, name: str) -> dict[str, Any] | None:
        record = self._load(type_name, name)
        return records.full("Secret", {**record, "encrypted_secret": b""}) if record else None

    def _load(self, type_name: str, name: str) -> records.Record | None:
        try:
            return self._org.store.load("Secret", "config", "secrets", type_name, name)
        except ValueError:
            return None

    def add(self, name: str, type: str, secret: dict[str, Any], principal: str) -> str:  # noqa: A002
        """secret_add(): fields that the type doesn't have are dropped. Raises ServiceError."""
        kind = self._type(type)
        fields = {field: str(secret.get(field) or "") for field in kind["fields"]}
        if not is_complete(type, fields):
            raise ServiceError(f"Unable to verify secret for type {type}")
        sealed = self._seal(json.dumps(fields).encode())
        self._save({"name": name, "type_name": type, "encrypted_secret": sealed})
        self._org.audit("secret_add", principal, name=name, type=type)
        return name

    def modify(
        self,
        name: str,
        type: str,  # noqa: A002
        *,
        delete: bool = False,
        add_users: list[str] | None = None,
        remove_users: list[str] | None = None,
        visible_to_all_orgs: bool | None = None,
        add_orgs: list[str] | None = None,
        remove_orgs: list[str] | None = None,
        principal: str,
    ) -> str:
        """secret_modify(): who may use it."""
        record = self._load(type, name) if type in TYPES else None
        if record is None and not delete:
            raise ServiceError("Secret Not Found")
        if record is None or delete:
            self._org.store.remove("config", "secrets", type, name)
        else:
            record["users"] = _changed(record.get("users"), add_users, remove_users)
            record["orgs"] = _changed(record.get("orgs"), add_orgs, remove_orgs)
            record["visible_to_all_orgs"] = bool(visible_to_all_orgs)
            self._save(record)
        self._org.audit("secret_modify", principal, name=name, type=type)
        return name

    def get(self, name: str, type: str, principal: str) -> dict[str, Any]:  # noqa: A002
        """The fields, for one with whom the secret is shared. Raises ServiceError."""
        record = self._load(type, name)
        if record is None and not self._org.is_root:
            return self._org.server.org("").secrets.get(name, type, principal)
        if record is None:
            raise ServiceError("Secret Not Found")
        if principal not in record.get("users", []):
            raise ServiceError(f"Permission Denied: secret {name} is not shared with {principal}")
        fields: dict[str, Any] = json.loads(self._open(record.get("encrypted_secret", b"")))
        return fields

    def _type(self, name: str) -> dict[str, Any]:
        if name not in TYPES:
            raise ServiceError(f"SecretDefinition {name} not found: NotFoundError")
        return TYPES[name]

    def _save(self, record: records.Record) -> None:
        place = ("config", "secrets", record["type_name"], record["name"])
        try:
            self._org.store.save("Secret", record, *place)
        except (OSError, ValueError) as error:
            raise ServiceError(str(error)) from error

    def _key(self) -> bytes:
        config = self._org.server.config
        chosen = (config.get("security") or {}).get("secrets_dek")
        chosen = chosen or config.get("obfuscation_nonce")
        chosen = str(chosen or (config.get("Frontend") or {}).get("private_key") or "")
        if chosen.startswith("env://"):
            chosen = os.environ.get(chosen.removeprefix("env://"), "")
        return hashlib.sha256(chosen.encode()).digest()

    def _seal(self, plain: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = random.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self._key()).encrypt(nonce, plain, None)

    def _open(self, sealed: bytes) -> bytes:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            return AESGCM(self._key()).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
        except (InvalidTag, ValueError) as error:
            raise ServiceError("cipher: message authentication failed") from error


def _changed(have: list[str] | None, add: list[str] | None, remove: list[str] | None) -> list[str]:
    kept = [name for name in have or [] if name not in (remove or [])]
    return list(dict.fromkeys([*kept, *(add or [])]))
