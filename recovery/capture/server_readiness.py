"""What the running server, its certificates and its name say of readiness."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dns.exception
import dns.resolver

from recovery.capture.datastore_files import folder_argv, org_of, parse_listing
from recovery.capture.forwarding_readiness import forwarding_lines
from recovery.capture.readiness import Line, in_words
from recovery.errors import RecoveryError
from recovery.state_folder import state_folder
from recovery.target import Target
from recovery.vault.manifest import Manifest
from recovery.velociraptor.api import ROOT, open_api
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.identity_providers import asked_at_start
from recovery.velociraptor.read_config import read_config
from recovery.velociraptor.secrets_key import secrets_variable

_TTL = 300
_LOST_BELOW = 11
_BACKUP_PERIOD = 86400
_DRILL_EVERY = timedelta(days=90)


def look_at_server(
    target: Target, config_path: str, newest: Manifest | None, now: datetime
) -> tuple[list[Line], ServerConfig | None]:
    """The lines, and the config in use."""
    try:
        config = read_config(target, config_path)
    except RecoveryError as refused:
        return [Line("server", "bad", refused.message, refused.hint)], None
    lines = list(_config_lines(config, newest))
    try:
        with open_api(target, config) as api:
            rows = api.query("SELECT OrgId FROM orgs()", min_rows=1, timeout=30)
            forwarding = list(forwarding_lines(api, newest, now))
        lines.insert(0, Line("server", "good", f"{target.uri} answers"))
        lines += forwarding
        lines += _orgs([row["OrgId"] or ROOT for row in rows], newest)
    except RecoveryError as refused:
        hint = "`systemctl status velociraptor_server` on it"
        lines.insert(0, Line("server", "bad", refused.message, hint))
    try:
        listing = target.run(folder_argv(config.files, "backups", ".zip"), timeout=120)
        lines.append(_schedule(config, parse_listing(listing.stdout), now))
    except RecoveryError as refused:
        lines.append(Line("server's backups", "unknown", refused.message))
    return lines, config


def _config_lines(config: ServerConfig, newest: Manifest | None) -> Iterator[Line]:
    if newest and newest.server.deployment != config.deployment:
        says = "the newest point is of another deployment than this server"
        yield Line("deployment", "bad", says, "name the vault that belongs to this server")
    elif newest and newest.config.sha256 != config.fingerprint:
        says = "the server's config was changed since the newest point"
        yield Line("config in use", "warning", says, "capture again")
    if name := secrets_variable(config):
        says = f"in the server's environment ({name}), in no point: keep it elsewhere, too"
        yield Line("key of secrets", "good", says)
    for provider in asked_at_start(config):
        yield Line("identity provider", "good", f"{provider}: a new machine has to reach it, too")
    if 0 < config.write_time < _LOST_BELOW:
        says = f"client_info_write_time is {config.write_time:g}: the list is never written"
        hint = "`recovery configure --from URI --client-info-write-time 15s --restart`"
        yield Line("client list", "bad", says, hint)


def _orgs(orgs: Sequence[str], newest: Manifest | None) -> Iterator[Line]:
    if newest and (new := sorted(set(orgs) - set(newest.orgs))):
        says = f"not in the newest point: {', '.join(new)}; their nonces would be lost"
        yield Line("new orgs", "bad", says, "capture again")


def _schedule(config: ServerConfig, files: Sequence[Any], now: datetime) -> Line:
    """The server's own backups: the second source, should the vault's points fail."""
    period = float((config.values.get("defaults") or {}).get("backup_period_seconds") or 0)
    period = period or _BACKUP_PERIOD
    if period < 0:
        says = "switched off (defaults.backup_period_seconds is negative)"
        hint = "`recovery configure --from URI --backup-period 24h`, or rely on points alone"
        return Line("server's backups", "warning", says, hint)
    own = [file for file in files if "/recovery-" not in file.path]
    root = [file for file in own if org_of(file.path) == ROOT and file.size]
    if not root:
        return Line("server's backups", "warning", "none on its disk yet", "wait, or capture")
    age = now - datetime.fromtimestamp(max(file.changed for file in root), UTC)
    says = f"newest {in_words(age)} old, every {in_words(timedelta(seconds=period))}"
    if age.total_seconds() > 2 * period:
        return Line("server's backups", "warning", says, "look into the server's log for Backup")
    return Line("server's backups", "good", says, value=age.total_seconds())


def name_lines(
    urls: Sequence[str], resolver: dns.resolver.Resolver | None = None
) -> Iterator[Line]:
    """The clients' names: whether they resolve, and how soon a change of them would be seen."""
    for host in dict.fromkeys(urlsplit(url).hostname or "" for url in urls):
        if not host or host.replace(".", "").isdigit() or ":" in host or host == "localhost":
            says = f"the clients use the address {host or '(none)'}, not a name"
            remedy = "an address can't be moved: give the clients a DNS name"
            yield Line(f"name {host}", "warning", says, remedy)
            continue
        try:
            found = (resolver or dns.resolver.Resolver()).resolve(host, "A", lifetime=10)
        except dns.exception.DNSException as refused:
            says = f"does not resolve: {str(refused).splitlines()[0][:120]}"
            yield Line(f"name {host}", "bad", says, "set its record; clients find no server")
            continue
        ttl = found.rrset.ttl if found.rrset else 0
        says = f"{', '.join(str(item) for item in found)}, TTL {ttl} s"
        if ttl > _TTL:
            remedy = f"lower it to {_TTL} s: clients return no sooner than that"
            yield Line(f"name {host}", "warning", says, remedy, float(ttl))
        else:
            yield Line(f"name {host}", "good", says, value=float(ttl))


def drill_line(now: datetime, wanted_kind: str) -> Line:
    """The last drill on this machine. One on the reference server proves nothing for a real one."""
    run = "run `recovery drill --server-binary PATH`"
    reports = []
    for path in sorted((state_folder() / "reports").glob("*/report.json")):
        report = _read_report(path)
        if report and (report.get("server") or {}).get("kind") == wanted_kind:
            reports.append(report)
    if not reports:
        return Line(
            "last drill", "warning", f"none with a {wanted_kind} server on this machine", run
        )
    last = max(reports, key=lambda report: str(report["finished_at"]))
    age = now - datetime.fromisoformat(str(last["finished_at"])).astimezone(UTC)
    rto = last.get("rto_seconds")
    says = f"{in_words(age)} ago: {last['verdict']}" + (f", RTO {rto:.0f} s" if rto else "")
    if last["verdict"] == "not recovered":
        return Line("last drill", "bad", says, "read its report, then drill again")
    if last["verdict"] != "recovered" or age > _DRILL_EVERY:
        return Line("last drill", "warning", says, run, rto)
    return Line("last drill", "good", says, value=rto)


def _read_report(path: Path) -> dict[str, Any] | None:
    try:
        report = json.loads(path.read_bytes())
        datetime.fromisoformat(str(report["finished_at"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return report if isinstance(report, dict) and "verdict" in report else None
