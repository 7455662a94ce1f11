"""The door to a recovery: a group of steps, asked for by Pulumi or by the command line."""

from recovery.restore.check_point import check_point
from recovery.restore.compare_counts import compare_counts
from recovery.restore.context import Context, Say
from recovery.restore.hold_forwarding import hold_forwarding
from recovery.restore.import_archives import STEP as ARCHIVES_STEP
from recovery.restore.import_archives import import_archives
from recovery.restore.install_package import install_held, install_package
from recovery.restore.let_in_accounts import let_in_accounts
from recovery.restore.place_datastore import STEP as DATASTORE_STEP
from recovery.restore.place_datastore import place_datastore
from recovery.restore.place_state import STEP, lacks_state, place_state
from recovery.restore.prove_recovery import prove_recovery
from recovery.restore.release_hunts import release_if_asked
from recovery.restore.request import Group, GroupResult, RestoreRequest
from recovery.restore.restore_backup import STEP as BACKUP_STEP
from recovery.restore.restore_backup import restore_backup
from recovery.restore.review_accounts import review_accounts
from recovery.restore.review_material import review_material
from recovery.restore.start_service import start_service
from recovery.restore.step import PACKAGE_STEP, Step, run_steps
from recovery.restore.try_forwarding import try_forwarding

STEPS: dict[Group, tuple[Step, ...]] = {
    "server": (
        Step("check the recovery point", check_point, once=False, changes=False),
        Step("review the accounts", review_accounts, once=False, changes=False),
        Step("review what runs code", review_material, once=False, changes=False),
        Step(PACKAGE_STEP, install_package),
        Step(DATASTORE_STEP, place_datastore),
        Step(STEP, place_state, again=lacks_state),
        Step("start the server", start_service, once=False),
        Step(BACKUP_STEP, restore_backup),
        Step("let accounts in", let_in_accounts, once=False),
        Step("compare the counts", compare_counts, once=False, changes=False),
    ),
    "collections": (
        Step("hold the forwarding", hold_forwarding, once=False),
        Step(ARCHIVES_STEP, import_archives, once=False),
        Step("release the hunts", release_if_asked, once=False),
        Step("test the forwarding", try_forwarding, once=False),
    ),
    "proof": (Step("prove the recovery", prove_recovery, once=False, changes=False),),
    "standby": (
        Step("check the recovery point", check_point, once=False, changes=False),
        Step(PACKAGE_STEP, install_held),
    ),
}
"""Every step of a recovery in its order (design: "Order of a recovery"); DNS stands between
``server`` and ``collections``."""


def run_group(group: Group, request: RestoreRequest, say: Say) -> GroupResult:
    """Runs one group of steps on the request's target.

    ``say`` takes progress lines. Safe to repeat after a kill at any point: finished steps
    are found in the machine's journal. Raises :class:`recovery.errors.RecoveryError`.
    """
    with Context(request, say, asks_first=group == "collections") as context:
        outcomes = run_steps(STEPS[group], context)
        return GroupResult(group=group, outcomes=outcomes, facts=context.facts)
