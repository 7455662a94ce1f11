"""Step: while archives are imported, nothing is forwarded; afterwards the tables are as before.

An imported flow ends like any other, and the server's forwarding would send it once more: what
Elastic or Splunk had before the loss would be there twice (read in the source: the import tells
System.Flow.Completion). The tables lie on the machine meanwhile, for whoever goes on after a kill.
"""

import json
from typing import Any

from recovery.counts import things
from recovery.forwarding.kinds import KINDS
from recovery.forwarding.turn_on import (
    find_forwarding,
    get_table,
    orgs_of,
    set_table,
    table_without,
)
from recovery.restore.context import Context
from recovery.restore.journal import FOLDER
from recovery.restore.step import Report

PATH = f"{FOLDER}/forwarding-held.json"
Table = dict[str, Any]


def hold_forwarding(context: Context) -> Report:
    """Takes the forwarding out of the tables, which are kept in a file (0600) on the machine."""
    if not context.wants("collections"):
        return Report("no archives to import", skipped=True)
    api = context.api()
    on = find_forwarding(api)
    if not on:
        return Report("nothing is forwarded", skipped=True)
    held = _held(context) or {}
    for org in {one.org for one in on}:
        table = get_table(api, org)
        held[org] = _with_forwarding(table, held.get(org, table))
    text = json.dumps(held).encode()
    context.target.put(text, PATH, mode=0o600)
    for one in on:
        set_table(api, table_without(get_table(api, one.org), one.kind), one.org)
    return Report(f"held in {things(len(held), 'org')} until the archives are imported")


def release_forwarding(context: Context) -> int:
    """Puts the held tables back; how many. None were held: nothing happens.

    Where somebody has changed a table meanwhile, its forwarding alone comes back into it.
    """
    held = _held(context)
    if not held:
        return 0
    api = context.api()
    there = set(orgs_of(api))
    for org, table in held.items():
        if org in there:
            now = get_table(api, org)
            same = _contents(now) == _contents(_without_forwarding(table))
            set_table(api, table if same else _with_forwarding(now, table), org)
    context.target.run(["rm", "-f", "--", PATH])
    return len(held)


def _with_forwarding(now: Table, held: Table) -> Table:
    """``now``, and the forwarding of ``held`` that it lacks: what else is in it is the newer."""
    artifacts, specs = _contents(now)
    for kind in KINDS.values():
        names = {kind.artifact, kind.own_artifact}
        if not names & {*artifacts}:
            artifacts += [one for one in _contents(held)[0] if one in names]
            specs += [spec for spec in _contents(held)[1] if spec.get("artifact") in names]
    return {**now, "artifacts": artifacts, "specs": specs}


def _without_forwarding(table: Table) -> Table:
    for kind in KINDS.values():
        table = table_without(table, kind)
    return table


def _contents(table: Table) -> tuple[list[str], list[dict[str, Any]]]:
    return [*(table.get("artifacts") or [])], [*(table.get("specs") or [])]


def _held(context: Context) -> dict[str, dict[str, Any]] | None:
    there = context.target.run(["sh", "-c", '[ ! -e "$1" ] || cat "$1"', "held", PATH])
    return dict(json.loads(there.text)) if there.text else None
