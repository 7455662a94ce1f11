"""A server that runs, and that no recovery of this point has put there, is not recovered over.

Its clients and flows since the point would be out of the client list, the hunts and the rights
that the point brings, and its endpoints would be without a server meanwhile.
"""

from typing import NamedTuple

from recovery.counts import things
from recovery.errors import BadInputError, RecoveryError
from recovery.restore.context import Context
from recovery.restore.hold_service import hold_argv
from recovery.restore.restore_backup import STEP as BACKUP_STEP
from recovery.restore.step import ORG_RECORDS, PACKAGE_STEP, STATE_STEP
from recovery.velociraptor.config import SERVICE, ServerConfig
from recovery.velociraptor.read_config import read_config

SWITCH = "--over-running-server"
# Records (facts: Datastore layout), one for each client, flow and hunt of any org; a client's key
# is written once, at its enrolment.
_SCRIPT = r"""cd -- "$1" 2>/dev/null || exit 0
at=$2
count() { find "$@" 2>/dev/null | wc -l; }
both() { count "$@"; count "$@" -newermt "@$at"; }
count clients/ orgs/*/clients/ -mindepth 1 -maxdepth 1 -name 'C.*'
count clients/ orgs/*/clients/ -mindepth 2 -maxdepth 2 -path '*/C.*/key.db' -newermt "@$at"
both clients/ orgs/*/clients/ -mindepth 3 -maxdepth 3 -path '*/C.*/collections/F.*.db'
both hunts/ orgs/*/hunts/ -mindepth 1 -maxdepth 1 -name 'H.*.db'
count clients/ orgs/*/clients/ -mindepth 2 -maxdepth 2 -path '*/C.*/key.db'
"""


class Holds(NamedTuple):
    """What a server's datastore holds, and how much of each is newer than a time."""

    clients: int = 0
    new_clients: int = 0
    flows: int = 0
    new_flows: int = 0
    hunts: int = 0
    new_hunts: int = 0
    keys: int = 0
    """Of clients that enrolled there, or that a state has brought; an import brings none."""


def runs(context: Context) -> bool:
    """Whether a server serves on the machine now; one that is held does not."""
    look = ["systemctl", "is-active", "--quiet", SERVICE]
    return context.target.run(look, check=False).returncode == 0


def refuse_a_running_server(context: Context) -> None:
    """Returns where the operator said so, and where no server runs, or one with nothing in it.

    One that a recovery has put there without a state, and where no client has enrolled since, has
    what archives brought, which stays.
    A recovery that was cut off has held its server before it changed anything, and goes on.
    Raises :class:`BadInputError` with what is there, in numbers, or where that can't be told;
    nothing was changed then.
    """
    if context.request.over_running_server or not runs(context):
        return
    at = context.manifest.captured_at.timestamp()
    argv = ["sh", "-c", _SCRIPT, "count", _config(context).datastore, f"{at:.0f}"]
    said = context.target.run(argv, timeout=1800).text.split()
    holds = Holds(*map(int, said))
    if said and not holds.keys and without_state(context):
        return
    if not said or holds.clients or holds.hunts:
        point = context.manifest.point
        whose = f"no recovery of {point} has put it there"
        if context.journal.is_done(PACKAGE_STEP):
            whose = f"the recovery of {point} that put it there has placed no state"
        what = words(holds) if said else "what it holds can't be told, its datastore isn't found"
        raise BadInputError(
            f"a server runs there, and {whose}: {what}; it would be stopped, and the point put "
            "over it",
            hint="a lost server comes back on another machine; exports alone are added to this "
            "server with --strategy collections. If it is to be replaced: `recovery capture --from "
            f"{context.request.target}` keeps what it has, then the same again with {SWITCH} "
            "(recovery:overRunningServer); nothing was changed",
        )


def without_state(context: Context) -> bool:
    """Whether recoveries have put the server there, of this deployment, and placed no state.

    Nor the backup of another point, whose clients are in no list but the server's.
    """
    journal = context.journal
    return (
        bool(journal.points(PACKAGE_STEP))
        and not journal.points(STATE_STEP, but=ORG_RECORDS)
        and not journal.others(BACKUP_STEP)
        and _config(context).deployment == context.manifest.server.deployment
    )


def take_over(context: Context) -> None:
    """Holds a server that runs where its datastore is about to be put in place.

    Only one that was brought back without its state before runs then: what it has in memory would
    be written over what is placed. Raises as :func:`refuse_a_running_server` does.
    """
    refuse_a_running_server(context)
    if runs(context):
        context.journal.note_begun(context.request.strategy, context.request.accounts)
        context.target.run(hold_argv(), timeout=120)


def words(holds: Holds) -> str:
    """What is there, and what of it the point can't have. Pure."""
    there = [
        things(holds.clients, "client"),
        things(holds.flows, "flow"),
        things(holds.hunts, "hunt"),
    ]
    newer = [
        things(count, name)
        for count, name in (
            (holds.new_clients, "client"),
            (holds.new_flows, "flow"),
            (holds.new_hunts, "hunt"),
        )
        if count
    ]
    since = "written since the point was captured: " + (", ".join(newer) or "none")
    return f"{', '.join(there)} ({since})"


def _config(context: Context) -> ServerConfig:
    """Of the server there; of the point, where that can't be read."""
    try:
        return read_config(context.target)
    except RecoveryError:
        return context.config
