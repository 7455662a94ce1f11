"""Both machines before a sync: one question to each, so that a short sync stays short."""

import hashlib
import json
from dataclasses import dataclass

from recovery.capture.take_named import read_named
from recovery.errors import BadInputError, TargetError
from recovery.restore.install_package import fit_argv
from recovery.restore.place_named import put_named
from recovery.standby.pair import Pair
from recovery.standby.places import LAST_SYNC
from recovery.standby.status import LastSync, parse_last
from recovery.target import Target
from recovery.velociraptor.bind_addresses import fit_addresses
from recovery.velociraptor.config import OWNER, PACKAGE, SERVICE, ServerConfig
from recovery.velociraptor.named_files import named_places
from recovery.velociraptor.paths import CONFIG_PATH

_MARKER = "config/install_time.json.db"
_VERSION = '"$(dpkg-query --show --showformat=\'${Version}\' "$1" 2>/dev/null)"'
_SOURCE = f"""printf '%s\\n' {_VERSION}
date +%s%N
if [ -e "$2" ]; then echo there; else echo missing; fi
cat -- "$3"
"""
_READER = f"""printf '%s\\n' {_VERSION}
printf '%s\\n' "$(systemctl is-active "$2" 2>/dev/null)"
date +%s
printf '%s\\n' "$(sha256sum -- "$3" 2>/dev/null | cut -d' ' -f1)"
cat -- "$4" 2>/dev/null || :
"""


@dataclass(frozen=True)
class ServerSide:
    """The machine that serves: its configuration, its package's version, and what its clock said
    when it was asked, in nanoseconds since 1970.
    """

    config: ServerConfig
    version: str
    asked: int


@dataclass(frozen=True)
class SpareSide:
    """The machine that follows. ``serves``: its service runs; ``last``: its last sync."""

    version: str
    serves: bool
    fingerprint: str
    last: LastSync | None


def look_at_server(target: Target, pair: Pair) -> ServerSide:
    """The server, once it is the pair's deployment and its datastore is there.

    Raises :class:`BadInputError` or :class:`TargetError`; nothing was changed.
    """
    asked = [PACKAGE, f"{pair.datastore}/{_MARKER}", CONFIG_PATH]
    told = target.run(["sh", "-c", _SOURCE, "look", *asked]).stdout
    version, clock, there, raw = told.split(b"\n", 3)
    config = ServerConfig.parse(raw, source=f"{CONFIG_PATH} of {target.uri}")
    if config.deployment != pair.deployment or config.datastore != pair.datastore:
        raise BadInputError(
            "it is not the server that this pair was made for",
            target=target.uri,
            hint="another CA or datastore: `recovery standby init` anew, if that is wanted",
        )
    if there != b"there":
        raise TargetError(
            f"there is no datastore at {config.datastore} ({_MARKER} is missing)",
            step="sync the spare",
            target=target.uri,
            hint="is its disk mounted? The spare's copy was not touched",
        )
    return ServerSide(config, version.decode(), int(clock))


def look_at_spare(target: Target) -> SpareSide:
    """What a sync has to know of it."""
    asked = [PACKAGE, SERVICE, CONFIG_PATH, LAST_SYNC]
    told = target.run(["sh", "-c", _READER, "look", *asked]).stdout.decode()
    version, state, now, fingerprint, last = told.split("\n", 4)
    known = parse_last(json.loads(last), float(now)) if last.strip() else None
    return SpareSide(version, state == "active", fingerprint, known)


def carry_config(server: ServerSide, spare: SpareSide, source: Target, reader: Target) -> list[str]:
    """The newest configuration to the spare, and the files that it names by their paths.

    A finding where the packages differ, or where the server would miss such a file.
    """
    findings: list[str] = []
    if places := named_places(server.config):
        files = read_named(source, places, findings.append)
        findings += put_named(reader, places, files, keep_old=False)
    raw, changed = fit_addresses(reader, server.config)
    findings += changed
    if spare.fingerprint != hashlib.sha256(raw).hexdigest():
        reader.put(raw, CONFIG_PATH, mode=0o640, owner=f"root:{OWNER}")
        reader.run(fit_argv())
    if spare.version == server.version:
        return findings
    there = spare.version or "not at all"
    words = f"the spare has {PACKAGE} {there}, the server {server.version}: install the same there"
    return [*findings, words]
