"""What a folder of old material lacks, beforehand and in words."""

from collections.abc import Mapping, Sequence

from recovery.capture.adopt_inventory import hunt_org, hunts_in, lacks_clients, told_org
from recovery.capture.found import Found, FoundBackup
from recovery.vault import adopted_gaps as gaps_of
from recovery.vault.manifest import Archive
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.named_files import named_places

_ROOT = "root"


def config_gaps(config: ServerConfig) -> list[str]:
    """A server doesn't start without the files that its config names; no folder has them."""
    return [
        f"{place.path} ({place.setting}): {gaps_of.NAMED_FILE}"
        for place in named_places(config)
        if place.kind != "cache"
    ]


def material_gaps(
    found: Found,
    backups: Mapping[str, FoundBackup],
    unknown: Sequence[str],
    archives: Sequence[Archive],
    orgs: set[str],
) -> list[str]:
    archived = {(hunt_org(hunt, backups), hunt.info.get("hunt_id")) for hunt in found.hunts}
    gaps = [gaps_of.PASSWORDS, gaps_of.SETTINGS]
    if not backups:
        gaps.append(gaps_of.NO_BACKUP)
    gaps += [f"{org}: {gaps_of.NONCE}" for org in unknown]
    gaps += [f"{org}: {gaps_of.NAME}" for org in sorted(orgs - {_ROOT}) if org not in found.names]
    untold = [
        f"{flow.context['session_id']}: a collection on the server"
        for flow in found.flows
        if not flow.told
    ] + [
        f"{hunt.info['hunt_id']}: a hunt without any client"
        for hunt in found.hunts
        if not told_org(hunt, backups)
    ]
    gaps += [
        f"root: {what}, and nothing tells of which org; it is taken for the root org's"
        for what in untold
        if orgs - {_ROOT}
    ]
    gaps += [
        f"{org}: parameters and limits of {hunt}: there is no export of it"
        for org, hunt in hunts_in(backups)
        if (org, hunt) not in archived
    ]
    gaps += [
        f"{archive.org}: {archive.hunt_id or f'{archive.client_id} {archive.flow_id}'}: the export "
        f"has {archive.lacks}"
        for archive in archives
        if archive.lacks
    ]
    gaps += [
        less
        for hunt in found.hunts
        if (less := lacks_clients(hunt, hunt_org(hunt, backups), found.flows))
    ]
    return [*gaps, *(f"{name}: {why}" for name, why in sorted(found.left.items()))]
