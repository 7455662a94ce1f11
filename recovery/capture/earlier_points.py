"""The recovery points that a vault has already of this server, opened only as far as needed.

Opening a manifest of many archives takes its time, and a vault may hold hundreds of them. The
newest one mostly says all that a capture asks of earlier ones.
"""

import threading
from collections.abc import Iterator, Sequence

from recovery.capture.collection import Collection
from recovery.vault.manifest import Archive, Manifest
from recovery.vault.store import Vault


class EarlierPoints:
    """Points of the server ``deployment``, the newest first; may be asked by several threads."""

    def __init__(self, vault: Vault, deployment: str) -> None:
        self._vault = vault
        self._rest = (
            point for point in vault.newest_first() if point.server.deployment == deployment
        )
        self._opened: list[Manifest] = []
        self._lock = threading.Lock()
        self._near: dict[str, Archive] | None = None

    def __iter__(self) -> Iterator[Manifest]:
        place = 0
        while (point := self._at(place)) is not None:
            yield point
            place += 1

    def newest(self) -> Manifest | None:
        """The newest point of this server that can be read."""
        return self._at(0)

    def prepare(self) -> None:
        """Does that part of :meth:`archives` beforehand which doesn't depend on what is wanted."""
        newest = self.newest()
        self._near = self._held(self._vault.remembered())
        self._near |= self._held(newest.archives) if newest else {}

    def archives(self, wanted: Sequence[Collection]) -> dict[str, Archive]:
        """Fingerprint → an archive that the vault still holds, for as many as there are.

        Points before the newest are opened only for what the newest one counts, has no archive
        of, and doesn't name in a gap: a capture of other parts may have left it out.
        """
        if self._near is None:
            self.prepare()
        held = self._near or {}
        newest = self.newest()
        if newest is None:
            return held
        missing = _left_out([item for item in wanted if item.fingerprint not in held], newest)
        points = iter(self)
        while missing and (point := next(points, None)):
            found = self._held(point.archives)
            held = {name: found[name] for name in missing & found.keys()} | held
            missing -= found.keys()
        return held

    def _held(self, archives: Sequence[Archive]) -> dict[str, Archive]:
        return {
            archive.fingerprint: archive
            for archive in archives
            if archive.fingerprint and self._vault.holds(archive.file)
        }

    def _at(self, place: int) -> Manifest | None:
        with self._lock:
            while len(self._opened) <= place:
                point = next(self._rest, None)
                if point is None:
                    return None
                self._opened.append(point)
            return self._opened[place]


def _left_out(unknown: Sequence[Collection], newest: Manifest) -> set[str]:
    """The fingerprints of what the newest point counts but neither holds nor names in a gap."""
    archived = {
        (each.org, each.client_id, each.flow_id or each.hunt_id) for each in newest.archives
    }
    gaps = " ".join(newest.gaps)
    left = set()
    for item in unknown:
        items = newest.inventory.orgs.get(item.org, {})
        counted = item.key in items.get("flows", {}) or item.ident in items.get("hunts", {})
        has = (item.org, item.client_id, item.ident) in archived or item.ident in gaps
        if counted and not has:
            left.add(item.fingerprint)
    return left
