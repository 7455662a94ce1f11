"""Which backup each org comes back from: the newest that holds it, the root's or its own."""

import zipfile
from pathlib import Path

from recovery.errors import BadInputError
from recovery.restore.context import Context
from recovery.vault.manifest import Backup, Manifest
from recovery.velociraptor.backup_file import orgs_in


def newest_backups(context: Context, manifest: Manifest) -> dict[str, tuple[Backup, Path]]:
    """Org → its backup, and the file of it; orgs that no backup holds aren't there.

    A backup of the root org holds every org; one that was made inside an org holds that org
    (facts: backup() and backup_restore()).
    """
    chosen: dict[str, tuple[Backup, Path]] = {}
    for backup in sorted(manifest.backups, key=lambda backup: backup.made_at):
        path = context.fetch(backup.file)
        try:
            with zipfile.ZipFile(path) as archive:
                orgs = orgs_in(archive)
        except (OSError, zipfile.BadZipFile) as broken:
            raise BadInputError(f"{backup.file.name} is not a whole zip: {broken}") from broken
        chosen |= dict.fromkeys(orgs, (backup, path))
    return dict(sorted(chosen.items(), key=lambda pair: (pair[0] != "root", pair[0])))
