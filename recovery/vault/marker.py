"""What kind of vault this is: ``vault.json``, so that sealed and unsealed never mix."""

import json

from recovery.errors import BadInputError, NoPointError
from recovery.vault.shelf import NotOnShelfError, Shelf

NAME = "vault.json"
_FORMAT = 1


def is_sealed(shelf: Shelf) -> bool | None:
    """True or False as the vault says itself; None for a vault that is empty.

    Raises :class:`BadInputError` for a vault of a newer version.
    """
    try:
        with shelf.read(NAME) as stream:
            values = json.loads(stream.read())
        form, sealed = int(values["format"]), bool(values["sealed"])
    except NotOnShelfError:
        old = next(shelf.entries("points"), None)
        return None if old is None else False
    except (ValueError, KeyError, TypeError, RecursionError) as broken:
        raise BadInputError(
            f"{NAME} can't be read",
            step="open the vault",
            target=shelf.uri,
            hint="is this a vault? if so, restore that file: it is the same in every vault",
        ) from broken
    if form > _FORMAT:
        raise BadInputError(
            f"the vault has format {form}, this version reads up to {_FORMAT}",
            step="open the vault",
            target=shelf.uri,
            hint="use the version of the toolkit that wrote it, or a newer one",
        )
    return sealed


def write_marker(shelf: Shelf, *, sealed: bool) -> None:
    """Says what kind of vault this is."""
    raw = json.dumps({"format": _FORMAT, "sealed": sealed}).encode()
    shelf.write(NAME, [raw])


def check_kind(shelf: Shelf, *, sealed: bool) -> bool:
    """Refuses to mix: keys for an unsealed vault, or none for a sealed one.

    True when the vault says what it is, False when it is empty still.
    """
    is_now = is_sealed(shelf)
    if is_now is None:
        return False
    if is_now and not sealed:
        raise BadInputError(
            "this vault is sealed, and no keys were given",
            step="open the vault",
            target=shelf.uri,
            hint="set RECOVERY_KEYS to the folder with its keys, or RECOVERY_PASSPHRASE_FILE",
        )
    if sealed and not is_now:
        raise BadInputError(
            "keys were given, but this vault is not sealed: it would stay readable by anyone",
            step="open the vault",
            target=shelf.uri,
            hint="use a new folder or prefix for the sealed vault, or unset RECOVERY_KEYS",
        )
    return True


def no_point(shelf: Shelf, name: str = "", known: int = 0) -> NoPointError:
    """The error for a recovery point that isn't among the ``known``; says where no vault is."""
    wanted = f"no recovery point {name!r}" if name else "no recovery point"
    have = f"it has {known}" if known else "it has none"
    hint = "`recovery points list --vault URI` shows them"
    if not known:
        hint = "is this the vault's path or URI, and is its folder mounted? "
        hint += "`recovery capture` makes the first one"
        if is_sealed(shelf) is None:
            have = "there is no vault at this place"
    return NoPointError(
        f"{wanted}; {have}", step="choose the recovery point", target=shelf.uri, hint=hint
    )
