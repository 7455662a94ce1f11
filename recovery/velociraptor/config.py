"""The server's configuration: read once, its identity, and the paths and ports in it.

Two fingerprints: the *deployment*'s (SHA-256 of the CA certificate, DER) says which fleet
trusts it; the *config*'s (SHA-256 of the file's bytes) says whether two are the same.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from recovery.errors import BadInputError
from recovery.velociraptor.config_kinds import wrong_kind
from recovery.velociraptor.foreign_yaml import ForeignYamlError, load_foreign_yaml

SERVICE = "velociraptor_server.service"
PACKAGE = "velociraptor-server"
OWNER = "velociraptor"

_NEEDED = (
    ("Client", "ca_certificate"),
    ("Client", "nonce"),
    ("Frontend", "certificate"),
    ("Frontend", "private_key"),
    ("Datastore", "location"),
)
_LATEST = 600.0
"""Seconds that a write is waited for, whatever a config says."""
_HINT = "give the server.config.yaml of the lost server (it holds the CA and the server's keys)"


@dataclass(frozen=True)
class ServerConfig:
    """A server.config.yaml: ``raw`` bytes as they are, and what they say."""

    raw: bytes
    values: dict[str, Any]

    @classmethod
    def parse(cls, raw: bytes, *, source: str = "server.config.yaml") -> "ServerConfig":
        """Reads and checks; raises :class:`BadInputError` naming the missing or broken part."""
        try:
            values = load_foreign_yaml(raw)
        except ForeignYamlError as broken:
            raise BadInputError(str(broken), target=source, hint=_HINT) from None
        if not isinstance(values, dict):
            raise BadInputError("not a server configuration", target=source, hint=_HINT)
        for section, key in _NEEDED:
            part = values.get(section)
            if not isinstance(part, dict) or not isinstance(part.get(key), str) or not part[key]:
                raise BadInputError(f"{section}.{key} is missing", target=source, hint=_HINT)
        if wrong := wrong_kind(values):
            raise BadInputError(wrong, target=source, hint=_HINT)
        config = cls(raw, values)
        try:
            _ = config.ca_certificate
        except ValueError as broken:
            raise BadInputError(
                "Client.ca_certificate is not a certificate", target=source, hint=_HINT
            ) from broken
        return config

    def _part(self, section: str, key: str, default: Any = None) -> Any:
        value = (self.values.get(section) or {}).get(key)
        return default if value is None else value

    @cached_property
    def ca_certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.values["Client"]["ca_certificate"].encode())

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the file's bytes, hex."""
        return hashlib.sha256(self.raw).hexdigest()

    @property
    def deployment(self) -> str:
        """SHA-256 of the CA certificate's DER, hex: the identity that the endpoints trust."""
        return hashlib.sha256(self.ca_certificate.public_bytes(Encoding.DER)).hexdigest()

    @property
    def datastore(self) -> str:
        """The datastore's folder (the records, ``.db``), without a slash at its end."""
        return str(self.values["Datastore"]["location"]).rstrip("/")

    @property
    def files(self) -> str:
        """The file store's folder: results, uploads, client list, artifacts, backups, exports.

        Mostly the datastore's own (seen on a real server: all that doesn't end in ``.db``).
        """
        named = str(self._part("Datastore", "filestore_directory", "")).rstrip("/")
        return named or self.datastore

    @property
    def folders(self) -> tuple[str, ...]:
        """The datastore's folder, and the file store's where it is another one."""
        return tuple(dict.fromkeys((self.datastore, self.files)))

    def folder_of(self, path: str) -> str:
        """In which of :attr:`folders` a server keeps the file ``path`` (relative to it)."""
        record = path.endswith(".db") and not path.startswith("public/")
        return self.datastore if record else self.files

    @property
    def server_name(self) -> str:
        """The pinned name in the server's certificate (facts: API)."""
        return str(self._part("Client", "pinned_server_name", "VelociraptorServer"))

    @property
    def frontend_port(self) -> int:
        return int(self._part("Frontend", "bind_port", 8000))

    @property
    def api_port(self) -> int:
        return int(self._part("API", "bind_port", 8001))

    @property
    def gui_port(self) -> int:
        return int(self._part("GUI", "bind_port", 8889))

    @property
    def server_urls(self) -> list[str]:
        return [str(url) for url in self._part("Client", "server_urls", [])]

    @property
    def max_poll(self) -> float:
        """Seconds within which every client polls again (facts: max_poll + max_poll_std)."""
        return float(self._part("Client", "max_poll", 60)) + float(
            self._part("Client", "max_poll_std", 30)
        )

    @property
    def write_time(self) -> float:
        """Seconds between two writes of the client list (facts: default 300)."""
        resources = self._part("Frontend", "resources", {})
        return float(resources.get("client_info_write_time") or 300)

    @property
    def write_delay(self) -> float:
        """Seconds that a finished write may stay in the server's memory before it is on the disk.

        Only with a memcache datastore, made for slow network disks: a cycle of a second, or of
        the setting, with up to as much jitter, then the age a write must have (read in its
        source, seen on 0.77.2: a backup is on the disk up to three seconds after its answer).
        """
        if "Memcache" not in str(self._part("Datastore", "implementation", "")):
            return 0.0
        cycle = float(self._part("Datastore", "memcache_write_mutation_max_age", 0) or 1000)
        age = float(self._part("Datastore", "memcache_write_mutation_min_age", 0) or 1000)
        return min((2 * cycle + age) / 1000, _LATEST)
