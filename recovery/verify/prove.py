"""The proof of a recovery: checks on the machine, and the inventory against the captured one."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from recovery.errors import ServerError, TargetError
from recovery.target import Target
from recovery.vault.manifest import Manifest, Part
from recovery.velociraptor.api import Api, open_api
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.named_files import named_places
from recovery.velociraptor.take_inventory import take_inventory
from recovery.verify.compare import FidelityLine, compare
from recovery.verify.deleted_flows import without_deleted_flows
from recovery.verify.expected import serves_org
from recovery.verify.facts import DnsFacts, ServerFacts, key_digests, setting_digests
from recovery.verify.run_checks import Check, run_checks

Say = Callable[[str], None]
_ACCOUNTS = ("orgs", "users", "acls")
_READY = 20.0
"""Seconds that a server which has just been started may take to answer."""
_GRACE = 10.0
"""Seconds beyond the longest time between two polls of a client."""


class Proof(BaseModel):
    """What was checked, what came back, and every ``finding``: no finding, no shortfall.

    ``held_back``: accounts (with their rights) that were not to come back, in an operator's words;
    they are no part of the comparison. ``not_chosen``: neither are so many things of each item,
    which the recovery was not asked for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    checks: list[Check]
    fidelity: list[FidelityLine]
    findings: list[str]
    held_back: list[str] = []
    not_chosen: dict[str, int] = {}


def prove(
    target: Target,
    config: ServerConfig,
    manifest: Manifest | None,
    strategy: Sequence[Part],
    say: Say,
    *,
    since: datetime | None = None,
    wait: float | None = None,
    clients_sent: bool = True,
    dns: DnsFacts | None = None,
    junit: Path | None = None,
    held_back: Sequence[str] = (),
    not_chosen: Mapping[str, int] | None = None,
    known: Sequence[str] = (),
) -> Proof:
    """Checks and compares; changes nothing. ``config`` is the captured configuration.

    ``manifest`` is ``None`` for a first deployment, which has nothing to be compared with.
    Clients must have been seen after ``since`` (default: the service's start); they are
    waited for up to ``wait`` seconds (default: until each has had to poll once). Those that are
    away are no finding where nobody has ``clients_sent`` to this machine yet. ``known``: findings
    that come first.

    What can't be reached is a finding, never passed over. Raises
    :class:`recovery.errors.RecoveryError` only when the checks could not run at all.
    """
    seconds = config.max_poll + _GRACE if wait is None else wait
    facts = server_facts(config, manifest, strategy, since=since, wait=seconds, dns=dns)
    facts = facts.model_copy(update={"clients_sent": clients_sent})
    findings = list(known)
    fidelity: list[FidelityLine] = []
    try:
        with open_api(target, config) as api:
            api.wait_ready(_READY)
            if manifest is not None:
                say("comparing with the recovery point …")
                fidelity = _compare(api, target, config, manifest, strategy)
            checks = run_checks(target, facts, junit, say, api=api)
    except (ServerError, TargetError) as silent:
        findings.append(f"the server could not be compared: {silent.message}")
        checks = run_checks(target, facts, junit, say)
    findings += [_check_finding(check) for check in checks if check.outcome in ("failed", "error")]
    brings_accounts = set(strategy) != {"collections"}  # which are added to a server as it is
    findings += [
        finding
        for line in fidelity
        if (brings_accounts or line.falls_short) and (finding := line_finding(line))
    ]
    return Proof(
        checks=checks,
        fidelity=fidelity,
        findings=findings,
        held_back=list(held_back),
        not_chosen=dict(not_chosen or {}),
    )


def server_facts(
    config: ServerConfig,
    manifest: Manifest | None,
    strategy: Sequence[Part],
    *,
    since: datetime | None = None,
    wait: float = 0.0,
    dns: DnsFacts | None = None,
) -> ServerFacts:
    """What the checks hold the server to, from the captured configuration and manifest. Pure."""
    orgs = manifest.inventory.orgs if manifest else {}
    return ServerFacts(
        folders=list(config.folders),
        frontend_port=config.frontend_port,
        api_port=config.api_port,
        config_fingerprint=config.fingerprint if manifest else "",
        settings=setting_digests(config) if manifest else {},
        keys=key_digests(config) if manifest else {},
        named=_named(config, manifest),
        package_version=manifest.package.version if manifest else "",
        server_version=manifest.server.version if manifest else "",
        clients={
            org: items.get("clients", {})
            for org, items in orgs.items()
            if serves_org(org, strategy)
        },
        unserved=[org for org in orgs if not serves_org(org, strategy)],
        since=since,
        wait=wait,
        dns=dns,
    )


def _named(config: ServerConfig, manifest: Manifest | None) -> dict[str, str] | None:
    """The captured files that the config names; None where no capture looked for them."""
    if manifest and manifest.named:
        return manifest.named.digests
    return {} if manifest and not named_places(config) else None


def _compare(
    api: Api,
    target: Target,
    config: ServerConfig,
    manifest: Manifest,
    strategy: Sequence[Part],
) -> list[FidelityLine]:
    restored = take_inventory(api, target, config)
    return compare(*without_deleted_flows(manifest, restored), strategy)


def line_finding(line: FidelityLine) -> str:
    """The sentence for a line that falls short, or for accounts that nobody captured; or ""."""
    if line.falls_short:
        what = [f"{line.lost} lost"] if line.lost else []
        what += [f"{line.changed} changed"] if line.changed else []
        names = _first(line.missing)
        return f"{line.org}: {line.item}: {' and '.join(what)} of {line.captured}: {names}"
    if line.added and line.item in _ACCOUNTS:
        return (
            f"{line.org}: {line.item}: {line.added} there, though held back, not chosen or not in "
            f"the recovery point: {_first(line.unknown)}"
        )
    return ""


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (" …" if names[5:] else "")


def _check_finding(check: Check) -> str:
    return f"check {check.name}: {check.detail or check.outcome}"
