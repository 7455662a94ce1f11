"""A recovery point from little: a package, old backups, export zips, and what a note tells.

What is in none of them is a gap, named before anything is restored.
"""

import io
import json
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from recovery.capture.adopt_files import sort_files
from recovery.capture.adopt_gaps import config_gaps, material_gaps
from recovery.capture.adopt_inventory import (
    adopted_inventory,
    hunt_org,
    lacking_inside,
    records_of_hunts,
)
from recovery.capture.adopt_server import kept_server, leave_others, running_server
from recovery.capture.found import Found, FoundBackup, FoundFlow, FoundHunt
from recovery.capture.initial_orgs import initial_orgs
from recovery.small_tar import tar_of
from recovery.target import Target
from recovery.vault.manifest import (
    Archive,
    Backup,
    Manifest,
    OrgState,
    Part,
    Server,
    ServerKind,
    StoredObject,
)
from recovery.vault.store import Vault
from recovery.velociraptor.archive_file import active_time
from recovery.velociraptor.config import ServerConfig

Say = Callable[[str], None]
_ROOT = "root"
ADOPTED = "adopted from"
"""How :attr:`Server.uri` of an adopted point begins."""


def adopt(
    folder: Path,
    vault: Vault,
    say: Say,
    *,
    kind: ServerKind = "velociraptor",
    server: Target | None = None,
) -> Manifest:
    """Makes a recovery point of what is in ``folder``, and commits it. The folder stays as it is.

    ``server``: one that runs, to which exports are to be added; package and config are its own
    then. Raises :class:`BadInputError` when there is no server package, or material of several
    deployments and no config that says which one is meant.
    """
    found = sort_files(folder)
    if server:
        its = running_server(server, vault, say)
    else:
        its = kept_server(found, folder, vault, kind, say)
    leave_others(found, its.config.deployment)
    package, config = its.package, its.config
    say(f"package {package.version}, deployment {config.deployment[:16]}…")
    backups = _newest_by_org(found.backups)
    flows, hunts = _fullest_flows(found.flows), _fullest_hunts(found.hunts, backups)
    found.flows, found.hunts = list(flows), list(hunts)
    orgs = {*backups, *(flow.org for flow in flows), *(hunt_org(hunt, backups) for hunt in hunts)}
    nonces, unknown = _nonces(found, config, orgs)
    now = datetime.now(UTC)
    kept = {backup.path: backup for backup in backups.values()}.values()
    # Of a package alone its file tells: what is adopted today is older than a capture of today.
    times = _times(kept, flows, hunts) or [its.package_at]
    archives = [
        *(_flow(vault, flow) for flow in flows),
        *(_hunt(vault, hunt, hunt_org(hunt, backups)) for hunt in hunts),
    ]
    parts: list[Part] = ["redeploy"]
    parts += ["backup"] if kept else []
    parts += ["collections"] if archives else []
    manifest = Manifest(
        point=f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
        captured_at=min(max(times), now),  # a clock that was ahead is no future
        finished_at=now,
        parts=parts,
        server=Server(
            kind=its.kind,
            version=its.version,
            deployment=config.deployment,
            uri=f"{ADOPTED} {folder.resolve().name}",
            server_urls=config.server_urls,
        ),
        package=package,
        config=vault.put(io.BytesIO(config.raw), "server.config.yaml"),
        config_newer=package.config_fingerprint != config.fingerprint,
        state=_org_records(vault, nonces, found.names),
        backups=[
            Backup(
                org=backup.org,
                file=_file(vault, backup.path, f"backup {backup.org} {backup.path.name}"),
                made_at=backup.made_at,
                fresh=False,
            )
            for backup in kept
        ],
        archives=archives,
        inventory=adopted_inventory(found, backups, config, nonces, found.names),
        flow_records=records_of_hunts(found, backups),
        org_names={_ROOT: "<root>", **{org: found.names.get(org, org) for org in nonces}},
        gaps=[
            *material_gaps(found, backups, unknown, archives, orgs | set(nonces)),
            *config_gaps(config),
        ],
    )
    vault.commit(manifest)
    say(f"recovery point {manifest.point} is in {vault.uri}")
    return manifest


def _times(
    backups: Iterable[FoundBackup], flows: Sequence[FoundFlow], hunts: Sequence[FoundHunt]
) -> list[datetime]:
    """Of what is in the folder: what tells no time has none, and is not of today."""
    told = [flow.context for flow in flows]
    told += [member for hunt in hunts for member in (hunt.info, *hunt.members)]
    found = [backup.made_at for backup in backups]
    for record in told:
        with suppress(ValueError):
            found += filter(None, [active_time(record)])
    return found


def _newest_by_org(backups: Sequence[FoundBackup]) -> dict[str, FoundBackup]:
    """Org → the newest backup that holds it."""
    chosen: dict[str, FoundBackup] = {}
    for backup in sorted(backups, key=lambda backup: backup.made_at):
        chosen |= dict.fromkeys(backup.orgs, backup)
    return dict(sorted(chosen.items(), key=lambda pair: (pair[0] != _ROOT, pair[0])))


def _nonces(found: Found, config: ServerConfig, orgs: set[str]) -> tuple[dict[str, str], list[str]]:
    """Org → nonce, from the config, from notes, and from client configs named after their org."""
    own = str(config.values["Client"]["nonce"])
    first = initial_orgs(config.values)
    nonces = first.nonces | found.nonces
    found.names = first.names | found.names
    found.left |= first.left
    others = sorted(org for org in orgs if org != _ROOT)
    ca = str(config.values["Client"]["ca_certificate"]).strip()
    for client in found.clients:
        named = orgs_named(client.path.name, others)
        if client.nonce == own or client.nonce in nonces.values():
            continue
        if client.ca.strip() != ca:
            found.left[client.path.name] = "a client config of another deployment"
        elif len(named) == 1:
            nonces.setdefault(named[0], client.nonce)
        else:
            found.left[client.path.name] = "a client config; its name doesn't tell of which org"
    return nonces, [org for org in others if org not in nonces]


def orgs_named(file: str, orgs: Sequence[str]) -> list[str]:
    """Those of ``orgs`` after which a file is called: OAC not by OACME's, A not by A.1's. Pure."""
    longest_first = "|".join(map(re.escape, sorted(orgs, key=len, reverse=True)))
    return sorted(set(re.findall(rf"(?<![A-Z0-9])(?:{longest_first})(?![A-Z0-9])", file)) - {""})


def _fullest_flows(flows: Sequence[FoundFlow]) -> Sequence[FoundFlow]:
    """Each flow once: from the export that holds most of it, else from the newest."""
    by_id: dict[tuple[str, str, str], FoundFlow] = {}
    for flow in sorted(flows, key=lambda flow: (flow.content.rows, flow.content.upload_bytes)):
        by_id[flow.org, str(flow.context["client_id"]), str(flow.context["session_id"])] = flow
    return list(by_id.values())


def _fullest_hunts(
    hunts: Sequence[FoundHunt], backups: Mapping[str, FoundBackup]
) -> Sequence[FoundHunt]:
    """Each org's hunt once: an export of its combined results alone has none of its flows.

    A hunt that was started in several orgs at once has one id in all of them (seen on 0.77.2).
    """
    by_id: dict[tuple[str, str], FoundHunt] = {}
    for hunt in sorted(hunts, key=lambda hunt: (len(hunt.members), hunt.content.rows)):
        by_id[hunt_org(hunt, backups), str(hunt.info.get("hunt_id"))] = hunt
    return list(by_id.values())


def _flow(vault: Vault, flow: FoundFlow) -> Archive:
    context = flow.context
    return Archive(
        kind="flow",
        org=flow.org,
        file=_file(vault, flow.path, f"{context['client_id']}-{context['session_id']}.zip"),
        hostname=flow.hostname,
        client_id=str(context["client_id"]),
        flow_id=str(context["session_id"]),
        artifacts=[str(name) for name in context.get("artifacts_with_results") or []],
        rows=flow.content.rows,
        upload_bytes=flow.content.upload_bytes,
        active_at=active_time(flow.context),
        lacks=lacking_inside(flow.content, [flow.context]),
    )


def _hunt(vault: Vault, hunt: FoundHunt, org: str) -> Archive:
    ident = str(hunt.info.get("hunt_id"))
    return Archive(
        kind="hunt",
        org=org,
        file=_file(vault, hunt.path, f"{ident}.zip"),
        hunt_id=ident,
        artifacts=[
            str(name) for name in (hunt.info.get("start_request") or {}).get("artifacts", [])
        ],
        rows=hunt.content.rows,
        upload_bytes=hunt.content.upload_bytes,
        lacks=lacking_inside(hunt.content, hunt.members),
    )


def _org_records(
    vault: Vault, nonces: Mapping[str, str], names: Mapping[str, str]
) -> list[OrgState]:
    """The other orgs' records, as the server itself keeps them: their nonces let clients in."""
    if not nonces:
        return []
    records = {
        f"orgs/{org}.json.db": json.dumps(
            {"name": names.get(org, org), "nonce": nonce, "id": org}
        ).encode()
        for org, nonce in sorted(nonces.items())
    }
    stored = vault.put(io.BytesIO(tar_of(records)), "state root.tar")
    return [OrgState(org=_ROOT, tar=stored, files=len(nonces), client_list="written by the server")]


def _file(vault: Vault, path: Path, name: str) -> StoredObject:
    with path.open("rb") as source:
        return vault.put(source, name)
