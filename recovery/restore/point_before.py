"""Which recovery point another one is compared with."""

from recovery.accounts.approve import ALL
from recovery.counts import things
from recovery.errors import BadInputError, UntrustedError, VaultError
from recovery.restore.accounts_of import accounts_of, takes_state
from recovery.restore.backup_sources import newest_backups
from recovery.restore.check_backup import check_rows
from recovery.restore.context import Context
from recovery.vault.by_capture import by_capture
from recovery.vault.manifest import Manifest
from recovery.velociraptor.config import ServerConfig


def earlier_point(context: Context, manifest: Manifest) -> Manifest | None:
    """The point of the same deployment that this one is compared with: the one before it.

    Raises :class:`UntrustedError` where there are some, and none of them can be opened: nobody
    could be told from a newcomer. With the policy ``all`` nobody has to be.
    """
    if manifest.point not in context.earlier:
        context.earlier[manifest.point] = _before(context, manifest)
    return context.earlier[manifest.point]


def _before(context: Context, manifest: Manifest) -> Manifest | None:
    """The newest that was captured before it; or else that was made before it, by its name.

    When it was captured, a point says itself: one that says before all others must not pass for
    the first one there is, from which everybody comes back. One without accounts counts only where
    there is no other.
    """
    made, nobody, damaged = None, None, 0
    for point in by_capture(context.vault.newest_first()):
        if point.server.deployment != manifest.server.deployment:
            continue
        earlier = point.captured_at < manifest.captured_at
        if not earlier and (made or point.point >= manifest.point):
            continue
        try:
            knows = _knows_somebody(context, point)
        except (VaultError, BadInputError) as refused:
            context.say(f"not compared with {point.point}: {refused.message}")
            damaged += 1
            continue
        if not knows:
            nobody = nobody or point
        elif earlier:
            return point
        else:
            made = point
    if damaged and not made and context.request.accounts != ALL:
        raise UntrustedError(
            f"of {things(damaged, 'point')} before {manifest.point} none can be opened: who is new "
            "can't be told",
            target=context.vault.uri,
            hint="`recovery points verify` tells what each lacks; `--accounts all` "
            "(recovery:accounts) lets everybody back in as captured; nothing was changed",
        )
    return made or nobody


def _knows_somebody(context: Context, point: Manifest) -> bool:
    """Whether it has accounts to compare with: by one of a package alone everybody came back.

    Raises :class:`VaultError` or :class:`BadInputError` where it can't be opened, or understood.
    """
    ServerConfig.parse(context.fetch(point.config).read_bytes())
    if not (context.wants("state") or context.wants("backup")):
        return True
    if not takes_state(context, point):
        for backup, path in newest_backups(context, point).values():
            check_rows(path, backup.file.name)
    return bool(accounts_of(context, point))
