"""Step: the captured state into the datastore, before the server's first start."""

import tarfile
from collections.abc import Iterator
from pathlib import Path

from recovery.counts import things
from recovery.errors import BadInputError
from recovery.restore.context import Context
from recovery.restore.journal import AT_WORK
from recovery.restore.place_as_server import WAIT, WORK
from recovery.restore.running_server import runs, take_over, without_state
from recovery.restore.state_files import Keep, copy_state, held_files
from recovery.restore.step import ORG_RECORDS, PACKAGE_STEP, STATE_STEP, Report
from recovery.velociraptor.config import OWNER
from recovery.velociraptor.read_config import read_config

STEP = STATE_STEP
KEPT = "the server there stays as it is: archives alone are added"
# The list of hunts that a server wrote there is believed at its start, and has none of the state's.
_SCRIPT = """set -e
exec 9>"$3"; flock -w "$4" 9
mkdir -p "$1"
rm -f "$1"/hunts/index.json* "$1"/orgs/*/hunts/index.json*
tar -x -f - -C "$1" --no-same-owner --no-same-permissions --no-overwrite-dir
chown -R "$2:$2" "$1/."
chmod 700 "$1"
"""

_REMOVE = 'if cd "$1" 2>/dev/null; then xargs -0 -r rm -f --; fi'


def place_state(context: Context) -> Report:
    """Unpacks every org's state with the owner that the package made.

    Without ``state`` in the strategy, only the orgs' own records (id, name, nonce) are
    placed: without them every client of another org is answered 403 (facts: Server and
    clients), and no backup brings them back. Hunts that were running are paused on the way.
    """
    if not context.has_point or context.request.strategy == ["redeploy"]:
        return Report("nothing to place: the package alone was asked for", skipped=True)
    if adds_archives(context):
        return Report(KEPT, skipped=True)
    refuse_a_used_machine(context, "the service is held, and the datastore is as it was")
    keep = Keep.EVERYTHING if context.wants("state") else Keep.ORG_RECORDS
    placed = context.folder / "state.tar"
    files = paused = 0
    held: list[str] = []
    with tarfile.open(placed, "w", format=tarfile.PAX_FORMAT) as out:
        for state in context.manifest.state:
            if not context.wants_org(state.org):
                continue
            source = context.fetch(state.tar)
            count = copy_state(source, out, keep, context.allowed, context.choice.file)
            files += count.files
            paused += count.paused
            held += held_files(source, context.allowed) if keep is Keep.EVERYTHING else []
        served = _add_served(context, out) if keep is Keep.EVERYTHING else 0
    if not files:
        return Report("nothing to place: the recovery point holds no state", skipped=True)
    take_over(context)
    _take_back(context, held)
    _unpack(context, placed)
    if keep is Keep.EVERYTHING:
        context.journal.note_accounts(context.allowed or (), anew=True)
    context.facts["hunts_paused"] = str(paused)
    what = "state" if keep is Keep.EVERYTHING else ORG_RECORDS
    handed_out = f", {things(served, 'file')} for endpoints" if served else ""
    return Report(
        f"{what}: {things(files, 'file')}{handed_out}, {things(paused, 'running hunt')} paused",
        _unlisted(context) if keep is Keep.EVERYTHING else [],
    )


def lacks_state(context: Context) -> bool:
    """Whether this point's org records alone were placed, and its state is asked for now."""
    return context.wants("state") and context.journal.detail(STEP).startswith(ORG_RECORDS)


def _unlisted(context: Context) -> list[str]:
    """Clients whose flows an earlier run imported, and that the state's list hasn't got."""
    orgs = context.manifest.inventory.orgs
    imported = {(org, client) for org in orgs for client, _ in context.ledger.finished(org)}
    unknown = sorted(
        (org, client)
        for org, client in imported
        if client not in orgs[org].get("clients", {}) and client.startswith("C.")
    )
    return [
        f"{org}: {client} is in no client list of this point: its imported flows are shown again "
        "once it has polled"
        for org, client in unknown
    ]


def _add_served(context: Context, out: tarfile.TarFile) -> int:
    """The files that the server hands out to endpoints; how many."""
    wanted = [served for served in context.manifest.served if context.choice.file(served.path)]
    for served in wanted:
        entry = tarfile.TarInfo(served.path)
        entry.size, entry.mtime, entry.mode = served.file.size, int(served.changed), 0o600
        path = context.fetch(served.file)
        with path.open("rb") as content:
            out.addfile(entry, content)
    return len(wanted)


def adds_archives(context: Context) -> bool:
    """Whether archives alone are asked for, on a machine that has its server already.

    An adopted folder's exports may be added to a server that came back from elsewhere, or was
    never lost: one that holds another point's state, or that runs and was not installed for this
    point. Raises :class:`BadInputError` when that server is of another deployment.
    """
    if set(context.request.strategy) != {"collections"}:
        return False
    if not context.journal.others(STEP) and not _runs_another(context):
        return False
    there = read_config(context.target).deployment
    if there != context.manifest.server.deployment:
        raise BadInputError(
            f"the server there is of another deployment ({there[:16]}…) than "
            f"{context.manifest.point} ({context.manifest.server.deployment[:16]}…)",
            hint="its clients' flows don't belong there; nothing was changed",
        )
    return True


def _runs_another(context: Context) -> bool:
    """Whether a server runs there that no run for this point has put there."""
    return not context.journal.is_done(PACKAGE_STEP) and runs(context)


def refuse_a_used_machine(context: Context, so_far: str) -> None:
    """Two points' states in one datastore would be neither: the second wants a new machine.

    Asked before the package is installed, too: a server that serves is not stopped for nothing.
    """
    others = context.journal.others(STEP)
    if others and not without_state(context):
        raise BadInputError(
            f"this machine already holds the state of {', '.join(others)}; the state of "
            f"{context.manifest.point} is not put on top of it",
            hint="take a new machine (with Pulumi: `pulumi up --replace` of the machine), or go on "
            f"with that point: `--point {others[-1]}`; {so_far}",
        )


def _take_back(context: Context, held: list[str]) -> None:
    """What an attempt that was cut off had placed under a wider policy of accounts."""
    config = context.config
    for folder in config.folders:
        inside = [path for path in held if config.folder_of(path) == folder]
        if inside:
            argv = ["sh", "-c", _REMOVE, "remove", folder]
            context.target.run(argv, stdin="\0".join(inside).encode(), timeout=600)


def _unpack(context: Context, tar: Path) -> None:
    for folder, part in _by_folder(context, tar):
        with part.open("rb") as stream:
            context.target.run(
                ["sh", "-c", _SCRIPT, "place", folder, OWNER, AT_WORK, str(WAIT)],
                stdin=stream,
                timeout=WAIT + WORK,
            )


def _by_folder(context: Context, tar: Path) -> Iterator[tuple[str, Path]]:
    """Where the state goes: mostly all of it into one folder, else records and files apart."""
    config = context.config
    if len(config.folders) == 1:
        yield config.datastore, tar
        return
    for number, folder in enumerate(config.folders):
        part = context.folder / f"state-{number}.tar"
        with (
            tarfile.open(tar) as source,
            tarfile.open(part, "w", format=tarfile.PAX_FORMAT) as out,
        ):
            for member in source:
                if config.folder_of(member.name) == folder:
                    out.addfile(member, source.extractfile(member))
        yield folder, part
