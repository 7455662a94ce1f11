"""Step: hunts that were running before the loss run again, once their archives are in.

Released earlier, clients would be asked again for what they have delivered: the flows of
the archives, and the index in the state, are what tells the server who took part.
"""

import json

from recovery.counts import things
from recovery.errors import BadInputError, RecoveryError
from recovery.restore.context import Context
from recovery.restore.step import Report
from recovery.restore.were_running import WereRunning

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


def release_if_asked(context: Context) -> Report:
    """As a step of a recovery: only when the request says ``hunts: released``."""
    if context.request.hunts != "released" or not context.has_point:
        return Report("hunts stay paused: release them by `recovery hunts release`", skipped=True)
    return release_hunts(context)


def release_alone(context: Context, only: frozenset[str] = frozenset()) -> Report:
    """As a command of its own: a recovery that is at work on the machine is waited for.

    Raises :class:`RecoveryError` where an import was cut off: who took part in a hunt is known once
    it has come to its end. Hunts that are named are started all the same.
    """
    context.hold()
    if (unfinished := context.ledger.unfinished) and not only:
        raise RecoveryError(
            f"an import of archives was cut off there ({things(len(unfinished), 'flow')} of it): "
            "clients would run again what is not in yet",
            step="release the hunts",
            target=context.request.target,
            hint="run the recovery again, it goes on from there, then this; --hunt starts a hunt "
            "all the same. No hunt was started",
        )
    return release_hunts(context, only)


def release_hunts(context: Context, only: frozenset[str] = frozenset()) -> Report:
    """Starts what was running when the point was captured and isn't running now.

    ``only`` names hunts to be released; empty means all of them but those that have expired, and
    those whose parameters are lost: they would run on every endpoint with their artifacts' defaults
    (facts: backup()).
    Raises :class:`BadInputError` for one that wasn't running then.
    """
    released, expired, findings = 0, 0, []
    were = WereRunning(context)
    ran = {hunt for org in were.orgs for hunt in were.among(org, only)}
    if unknown := only - ran:
        raise BadInputError(
            f"not running when {context.manifest.point} was captured: {', '.join(sorted(unknown))}",
            target="--hunt",
            hint=f"running were: {', '.join(were.all()) or 'none'}; nothing was changed",
        )
    for org in were.orgs:
        if not context.wants_org(org):
            continue
        now = {row["Hunt"]: row["Over"] for row in context.api().query(_PAUSED, org=org)}
        asked = [hunt for hunt in now if (not only or hunt in only) and context.choice.hunt(hunt)]
        todo = were.among(org, asked)
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
        findings += [f"{org}: the hunt {hunt} did not start" for hunt in sorted({*todo} - started)]
    over = f", {expired} have expired and stay paused" if expired else ""
    return Report(f"{things(released, 'hunt')} released{over}", findings)


def _without_parameters(context: Context, org: str, hunts: list[str]) -> list[str]:
    rows = context.api().query(_LOST, env={"Hunts": _asked(hunts)}, org=org) if hunts else []
    return sorted(str(row["Lost"]) for row in rows)


def _asked(hunts: list[str]) -> str:
    return json.dumps([{"Hunt": hunt} for hunt in hunts])
