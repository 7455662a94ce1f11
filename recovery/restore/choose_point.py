"""Which recovery point is taken when nobody names one: the newest that can be restored."""

from collections.abc import Callable

from recovery.errors import BadInputError, UntrustedError, VaultError
from recovery.vault.by_capture import by_capture
from recovery.vault.manifest import Manifest, StoredObject
from recovery.vault.store import Vault

_STEP = "choose the recovery point"


def newest_good(
    vault: Vault, deployment: str = "", say: Callable[[str], None] = lambda _line: None
) -> Manifest:
    """The newest point (of ``deployment``, when given) whose parts are all in the vault.

    Newest is what was captured last: an adopted point is made of older things than its name tells.
    Archives don't count: a missing one is a loss of one collection, named when it is imported.
    Newer points that are passed over are said. Raises :class:`UntrustedError` when none is left,
    and :class:`BadInputError` when the vault has none of that deployment.
    """
    try:
        vault.point()  # a vault that was rolled back is refused here, an empty one as well
    except VaultError as refused:
        if refused.step != "read the vault" or next(vault.newest_first(), None) is None:
            raise
        say(f"passed over: {refused.message}")
    others = broken = 0
    for point in by_capture(vault.newest_first()):
        if deployment not in ("", point.server.deployment):
            others += 1
            continue
        missing = missing_parts(vault, point)
        if not missing:
            return point
        broken += 1
        say(
            f"{point.point} is passed over: {', '.join(missing)} isn't in the vault as it should be"
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


def missing_parts(vault: Vault, point: Manifest) -> list[str]:
    """What a recovery is built on and the vault hasn't got, or not in its size."""
    return [item.name for item in _needed(point) if not vault.holds(item)]


def _needed(point: Manifest) -> list[StoredObject]:
    return [
        point.package.file,
        point.config,
        *(state.tar for state in point.state),
        *(backup.file for backup in point.backups),
    ]
