"""Monitoring in a recovery point that sends data away: by which plugins, and where to. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from recovery.restore.artifact_text import artifact_text
from recovery.restore.material import Definitions, by_name
from recovery.restore.state_files import org_and_path
from recovery.velociraptor.inventory import digest
from recovery.velociraptor.records import json_record
from recovery.velociraptor.state_tar import deciding_files

_PLUGINS = (
    "http_client|upload_s3|upload_gcs|upload_azure|upload_sftp|upload_smb|upload_webdav|adx_upload"
    "|elastic_upload|splunk_upload|logscale_upload|gcs_pubsub_publish|execve|shell_session|netcat"
    "|rsyslog"
)
"""Those for which a server asks the rights NETWORK or EXECVE (read in its source)."""
# By whatever name it is called: `LET f = http_client`. A word like "mail" stands elsewhere, too.
_SENDS = re.compile(rf"\b({_PLUGINS})\b|\b(mail|sql|host)\s*\(|=\s*(mail|sql)\b")
_CALLS = re.compile(r"\bArtifact\.([A-Za-z0-9_.]+)\s*\(")
_TABLE = re.compile(r"config/(client|server)_monitoring(?:\.json)?\.db")
_UNREADABLE = "(a table that can't be read)"
_BUILT_IN = frozenset(
    {
        "ADX.Flows.Upload",
        "Elastic.Events.Clients",
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
        "Server.Monitoring.TimesketchUpload",
        "Server.Slack.Clients.Online",
        "Server.Utils.BackupDirectory",
        "Server.Utils.BackupGCS",
        "Server.Utils.BackupS3",
        "Splunk.Flows.Upload",
        "Splunk.Events.Clients",
    }
)
"""Event artifacts of 0.77.2 that call one of these plugins (read in its definitions), by all their
names; without Server.Monitoring.RSSFeeds, which only fetches and is on by default, and those that
start a program of the machine's own."""


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


def outgoing(state: Path, definitions: Definitions) -> list[Outgoing]:
    """What the monitoring tables in one org's state tar send away."""
    by_inner_name = _by_inner_name(definitions)
    found = []
    for file in deciding_files(state):
        org, inside = org_and_path(file.path)
        if not (kind := _TABLE.fullmatch(inside)):
            continue
        table = f"{kind[1]} monitoring"
        try:
            collected = _collected(json_record(file.read() or b"{}"))
        except (ValueError, TypeError, AttributeError):
            # A server may understand it all the same: an old one's is binary.
            found.append(Outgoing(org, table, _UNREADABLE, ("whatever it says",), ()))
            continue
        for artifact, settings in collected.items():
            if by := senders(artifact, org, by_inner_name):
                found.append(Outgoing(org, table, artifact, by, _where(settings)))
    return found


def monitored_in(states: Iterable[Path]) -> dict[str, str]:
    """What is collected all the time without anybody's asking, and by which settings."""
    found: dict[str, list[Any]] = {}
    for state in states:
        for file in deciding_files(state):
            org, inside = org_and_path(file.path)
            if not (kind := _TABLE.fullmatch(inside)):
                continue
            raw = file.read()
            try:
                collected = _collected(json_record(raw or b"{}"))
            except (ValueError, TypeError, AttributeError):
                collected = {_UNREADABLE: [raw.hex()]}
            for artifact, settings in collected.items():
                name = f"{artifact} by {kind[1]} monitoring in {org}"
                found.setdefault(name, []).append(settings)
    return {name: digest(settings) for name, settings in found.items()}


def _by_inner_name(definitions: Definitions) -> Definitions:
    """Also by the names inside them, which a server goes by, whatever the files are called."""
    inner = [
        (org, name, text)
        for (org, of_file), text in definitions.items()
        for name in artifact_text(text).names
        if name != of_file
    ]
    return by_name([*((org, name, text) for (org, name), text in definitions.items()), *inner])


def senders(artifact: str, org: str, definitions: Definitions) -> tuple[str, ...]:
    """By which plugins an artifact (or one that it calls) sends data away; empty for none."""
    found: set[str] = set()
    todo, seen = [artifact], set()
    while todo:
        name = todo.pop().split("/", maxsplit=1)[0]
        if name in seen:
            continue
        seen.add(name)
        text = definitions.get((org, name)) or definitions.get(("root", name))
        if text is None:
            found |= {"its built-in query"} if name in _BUILT_IN else set()
            continue
        said = artifact_text(text)
        found |= {match[match.lastindex or 0] for match in _SENDS.finditer(said.words)}
        todo += [*_CALLS.findall(said.words), *said.imports]
    return tuple(sorted(found))


def _collected(table: dict[str, Any]) -> dict[str, list[Any]]:
    """Artifact → its settings, in a server's table, or in a client's with its labels."""
    requests = [table, table.get("artifacts")]
    # On the disk names are in camel case (seen: a real server's table).
    events = [*(table.get("labelEvents") or []), *(table.get("label_events") or [])]
    requests += [event.get("artifacts") for event in events if isinstance(event, dict)]
    found: dict[str, list[Any]] = {}
    for request in requests:
        if not isinstance(request, dict) or not isinstance(request.get("artifacts"), list):
            continue
        for name in request["artifacts"]:
            found.setdefault(str(name), [])
        for spec in request.get("specs") or []:
            if (name := str(spec.get("artifact"))) in found:
                found[name].append(spec)
    return found


def _where(settings: Any) -> tuple[str, ...]:
    try:
        return tuple(sorted(_hosts(settings)))
    except RecursionError:
        return ("hosts that can't be read",)


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
