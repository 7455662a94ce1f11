"""Step: while archives are imported, nothing is forwarded; afterwards the tables are as before.

An imported flow ends like any other, and the server's forwarding would send it once more: what
Elastic or Splunk had before the loss would be there twice (read in the source: the import tells
System.Flow.Completion). The tables lie on the machine meanwhile, for whoever goes on after a kill.
"""

import json
from typing import Any

from recovery.counts import things
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


def hold_forwarding(context: Context) -> Report:
    """Takes the forwarding out of the tables, which are kept in a file (0600) on the machine."""
    if not context.wants("collections"):
        return Report("no archives to import", skipped=True)
    api = context.api()
    on = find_forwarding(api)
    if not on:
        return Report("nothing is forwarded", skipped=True)
    held = _held(context) or {}
    for one in on:
        held.setdefault(one.org, get_table(api, one.org))
    text = json.dumps(held).encode()
    context.target.put(text, PATH, mode=0o600)
    for one in on:
        set_table(api, table_without(get_table(api, one.org), one.kind), one.org)
    return Report(f"held in {things(len(held), 'org')} until the archives are imported")


def release_forwarding(context: Context) -> int:
    """Puts the held tables back; how many. None were held: nothing happens."""
    held = _held(context)
    if not held:
        return 0
    api = context.api()
    there = set(orgs_of(api))
    for org, table in held.items():
        if org in there:
            set_table(api, table, org)
    context.target.run(["rm", "-f", "--", PATH])
    return len(held)


def _held(context: Context) -> dict[str, dict[str, Any]] | None:
    there = context.target.run(["sh", "-c", '[ ! -e "$1" ] || cat "$1"', "held", PATH])
    return dict(json.loads(there.text)) if there.text else None
