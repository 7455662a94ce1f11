"""Whether a server will start with a config: asked before anything is built."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

from server_deb.certificates import issued_by, key_matches
from server_deb.config import CERTIFICATES, ServerConfig
from server_deb.errors import PackageError
from server_deb.layout import USER

REQUIRED = (
    "Client.ca_certificate",
    "Client.nonce",
    "Frontend.hostname",
    "Frontend.certificate",
    "Frontend.private_key",
    "GUI.gw_certificate",
    "GUI.gw_private_key",
    "Datastore.location",
    "Datastore.filestore_directory",
)
SECTIONS = ("API", "Client", "Frontend", "GUI", "Datastore")
KEYS = {
    "Frontend.private_key": "Frontend.certificate",
    "GUI.gw_private_key": "GUI.gw_certificate",
    "CA.private_key": "Client.ca_certificate",
}
SOON = timedelta(days=30)
PAGE = "/app/index.html"
SLOWEST_LOST_WRITE = 11
# Folders of the system: the package gives the datastore's whole tree to the server's user.
_SYSTEM = (
    "/ /bin /boot /dev /etc /etc/velociraptor /home /lib /lib64 /media /mnt /opt /proc /root /run "
    "/sbin /srv /sys /tmp /usr /usr/lib /usr/local /usr/local/bin /var /var/cache /var/lib "
    "/var/log /var/spool /var/tmp"
)
NEVER_OWNED = frozenset(_SYSTEM.split())
UNSEEN = ("/proc", "/sys", "/dev", "/run", "/boot", "/usr", "/etc", "/root")
TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108
Rule = Callable[[ServerConfig, datetime], Iterator[str]]


def check_config(
    config: ServerConfig, *, now: datetime, allow_expired: bool = False
) -> tuple[str, ...]:
    """Refuse a config with which the server can't start; return warnings about one that may.

    The rules come from velociraptor-facts.md ("Configuration and keys") and from what the server
    says at start. `allow_expired` lets a Frontend certificate pass which the server reissues in
    memory because CA.private_key is there. Raises PackageError.
    """
    _refuse_missing(config)
    _refuse_wrong_keys(config)
    _refuse_expired(config, now, allow_expired=allow_expired)
    _refuse_settings(config)
    _refuse_folders(config)
    return tuple(warning for rule in WARNINGS for warning in rule(config, now))


def _bad(config: ServerConfig, setting: str, what: str, hint: str) -> PackageError:
    return PackageError(what, where=f"{config.name}: {setting}", hint=hint)


def _refuse_missing(config: ServerConfig) -> None:
    for section in SECTIONS:
        if not isinstance(config.get(section), dict):
            hint = "a server config has API, Client, Frontend, GUI and Datastore; "
            hint += "a client's or an API user's has not: give server.config.yaml"
            raise _bad(config, section, f"the config has no section {section}", hint)
    for setting in REQUIRED:
        if not config.text(setting).strip():
            hint = "take it from the server's own config, or from the last server package; "
            hint += "a value made anew would cut off every client"
            raise _bad(config, setting, f"the config has no {setting}", hint)
    for setting in config.unreadable:
        hint = "it must be one PEM certificate: check the indentation and that no line is lost"
        raise _bad(config, setting, f"{setting} is not a certificate", hint)


def _refuse_wrong_keys(config: ServerConfig) -> None:
    for key, certificate in KEYS.items():
        if not config.text(key).strip():
            continue  # only CA.private_key may be missing here: kept off the server by choice
        try:
            matches = key_matches(config.text(key), config.certificates[certificate])
        except (ValueError, TypeError):
            hint = "it must be one PEM key without a password: check that no line is lost"
            raise _bad(config, key, f"{key} is not a private key", hint) from None
        if not matches:
            hint = "the two come from different deployments or times: take both from one config"
            raise _bad(config, key, f"{key} is not the key of {certificate}", hint)
    for setting in ("Frontend.certificate", "GUI.gw_certificate"):
        if not issued_by(
            config.certificates[setting], config.certificates["Client.ca_certificate"]
        ):
            hint = "clients would refuse this server: take both from the same deployment's config"
            raise _bad(config, setting, f"{setting} is not issued by Client.ca_certificate", hint)


def _refuse_expired(config: ServerConfig, now: datetime, *, allow_expired: bool) -> None:
    healed = bool(config.text("CA.private_key"))
    for setting in CERTIFICATES:
        certificate = config.certificates[setting]
        if certificate.not_after > now:
            continue
        if allow_expired and healed and setting != "Client.ca_certificate":
            continue
        hint = "the CA itself is over: clients must be given a new deployment's config"
        if setting != "Client.ca_certificate":
            hint = "make a fresh one: velociraptor --config server.config.yaml config reissue_certs"
            hint += "; or give --allow-expired: with CA.private_key in the config, as here, "
            hint += "the server reissues it in memory" if healed else ""
            hint = hint if healed else hint.partition(";")[0]
        day = certificate.not_after.date()
        raise _bad(config, setting, f"{setting} expired on {day}", hint)


def _refuse_settings(config: ServerConfig) -> None:
    url, base = config.text("GUI.public_url"), config.text("GUI.base_path")
    if not url.endswith(base + PAGE):
        hint = f"write it so that it ends in {base}{PAGE}; the frontend exits at start otherwise"
        raise _bad(config, "GUI.public_url", f"GUI.public_url does not end in {base}{PAGE}", hint)
    urls = config.get("Client.server_urls")
    if not isinstance(urls, list) or not urls or not all(str(u).endswith("/") for u in urls):
        hint = "clients reach the server by these: a list of URLs, each ending in /"
        raise _bad(config, "Client.server_urls", "Client.server_urls can't be used", hint)
    user = config.text("Frontend.run_as_user")
    if user not in {"", USER}:
        hint = f"the package runs the server as {USER}: set it to that, or leave it out"
        raise _bad(config, "Frontend.run_as_user", f"the server insists on the user {user}", hint)


def _refuse_folders(config: ServerConfig) -> None:
    for setting, folder in config.folders.items():
        path = PurePosixPath(folder)
        plain = path.is_absolute() and ".." not in path.parts and folder.isprintable()
        if not plain or any(mark in folder for mark in " \t\"'\\$%:`"):
            hint = "give an absolute path without spaces, quotes, $, %, : or '..'"
            raise _bad(config, setting, f"{setting} can't be used as a folder: {folder!r}", hint)
        if str(path) in NEVER_OWNED:
            hint = f"give a folder of its own, for instance {path}/velociraptor-data"
            raise _bad(config, setting, f"{setting} is a folder of the system: {folder}", hint)
        if is_below(folder, UNSEEN):
            hint = "the server may not write there: use /var/lib, /srv or /opt"
            raise _bad(config, setting, f"{setting} lies in {path.parents[-2]}", hint)


def is_below(folder: str, places: tuple[str, ...]) -> bool:
    """Whether `folder` is one of `places` or inside one."""
    path = PurePosixPath(folder)
    return any(path.is_relative_to(place) for place in places)


def _warn_dates(config: ServerConfig, now: datetime) -> Iterator[str]:
    for setting, certificate in config.certificates.items():
        left = certificate.not_after - now
        if left <= timedelta(0):
            yield f"{setting} expired on {certificate.not_after.date()}: reissued in memory only"
        elif left < SOON:
            yield f"{setting} expires in {left.days} days, on {certificate.not_after.date()}"
        if certificate.not_before > now:
            yield f"{setting} is valid only from {certificate.not_before}: is this clock right?"
    if not config.text("CA.private_key"):
        day = config.certificates["Frontend.certificate"].not_after.date()
        yield (
            "CA.private_key is not in the config: the server can't renew its own certificate, "
            f"and stops when that expires on {day}"
        )


def _warn_client_list(config: ServerConfig, _now: datetime) -> Iterator[str]:
    seconds = config.get("Frontend.resources.client_info_write_time")
    if isinstance(seconds, int | float) and 0 < seconds < SLOWEST_LOST_WRITE:
        yield (
            f"Frontend.resources.client_info_write_time is {seconds}: below "
            f"{SLOWEST_LOST_WRITE} s the client list is never written to disk; 15 works"
        )


def _warn_temporary(config: ServerConfig, _now: datetime) -> Iterator[str]:
    for setting, folder in config.folders.items():
        if is_below(folder, TEMPORARY):
            yield f"{setting} is {folder}: systemd-tmpfiles may delete old files there"


WARNINGS: tuple[Rule, ...] = (_warn_dates, _warn_client_list, _warn_temporary)


def utc_now() -> datetime:
    """The clock, in one place, so that tests can hand in another."""
    return datetime.now(UTC)
