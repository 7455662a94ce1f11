"""Step: hunts that were running before the loss run again, once their archives are in.

Released earlier, clients would be asked again for what they have delivered: the flows of
the archives, and the index in the state, are what tells the server who took part.
"""

import json
import zipfile

from recovery.counts import things
from recovery.errors import BadInputError
from recovery.restore.backup_sources import newest_backups
from recovery.restore.context import Context
from recovery.restore.state_files import running_hunts
from recovery.restore.step import Report
from recovery.vault.manifest import Archive
from recovery.velociraptor.archive_file import hunt_record
from recovery.velociraptor.backup_file import read_rows

_PAUSED = """
SELECT hunt_id AS Hunt, expires < now() * 1000000 AS Over FROM hunts()
WHERE state =~ "PAUSED|STOPPED"
"""
# Of a hunt whose full request is lost a server knows the summary (read in its source, and seen).
_LOST = """
SELECT * FROM foreach(row=parse_json_array(data=Hunts), query={
  SELECT hunt_id AS Lost FROM hunts(hunt_id=Hunt) WHERE start_request.summary
})
"""
_START = """
SELECT Hunt, hunt_update(hunt_id=Hunt, start=TRUE) AS Started
FROM foreach(row=parse_json_array(data=Hunts))
"""
_RUNNING = (2, "RUNNING")


def release_if_asked(context: Context) -> Report:
    """As a step of a recovery: only when the request says ``hunts: released``."""
    if context.request.hunts != "released" or not context.has_point:
        return Report("hunts stay paused: release them by `recovery hunts release`", skipped=True)
    return release_hunts(context)


def release_hunts(context: Context, only: frozenset[str] = frozenset()) -> Report:
    """Starts what was running when the point was captured and isn't running now.

    ``only`` names hunts to be released; empty means all of them but those that have expired, and
    those whose parameters are lost: they would run on every endpoint with their artifacts' defaults
    (facts: backup()).
    Raises :class:`BadInputError` for one that wasn't running then.
    """
    released, expired, findings = 0, 0, []
    running = were_running(context)
    if unknown := only.difference(*running.values()):
        raise BadInputError(
            f"not running when {context.manifest.point} was captured: {', '.join(sorted(unknown))}",
            target="--hunt",
            hint="running were: "
            + (", ".join(sorted(hunt for hunts in running.values() for hunt in hunts)) or "none")
            + "; nothing was changed",
        )
    for org, hunts in running.items():
        if not context.wants_org(org):
            continue
        now = {row["Hunt"]: row["Over"] for row in context.api().query(_PAUSED, org=org)}
        todo = [hunt for hunt in hunts if hunt in now and (not only or hunt in only)]
        todo = [hunt for hunt in todo if context.choice.hunt(hunt)]
        if not only:
            expired += sum(bool(now[hunt]) for hunt in todo)
            todo = [hunt for hunt in todo if not now[hunt]]
            lost = _without_parameters(context, org, todo)
            findings += [
                f"{org}: the hunt {hunt} stays paused: its parameters are lost, it would run with "
                f"defaults (`recovery hunts release --hunt {hunt}` starts it all the same)"
                for hunt in lost
            ]
            todo = [hunt for hunt in todo if hunt not in lost]
        if not todo:
            continue
        env = {"Hunts": _asked(todo)}
        rows = context.api().query(_START, env=env, org=org)
        started = {row["Hunt"] for row in rows if row["Started"]}
        released += len(started)
        findings += [f"{org}: the hunt {hunt} did not start" for hunt in set(todo) - started]
    over = f", {expired} have expired and stay paused" if expired else ""
    return Report(f"{things(released, 'hunt')} released{over}", findings)


def _without_parameters(context: Context, org: str, hunts: list[str]) -> list[str]:
    rows = context.api().query(_LOST, env={"Hunts": _asked(hunts)}, org=org) if hunts else []
    return sorted(str(row["Lost"]) for row in rows)


def _asked(hunts: list[str]) -> str:
    return json.dumps([{"Hunt": hunt} for hunt in hunts])


def were_running(context: Context) -> dict[str, list[str]]:
    """Org → ids of the hunts that ran at the capture: by its state, or else by the backup.

    Where an org's state was captured, that is the answer, also when it says none: a backup or an
    export may be of an earlier time. A hunt that no backup has counts as what its own export says.
    """
    manifest = context.manifest
    # A point that was put together from old files has the orgs' records as its only state.
    states = manifest.state if "state" in manifest.parts else []
    found = {state.org: running_hunts(context.fetch(state.tar)) for state in states}
    told = set(found)
    backed: set[tuple[str, str]] = set()
    for org, (_, path) in newest_backups(context, manifest).items():
        if org in told:
            continue
        with zipfile.ZipFile(path) as archive:
            hunts = read_rows(archive, f"orgs/{org}/hunts.json")
        backed |= {(org, str(hunt.get("hunt_id"))) for hunt in hunts}
        found[org] = [str(h["hunt_id"]) for h in hunts if h.get("state") in _RUNNING]
    for export in manifest.archives:
        known = export.org in told or (export.org, export.hunt_id) in backed
        if export.kind == "hunt" and not known and _ran(context, export):
            found.setdefault(export.org, []).append(export.hunt_id)
    return found


def _ran(context: Context, export: Archive) -> bool:
    try:
        return hunt_record(context.fetch(export.file)).get("state") in _RUNNING
    except (BadInputError, zipfile.BadZipFile):  # named, and left out, by the import
        return False
