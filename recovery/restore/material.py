"""Content of a recovery point that runs code: artifacts, and what monitoring sends away. Pure.

Whoever makes a recovery point decides what every endpoint will run. So a person sees, before
it comes back, which artifacts are not as they were, and which monitoring talks to strangers.
"""

import difflib
import json
import re
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from recovery.restore.state_files import org_and_path
from recovery.velociraptor.backup_file import artifacts_of
from recovery.velociraptor.stored_names import artifact_name

Definitions = Mapping[tuple[str, str], str]
"""(org, artifact) → its YAML."""

_PLUGINS = (
    "http_client|upload_s3|upload_gcs|upload_azure|upload_sftp|upload_smb|upload_webdav|adx_upload"
    "|elastic_upload|splunk_upload|logscale_upload|gcs_pubsub_publish|execve|netcat"
)
# By whatever name it is called: `LET f = http_client`. A word like "mail" stands elsewhere, too.
_SENDS = re.compile(rf"\b({_PLUGINS})\b|\b(mail)\s*\(|=\s*(mail)\b")
_CALLS = re.compile(r"\bArtifact\.([A-Za-z0-9_.]+)\s*\(")
_BUILT_IN = frozenset(
    {
        "Elastic.Events.Upload",
        "Elastic.Flows.Upload",
        "LogScale.Events.Clients",
        "LogScale.Flows.Upload",
        "Server.Alerts.TheHive.Alert",
        "Server.Alerts.TheHive.Case",
        "Server.Alerts.Notification",
        "Server.Alerts.ProcessCreation",
        "Server.Alerts.PsExec",
        "Server.Alerts.Trackaccount",
        "Server.Alerts.WinPmem",
        "Server.Monitoring.ClientCount",
        "Server.Slack.Clients.Online",
        "Server.Utils.BackupDirectory",
        "Server.Utils.BackupGCS",
        "Server.Utils.BackupS3",
        "Splunk.Flows.Upload",
        "Splunk.Events.Clients",
    }
)
"""Event artifacts of 0.77.2 that call one of these plugins (read in its definitions), without
Server.Monitoring.RSSFeeds, which only fetches and is on by default."""


@dataclass(frozen=True)
class ArtifactChange:
    """One custom artifact against the point before; ``diff`` are the lines of a unified diff."""

    org: str
    name: str
    change: Literal["new", "changed", "removed"]
    diff: tuple[str, ...]

    @property
    def words(self) -> str:
        """The change as a person reads it, with its size."""
        more = sum(line.startswith("+") for line in self.diff)
        less = sum(line.startswith("-") for line in self.diff)
        return f"{self.change}: {self.name} in {self.org} (+{more} -{less} lines)"


@dataclass(frozen=True)
class Outgoing:
    """An artifact in a monitoring table that sends data away; ``where``: hosts in its settings."""

    org: str
    table: str
    artifact: str
    by: tuple[str, ...]
    where: tuple[str, ...]

    @property
    def words(self) -> str:
        """Who sends what where."""
        to = f" to {', '.join(self.where)}" if self.where else ""
        return (
            f"{self.org}: {self.table}: {self.artifact} sends data out by {', '.join(self.by)}{to}"
        )


def definitions_in_state(state: Path) -> dict[tuple[str, str], str]:
    """The custom artifacts in one org's state tar."""
    return {
        (org, artifact_name(inside.removeprefix(_FOLDER))): text
        for org, inside, text in _texts(state)
        if inside.startswith(_FOLDER)
    }


_FOLDER = "artifact_definitions/"
_TABLES = {
    "config/client_monitoring.json.db": "client monitoring",
    "config/server_monitoring.json.db": "server monitoring",
}


def _texts(state: Path) -> Iterator[tuple[str, str, str]]:
    """(org, path inside it, text) of the definitions and tables in a state tar."""
    with tarfile.open(state) as tar:
        for member in tar:
            org, inside = org_and_path(member.name)
            if member.isreg() and (inside.startswith(_FOLDER) or inside in _TABLES):
                content = tar.extractfile(member)
                yield org, inside, (content.read() if content else b"").decode("utf-8", "replace")


def definitions_in_backup(backup: Path, org: str = "root") -> dict[tuple[str, str], str]:
    """One org's custom artifacts in a backup that holds it."""
    with zipfile.ZipFile(backup) as archive:
        return {(org, name): text for name, text, _ in artifacts_of(archive, org)}


def changed_artifacts(now: Definitions, before: Definitions) -> list[ArtifactChange]:
    """Every artifact that isn't as it was, new ones first."""
    found = []
    for org, name in {**now, **before}:
        text, old = now.get((org, name)), before.get((org, name))
        if text == old:
            continue
        change: Literal["new", "changed", "removed"] = (
            "new" if old is None else "removed" if text is None else "changed"
        )
        lines = difflib.unified_diff(
            (old or "").splitlines(), (text or "").splitlines(), lineterm="", n=2
        )
        found.append(ArtifactChange(org, name, change, tuple(list(lines)[2:])))
    order = ["new", "changed", "removed"]
    return sorted(found, key=lambda item: (order.index(item.change), item.org, item.name))


def outgoing(state: Path, definitions: Definitions) -> list[Outgoing]:
    """What the monitoring tables in one org's state tar send away."""
    found = []
    for org, inside, text in _texts(state):
        if inside not in _TABLES:
            continue
        for artifact, settings in _collected(_object(text)):
            if by := senders(artifact, org, definitions):
                where = tuple(sorted(_hosts(settings)))
                found.append(Outgoing(org, _TABLES[inside], artifact, by, where))
    return found


def senders(artifact: str, org: str, definitions: Definitions) -> tuple[str, ...]:
    """By which plugins an artifact (or one that it calls) sends data away; empty for none."""
    return tuple(sorted(_senders(artifact, org, definitions, frozenset())))


def _senders(artifact: str, org: str, definitions: Definitions, seen: frozenset[str]) -> set[str]:
    name = artifact.split("/", maxsplit=1)[0]
    text = definitions.get((org, name)) or definitions.get(("root", name))
    if text is None:
        return {"its built-in query"} if name in _BUILT_IN else set()
    found = {match[match.lastindex or 0] for match in _SENDS.finditer(text)}
    for called in _CALLS.findall(text):
        if called not in seen and called != name:
            found |= _senders(called, org, definitions, seen | {name})
    return found


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _collected(table: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """(artifact, its settings) of a server's table, or of a client's with its labels."""
    requests = [table, table.get("artifacts")]
    # On the disk names are in camel case (seen: a real server's table).
    events = [*(table.get("labelEvents") or []), *(table.get("label_events") or [])]
    requests += [event.get("artifacts") for event in events if isinstance(event, dict)]
    seen = set()
    for request in requests:
        if not isinstance(request, dict) or not isinstance(request.get("artifacts"), list):
            continue
        specs = {str(spec.get("artifact")): spec for spec in request.get("specs") or []}
        for name in request["artifacts"]:
            if name not in seen:
                seen.add(name)
                yield str(name), specs.get(str(name), {})


def _hosts(settings: Any) -> set[str]:
    """Hosts of the addresses in an artifact's settings; never the address, which may hold a key."""
    if isinstance(settings, dict):
        return {host for value in settings.values() for host in _hosts(value)}
    if isinstance(settings, list):
        return {host for value in settings for host in _hosts(value)}
    if isinstance(settings, str) and "://" in settings:
        try:
            return {urlsplit(word).hostname or "" for word in settings.split() if "://" in word} - {
                ""
            }
        except ValueError:
            return {"an address that is none"}
    return set()
