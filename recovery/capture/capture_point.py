"""One recovery point from a running server: read top to bottom, this is what a capture does."""

import gc
import io
import time
from collections.abc import Callable, Container, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import IO

from recovery.capture.built_in_tags import add_built_in
from recovery.capture.capture_state import capture_state
from recovery.capture.collection import Collection
from recovery.capture.compare_clocks import clock_gaps, server_ahead
from recovery.capture.copy_datastore import take_copy
from recovery.capture.earlier_points import EarlierPoints
from recovery.capture.export_archives import Exporter
from recovery.capture.find_package import find_package, judge_given
from recovery.capture.flow_stamps import read_stamps
from recovery.capture.identify_server import identify_server
from recovery.capture.list_collections import list_orgs
from recovery.capture.listing import Listing
from recovery.capture.options import CaptureOptions
from recovery.capture.point_name import point_name
from recovery.capture.scene import CaptureScene
from recovery.capture.take_backups import take_backups
from recovery.capture.take_named import take_named
from recovery.capture.take_served import known_of, take_served
from recovery.counts import things
from recovery.errors import ServerError
from recovery.target import Target
from recovery.vault.check_names import WRONG_ORG, is_org
from recovery.vault.manifest import Archive, Manifest, Server, StoredObject
from recovery.vault.store import Vault
from recovery.velociraptor.api import ROOT, open_api
from recovery.velociraptor.inventory import Inventory
from recovery.velociraptor.read_config import read_config
from recovery.velociraptor.stored_names import forgotten_artifacts, forgotten_users
from recovery.velociraptor.take_inventory import take_inventory

Say = Callable[[str], None]


def capture(target: Target, vault: Vault, options: CaptureOptions, say: Say) -> Manifest:
    """Captures a recovery point and commits it to ``vault``; ``say`` takes progress lines.

    The server is neither restarted nor paused, and what was made on it for the capture is
    removed again. What can't be captured is named in the manifest's ``gaps``.
    Raises :class:`recovery.errors.RecoveryError` when there is nothing to capture from or to
    store in; the vault then has no new recovery point, and the earlier ones are as they were.
    """
    began = datetime.now(UTC)
    config = read_config(target, options.config_path)
    with open_api(target, config) as api, ThreadPoolExecutor(4) as beside:
        # What was acknowledged before is on the server's disk then, where it is read.
        time.sleep(config.write_delay)
        stamped = beside.submit(read_stamps, target, config.folders)
        kind, version = identify_server(api, target.uri)
        earlier = EarlierPoints(vault, config.deployment)
        listed = list_orgs(api)
        names = {org: name for org, name in listed.items() if is_org(org)}
        point = point_name(began)
        scene = CaptureScene(
            target=target,
            api=api,
            config=config,
            options=options,
            orgs=list(names),
            say=say,
            vault=vault,
            point=point,
            ahead=server_ahead(api),
        )
        newest = earlier.newest()
        gc.freeze()  # the collector need not look through a large manifest again and again
        say(f"capture {point} from {target.uri}, {things(len(names), 'org')}")
        # Reading or rebuilding a package keeps this machine busy, all else the server.
        judging = beside.submit(judge_given, scene, earlier)
        packing = beside.submit(find_package, scene, earlier, judging.result)
        preparing = beside.submit(earlier.prepare)
        for org in listed.keys() - names.keys():
            scene.gap(f"org {org!r}: not captured: {WRONG_ORG}")
        for text in clock_gaps(scene.ahead, point, newest):
            scene.gap(text)
        listing = Listing(scene, stamped.result, _same(newest, kind, version))
        taken = take_inventory(api, target, config, flows=listing.count, served=known_of(newest))
        inventory = _without_left(taken, names)
        for user in forgotten_users(inventory.orgs[ROOT]["users"]):
            scene.gap(
                f"user {user}: captured, but every server forgets this name at its next start"
            )
        for org, items in inventory.orgs.items():
            for name in forgotten_artifacts(items["artifacts"]):
                scene.gap(
                    f"{org}: artifact {name[:40]}…: every server forgets so long a name at its "
                    "next start"
                )
        say(f"inventory taken, {kind} {version}, {things(listing.flows(), 'flow')}")
        named = take_named(scene)
        judging.result()  # a wrong one is refused before anything is made on the server
        backups = take_backups(scene)
        say(f"backups {len(backups.kept)}")
        # The copy first: the state, which a recovery places on top of it, is to be the newer one.
        copy = take_copy(scene, backups.clients) if scene.wants("datastore") else None
        if scene.wants("state"):
            add_built_in(scene, backups, inventory)
        state = capture_state(scene, backups) if scene.wants("state") else []
        served = take_served(scene, newest) if scene.wants("state") else []
        files = things(sum(org.files for org in state), "file")
        say(f"state {files} of {things(len(state), 'org')}")
        archives: list[Archive] = []
        if scene.wants("collections"):
            wanted = listing.wanted()
            preparing.result()
            known = earlier.archives(wanted)
            archives = Exporter(scene, _IntoVault(vault), known).export(wanted)
        package = packing.result()
        say(f"package {package.version}, {package.origin}")
        _note_deleted_orgs(scene)
    manifest = Manifest(
        point=point,
        captured_at=began,
        finished_at=datetime.now(UTC),
        parts=options.strategy,
        server=Server(
            kind=kind,
            version=version,
            deployment=config.deployment,
            uri=target.uri,
            server_urls=config.server_urls,
        ),
        package=package,
        config=vault.put(io.BytesIO(config.raw), "server.config.yaml"),
        config_newer=package.config_fingerprint != config.fingerprint,
        named=named,
        state=state,
        served=served,
        backups=backups.kept,
        archives=archives,
        datastore=copy,
        inventory=inventory,
        flow_records={org: kept for org, kept in listing.records().items() if org in names},
        org_names=names,
        gaps=scene.gaps,
    )
    vault.commit(manifest)
    say(f"recovery point {point} is in {vault.uri}")
    return manifest


def _without_left(inventory: Inventory, names: Container[str]) -> Inventory:
    """Only the orgs that are captured: what is no part of the point is not promised either."""
    orgs = {org: items for org, items in inventory.orgs.items() if org in names}
    known = {org: nonce for org, nonce in orgs[ROOT]["orgs"].items() if org in names}
    return Inventory(orgs=orgs | {ROOT: orgs[ROOT] | {"orgs": known}})


def _note_deleted_orgs(scene: CaptureScene) -> None:
    with suppress(ServerError):  # all that the server was needed for is done
        gone = set(scene.orgs) - list_orgs(scene.api).keys()
        for org in sorted(gone):
            scene.gap(f"{org}: the org was deleted during the capture")


def _same(newest: Manifest | None, kind: str, version: str) -> Manifest | None:
    """The newest point, if what it says of flows was said by the same version of a server."""
    if newest and (newest.server.kind, newest.server.version) == (kind, version):
        return newest
    return None


class _IntoVault:
    """Archives as objects of the vault."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def keep(self, item: Collection, zipped: IO[bytes]) -> StoredObject:
        owner = f"{item.client_id}-" if item.client_id else ""
        return self._vault.put(zipped, f"{owner}{item.ident}.zip")

    def note(self, archives: Sequence[Archive]) -> None:
        self._vault.remember(archives)
