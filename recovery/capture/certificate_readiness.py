"""When certificates end, and whether the files that the config names are in the newest point."""

import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from cryptography import x509

from recovery.capture.readiness import Line, in_words
from recovery.capture.take_named import read_named
from recovery.errors import RecoveryError
from recovery.target import Target
from recovery.vault.manifest import Manifest, NamedFiles
from recovery.vault.named_tar import read_named_tar
from recovery.vault.store import Vault
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.named_files import named_places, place_of

_SOON = timedelta(days=30)
_CERTIFICATES = (
    ("Client", "ca_certificate"),
    ("Frontend", "certificate"),
    ("GUI", "gw_certificate"),
)
_NEW_CA = "plan a new deployment: a new CA is trusted by no client until each has its config"
_REISSUE = "`velociraptor config reissue_certs` makes new ones with the same keys"
_RENEW = "renew it where it comes from, and capture again"
_NAMED = "named files"


def certificate_lines(config: ServerConfig | None, now: datetime) -> Iterator[Line]:
    """When the certificates end; without a config to read, that is unknown."""
    if config is None:
        says = "there is no config here to read them from"
        yield Line("certificates", "unknown", says, "give --from, or the vault's identity.txt")
        return
    for section, key in _CERTIFICATES:
        pem = str((config.values.get(section) or {}).get(key, ""))
        remedy = _NEW_CA if section == "Client" else _REISSUE
        yield _end(f"certificate {section}.{key}", pem.encode(), remedy, now)


def named_lines(
    config: ServerConfig | None, newest: Manifest | None, files: Mapping[str, bytes], now: datetime
) -> Iterator[Line]:
    """TLS files and definitions outside of the datastore: a server doesn't start without. Pure.

    ``files``: their content as it is now, by full paths; those of the point where no server is
    looked at. A config that names none has no line.
    """
    places = named_places(config) if config else []
    if not places or newest is None:
        return
    held = newest.named or NamedFiles(tar=newest.config, digests={})
    lost = [
        f"{place.path} ({place.setting})"
        for place in places
        if place.kind == "certificate" or (place.kind == "definitions" and newest.named is None)
        if not any(place_of([place], path) for path in held.digests)
    ]
    other = [
        p for p, content in files.items() if held.digests.get(p) != sha256(content).hexdigest()
    ]
    if lost:
        says = f"not in the newest point: {', '.join(lost)}: a new server would not start"
        yield Line(_NAMED, "bad", says, "capture again")
    elif other:
        says = f"{len(other)} new or changed since the newest point, e.g. {other[0]}"
        yield Line(_NAMED, "warning", says, "capture again")
    else:
        yield Line(_NAMED, "good", f"{len(held.digests)}, which the config names")
    for place in places:
        pem = files.get(place.path, b"")
        if place.kind == "certificate" and b"BEGIN CERTIFICATE" in pem:
            yield _end(f"certificate {place.setting}", pem, _RENEW, now)


def named_now(
    config: ServerConfig | None, newest: Manifest | None, vault: Vault, target: Target | None
) -> dict[str, bytes]:
    """The files as the server has them, else as the point has; empty where neither can be read."""
    places = named_places(config) if config else []
    try:
        if target and places:
            return read_named(target, places, lambda _gap: None)
        if not places or newest is None or newest.named is None:
            return {}
        with tempfile.TemporaryDirectory(prefix="recovery-status-") as folder:
            tar = vault.fetch(newest.named.tar, Path(folder) / "named.tar")
            return read_named_tar(tar, newest.named, places, newest.point)
    except (RecoveryError, OSError):
        return {}


def _end(name: str, pem: bytes, remedy: str, now: datetime) -> Line:
    try:
        ends = x509.load_pem_x509_certificate(pem).not_valid_after_utc
    except ValueError:
        return Line(name, "bad", "can't be read", remedy)
    left = ends - now
    says = f"ends {ends:%Y-%m-%d}, in {in_words(left)}"
    if left < timedelta(0):
        return Line(name, "bad", f"ended {ends:%Y-%m-%d}", remedy, left.total_seconds())
    if left < _SOON:
        return Line(name, "warning", says, remedy, left.total_seconds())
    return Line(name, "good", says, value=left.total_seconds())
