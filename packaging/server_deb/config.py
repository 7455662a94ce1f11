"""server.config.yaml, read once: what packaging and inspection need to know of it.

Nothing here prints or keeps a private key or a nonce; errors name settings, never their values.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import yaml

from server_deb.certificates import Certificate, read_certificate
from server_deb.errors import PackageError

LARGEST = 8 * 1024 * 1024
CERTIFICATES = ("Client.ca_certificate", "Frontend.certificate", "GUI.gw_certificate")
LISTENERS = ("Frontend", "GUI", "API", "Monitoring")
# Where the server writes. The last one only with Let's Encrypt, and no folder of data.
FOLDERS = (
    "Datastore.location",
    "Datastore.filestore_directory",
    "Logging.output_directory",
    "autocert_cert_cache",
)


@dataclass(frozen=True)
class ServerConfig:
    """A parsed config; `fingerprint` is the SHA-256 of its bytes.

    Fields that a damaged or foreign config lacks are None or empty: `check.py` is what insists.
    """

    name: str
    raw: bytes = field(repr=False)
    settings: dict[str, Any] = field(repr=False)
    fingerprint: str
    certificates: dict[str, Certificate]
    unreadable: tuple[str, ...]

    @property
    def deployment(self) -> str | None:
        """Identity of the deployment: every client and key of it hangs on this CA."""
        authority = self.certificates.get("Client.ca_certificate")
        return authority.fingerprint if authority else None

    @property
    def public_urls(self) -> tuple[str, ...]:
        """Where people and clients reach the server."""
        servers = self.get("Client.server_urls")
        urls = [self.text("GUI.public_url"), *(servers if isinstance(servers, list) else [])]
        return tuple(str(url) for url in urls if url)

    @property
    def folders(self) -> dict[str, str]:
        """Setting name to folder, of those that are set."""
        return {name: self.text(name) for name in FOLDERS if self.text(name)}

    @property
    def ports(self) -> dict[str, int]:
        """Listener name to TCP port, of those that are set."""
        found = {name: self.get(f"{name}.bind_port") for name in LISTENERS}
        return {name: port for name, port in found.items() if type(port) is int and port}

    def get(self, dotted: str) -> Any:
        """The value of a setting such as "Frontend.resources.max_upload_size", or None."""
        value: Any = self.settings
        for part in dotted.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def text(self, dotted: str) -> str:
        """The setting if it is text, else ""."""
        value = self.get(dotted)
        return value if isinstance(value, str) else ""


class _Loader(yaml.CSafeLoader):
    """YAML as the server itself accepts it: a key given twice is an error."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {str(key)[:80]!r} is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def read_config(raw: bytes, name: str) -> ServerConfig:
    """Parse the bytes of a server config; `name` is what messages call it.

    Raises PackageError where it is too large, no YAML, or no mapping.
    """
    if len(raw) > LARGEST:
        raise _malformed(name, f"it has {len(raw)} bytes; the most read here is {LARGEST}")
    if not raw.strip():
        raise _malformed(name, "it is empty")
    try:
        settings = yaml.load(raw, _Loader)  # noqa: S506  a SafeLoader
    except yaml.MarkedYAMLError as bad:
        # Not chained: PyYAML quotes the offending line, which may be part of a private key.
        mark = bad.problem_mark or bad.context_mark
        at = f"{name}, line {mark.line + 1}, column {mark.column + 1}" if mark else name
        raise _malformed(at, f"not well-formed YAML: {bad.problem or bad.context}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as bad:
        raise _malformed(name, f"not YAML text ({type(bad).__name__})") from None
    if not isinstance(settings, dict):
        raise _malformed(name, "it holds no settings (a mapping such as `Frontend: …`)")
    certificates: dict[str, Certificate] = {}
    unreadable: list[str] = []
    config = ServerConfig(name, raw, settings, hashlib.sha256(raw).hexdigest(), certificates, ())
    for where in CERTIFICATES:
        if config.text(where):
            try:
                certificates[where] = read_certificate(config.text(where), where)
            except ValueError:
                unreadable.append(where)
    return ServerConfig(name, raw, settings, config.fingerprint, certificates, tuple(unreadable))


def _malformed(where: str, why: str) -> PackageError:
    return PackageError(
        f"the config can't be used: {why}",
        where=where,
        hint="give the whole server.config.yaml of the server (not client.config.yaml, "
        "not api.yaml), unchanged",
    )
