"""Whether the last recovery of a machine was cut off, where, and what goes on with it.

Read from what it left there; nothing is changed.
"""

import shlex
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from recovery.counts import things
from recovery.errors import RecoveryError
from recovery.restore.context import Context
from recovery.restore.hold_machine import PATH as LOCK
from recovery.restore.hold_service import HOLD
from recovery.restore.import_archives import STEP as ARCHIVES_STEP
from recovery.restore.journal import Journal
from recovery.restore.place_datastore import STEP as DATASTORE_STEP
from recovery.restore.place_state import STEP as STATE_STEP
from recovery.restore.restore_backup import STEP as BACKUP_STEP
from recovery.restore.step import PACKAGE_STEP
from recovery.vault.manifest import Manifest

_LOOK = """[ ! -e "$1" ] || echo held
[ ! -e "$2" ] || flock -n -s "$2" true || echo busy
"""
_OPTIONS = {
    "orgs": "--org",
    "providers": "--provider",
    "users": "--user",
    "artifacts": "--artifact",
    "hunts": "--hunt",
    "flows_since": "--flows-since",
    "flows_until": "--flows-until",
}


class Left(NamedTuple):
    """What a recovery left on its machine."""

    done: Collection[str]
    held: bool
    """The service is kept from starting."""
    unfinished: int
    """Flows whose import was begun and not seen through."""


def cut_off(context: Context) -> list[str]:
    """A finding where the last recovery on the target has not come to its end, or is at work."""
    journal = Journal(context.target, "")
    begun = journal.begun
    if begun is None:
        return []
    point = str(begun["point"])
    look = context.target.run(["sh", "-c", _LOOK, "look", HOLD, LOCK]).text.split()
    if "busy" in look:
        return [f"a recovery of {point} is at work on this machine: what is here is yet to change"]
    left = Left(journal.steps_of(point), "held" in look, len(context.ledger.unfinished))
    step = step_cut_off(begun["strategy"], left, _manifest(context, point))
    if not step:
        return []
    flows = f", {things(left.unfinished, 'flow')} half imported" if left.unfinished else ""
    service = "; its service is held, and serves nobody" if left.held else ""
    again = command(begun, context.request.target, context.request.vault)
    words = (
        f"the recovery of {point} on this machine was cut off at {step!r}{flows}{service}; "
        f"the command that began it goes on, `pulumi up` or `{again}`"
    )
    return [words]


def step_cut_off(strategy: Collection[str], left: Left, manifest: Manifest | None) -> str:
    """The first step that is not done; "" where all are. Pure.

    ``manifest`` None: the point isn't at hand any more, and is taken to hold what was asked for.
    """
    has_state = manifest is None or bool(manifest.state)
    placed = {
        PACKAGE_STEP: True,
        DATASTORE_STEP: "datastore" in strategy,
        STATE_STEP: set(strategy) != {"redeploy"} and has_state,
    }
    if left.held or PACKAGE_STEP not in left.done:
        waiting = (step for step, wanted in placed.items() if wanted and step not in left.done)
        return next(waiting, "start the server")
    by_state = {"state", "datastore"} & {*strategy} and has_state
    if "backup" in strategy and not by_state and BACKUP_STEP not in left.done:
        return BACKUP_STEP
    has_archives = manifest is None or bool(manifest.archives)
    imported = ARCHIVES_STEP in left.done and not left.unfinished
    return ARCHIVES_STEP if "collections" in strategy and has_archives and not imported else ""


def command(begun: Mapping[str, Any], target: str, vault: str) -> str:
    """What goes on with it; can be copied. Pure."""
    words = ["recovery", "restore", "--to", target, "--vault", vault or "VAULT"]
    words += ["--point", str(begun["point"]), "--strategy", ",".join(map(str, begun["strategy"]))]
    if begun.get("policy", "unchanged") != "unchanged":
        words += ["--accounts", str(begun["policy"])]
    for name, option in _OPTIONS.items():
        given = begun.get("wanted", {}).get(name, [])
        for value in given if isinstance(given, list) else [given]:
            words += [option, str(value)]
    return shlex.join(words)


def _manifest(context: Context, point: str) -> Manifest | None:
    if not context.has_point:
        return None
    try:
        return context.vault.point(point)
    except RecoveryError:
        return None
