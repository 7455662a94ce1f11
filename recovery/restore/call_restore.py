"""The server's own ``backup_restore``, called in one org on one file."""

from collections.abc import Collection
from pathlib import Path

from recovery.errors import ServerError
from recovery.restore.context import Context
from recovery.velociraptor.api import ROOT
from recovery.velociraptor.config import OWNER

_NAME = "recovery"
_RESTORE = "SELECT * FROM backup_restore(name=Name, providers=Providers)"


def place_of(context: Context, org: str) -> str:
    """Where the file lies for as long as the call takes; a recovery's kill leaves it there."""
    inside = "" if org == ROOT else f"/orgs/{org}"
    return f"{context.config.files}{inside}/backups/{_NAME}.zip"


def call_restore(context: Context, org: str, file: Path, providers: Collection[str]) -> None:
    """Restores ``providers`` of ``org`` from ``file``.

    It works on its own org only, from that org's own ``backups/`` (facts: backup() and
    backup_restore()). Raises :class:`ServerError` when a provider reports an error: on the wire
    that is only a column of a row, or no row at all.
    """
    path = place_of(context, org)
    env = {"Name": _NAME, "Providers": "|".join(providers)}
    context.target.run(
        ["install", "-d", "-o", OWNER, "-g", OWNER, "-m", "700", str(Path(path).parent)]
    )
    context.target.put(file, path, mode=0o600, owner=f"{OWNER}:{OWNER}")
    try:
        rows = context.api().query(_RESTORE, env=env, org=org, min_rows=1)
    finally:
        context.target.run(["rm", "-f", path])
    errors = [f"{row['Name']}: {row['Error']}" for row in rows if row.get("Error")]
    if errors:
        raise ServerError(f"org {org}: {'; '.join(errors)}")
