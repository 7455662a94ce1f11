"""Which recovery point is taken when nobody names one: the newest that can be restored."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from recovery.counts import things
from recovery.errors import BadInputError, UntrustedError, VaultError
from recovery.vault.by_capture import by_capture
from recovery.vault.manifest import Manifest, StoredObject
from recovery.vault.store import Vault

_STEP = "choose the recovery point"
_AHEAD = timedelta(days=1)
"""So far may two clocks be apart."""


def newest_good(
    vault: Vault, deployment: str = "", say: Callable[[str], None] = lambda _line: None
) -> Manifest:
    """The newest point (of ``deployment``, when given) whose parts are all in the vault.

    Newest is what was captured last: an adopted point is made of older things than its name tells.
    Archives don't count: a missing one is a loss of one collection, named when it is imported.
    One of a time that is yet to come is not good. Newer points that are passed over are said.
    Raises :class:`UntrustedError` when none is left, and :class:`BadInputError` when the vault has
    none of that deployment, or of the past.
    """
    try:
        vault.point()  # a vault that was rolled back is refused here, an empty one as well
    except VaultError as refused:
        if refused.step != "read the vault" or next(vault.newest_first(), None) is None:
            raise
        say(f"passed over: {refused.message}")
    others = broken = ahead = 0
    for point in by_capture(vault.newest_first()):
        if deployment not in ("", point.server.deployment):
            others += 1
            continue
        if is_to_come(point):
            ahead += 1
            say(f"{point.point} is passed over: {to_come(point)}")
            continue
        missing = missing_parts(vault, point)
        if not missing:
            vault.refuse_rollback()
            return point
        broken += 1
        say(
            f"{point.point} is passed over: {', '.join(missing)} isn't in the vault as it should be"
        )
    if ahead and not broken:
        raise BadInputError(
            f"of {things(ahead, 'recovery point')} each says that it was captured at a time which "
            f"is yet to come (it is {datetime.now(UTC):%Y-%m-%d %H:%M} UTC here)",
            step=_STEP,
            target=vault.uri,
            hint="is this computer's clock right? nothing was changed on the machine",
        )
    if others and not broken:
        raise BadInputError(
            f"the vault has no recovery point of deployment {deployment[:16]}…",
            step=_STEP,
            target=vault.uri,
            hint="`recovery points list` shows what it has; nothing was changed on the machine",
        )
    raise UntrustedError(
        f"none of {broken} readable recovery points is whole",
        step=_STEP,
        target=vault.uri,
        hint="`recovery points verify` tells what each lacks; a copy of the vault may have it",
    )


def captured_last(vault: Vault) -> Manifest:
    """The point to compare a server with: of the past, whether or not its parts are all there.

    Raises what :meth:`Vault.point` raises: for an empty vault, or one that was rolled back.
    """
    newest = vault.point()
    past = (one for one in by_capture(vault.newest_first()) if not is_to_come(one))
    chosen = next(past, newest)
    vault.refuse_rollback()
    return chosen


def is_to_come(point: Manifest) -> bool:
    """Whether it says that it was captured later than two clocks can be apart."""
    return point.captured_at > datetime.now(UTC) + _AHEAD


def to_come(point: Manifest) -> str:
    """The same in words."""
    at = f"{point.captured_at:%Y-%m-%d %H:%M}"
    return f"it says that it was captured at {at}, which is yet to come"


def missing_parts(
    vault: Vault, point: Manifest, wanted: Callable[[str], bool] = lambda _path: True
) -> list[str]:
    """What a recovery is built on and the vault hasn't got, or not in its size.

    ``wanted``: which files for endpoints, by their paths, are to come back.
    """
    return [item.name for item in _needed(point, wanted) if not vault.holds(item)]


def _needed(point: Manifest, wanted: Callable[[str], bool]) -> list[StoredObject]:
    return [
        point.package.file,
        point.config,
        *([point.named.tar] if point.named else []),
        *(state.tar for state in point.state),
        *(served.file for served in point.served if wanted(served.path)),
        *(backup.file for backup in point.backups),
    ]
