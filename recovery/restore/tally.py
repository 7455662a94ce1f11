"""What has become of the archives so far, in numbers and names."""

import threading
import time
from collections.abc import Callable

from recovery.errors import RecoveryError, VaultError
from recovery.vault.manifest import Archive


class Tally:
    """``total``: flows to come; those that only hunts hold are known once these are read."""

    def __init__(self, total: int, say: Callable[[str], None]) -> None:
        self.total, self.imported, self.there = total, 0, 0
        self.short = 0
        """Flows that were imported and did not arrive, or not whole; each is a finding."""
        self.refused: set[str] = set()
        """SHA-256 of the archives that can't be used."""
        self.findings: list[str] = []
        self._say, self._start = say, time.monotonic()
        self._last: RecoveryError | None = None
        self._lock = threading.Lock()

    def refuse(self, archive: Archive, damaged: RecoveryError) -> None:
        """An archive that can't be used: named, and the others go on."""
        self.refused.add(archive.file.sha256)
        what = archive.hunt_id or f"{archive.client_id} {archive.flow_id}"
        self.findings.append(f"{archive.org}: not imported: {what}: {damaged.message}")
        self._last = damaged

    def expect(self, flows: int) -> None:
        """So many more flows were found in a hunt's archive."""
        with self._lock:
            self.total += flows

    def add(self, imported: int, there: int, tried: int) -> None:
        """A batch is done, ``imported`` of ``tried`` whole; batches may end side by side."""
        with self._lock:
            self.imported += imported
            self.there += there
            self.short += tried - imported
            self.say()

    def raise_if_vault_is_gone(self) -> None:
        """When nothing at all could be read, it is the vault that is broken, not the archives."""
        if isinstance(self._last, VaultError):
            raise self._last

    def say(self) -> None:
        """Numbers, rate and remaining time."""
        done = self.imported + self.there + self.short + len(self.refused)
        rate = self.imported / max(time.monotonic() - self._start, 0.001)
        left = max(self.total - done, 0) / rate if rate else 0
        self._say(
            f"import {done}/{max(self.total, done)} flows · {rate:.0f}/s · {left:.0f} s left · "
            f"{self.there} skipped (already there) · {len(self.refused)} refused"
            + (f" · {self.short} not whole" if self.short else "")
        )
