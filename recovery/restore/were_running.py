"""Which hunts ran when the point was captured."""

import zipfile
from collections import defaultdict
from collections.abc import Iterable

from recovery.errors import BadInputError
from recovery.restore.backup_sources import newest_backups
from recovery.restore.context import Context
from recovery.restore.state_files import running_hunts
from recovery.vault.manifest import Archive
from recovery.velociraptor.archive_file import hunt_record
from recovery.velociraptor.backup_file import read_rows

_RUNNING = (2, "RUNNING")


class WereRunning:
    """By the state, or else by the backup; of a hunt that neither tells of, by its own export.

    Where an org's state was captured, that is the answer, also when it says none: a backup or an
    export may be of an earlier time. An export is fetched when its hunt is asked for, and not
    before: it is as large as all that its clients sent.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        manifest = context.manifest
        # A point that was put together from old files has the orgs' records as its only state.
        states = manifest.state if "state" in manifest.parts else []
        self._ran = {state.org: running_hunts(context.fetch(state.tar)) for state in states}
        told = set(self._ran)
        backed: set[tuple[str, str]] = set()
        for org, (_, path) in newest_backups(context, manifest).items():
            if org in told:
                continue
            with zipfile.ZipFile(path) as archive:
                hunts = read_rows(archive, f"orgs/{org}/hunts.json")
            backed |= {(org, str(hunt.get("hunt_id"))) for hunt in hunts}
            self._ran[org] = [str(h["hunt_id"]) for h in hunts if h.get("state") in _RUNNING]
        self._said: dict[str, bool] = {}
        self._exports: dict[str, dict[str, Archive]] = defaultdict(dict)
        for export in manifest.archives:
            known = export.org in told or (export.org, export.hunt_id) in backed
            if export.kind == "hunt" and not known:
                self._exports[export.org][export.hunt_id] = export

    @property
    def orgs(self) -> list[str]:
        """The orgs with a hunt that ran, or may have."""
        return list(dict.fromkeys([*self._ran, *self._exports]))

    def among(self, org: str, hunts: Iterable[str]) -> list[str]:
        """Those of ``hunts`` that ran in ``org``."""
        ran = set(self._ran.get(org, ()))
        exports = self._exports.get(org, {})
        return [h for h in hunts if h in ran or (h in exports and self._by_export(exports[h]))]

    def all(self) -> list[str]:
        """Every hunt that ran, of any org; each export that can tell is read."""
        hunts = {org: [*self._ran.get(org, ()), *self._exports.get(org, ())] for org in self.orgs}
        return sorted(hunt for org, some in hunts.items() for hunt in self.among(org, some))

    def _by_export(self, export: Archive) -> bool:
        """Fetched once, and gone at once."""
        sha256 = export.file.sha256
        if sha256 not in self._said:
            path = self._context.folder / f"{sha256}.asked"
            try:
                self._context.vault.fetch(export.file, path)
                self._said[sha256] = hunt_record(path).get("state") in _RUNNING
            except (BadInputError, zipfile.BadZipFile):  # named, and left out, by the import
                self._said[sha256] = False
            finally:
                path.unlink(missing_ok=True)
        return self._said[sha256]
