"""Which flows a server may have, by their records on its disk.

A server is asked for a flow by id in a tenth of a millisecond, which is a twentieth of an
import (measured); a name on the disk costs nothing. The disk is believed only once it had the
records of flows that this run has just imported: then they lie where this server keeps them.
"""

import re
from collections.abc import Collection

from recovery.restore.context import Context
from recovery.restore.disk_sizes import disk_sizes
from recovery.velociraptor.api import ROOT

Place = tuple[str, str]
"""(client, flow)."""
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
"""Ids that are their files' names as they are; a server escapes what others have."""
_RECORD = ".json.db"


def believe_records(context: Context, org: str, imported: Collection[Place]) -> None:
    """From now on the disk is believed about ``org``, if it has the records of ``imported``."""
    if org in context.records_believed or not imported or context.config.write_delay:
        return
    names = {_name(org, place) + _RECORD for place in imported}
    if names == disk_sizes(context, context.config.datastore, names).keys():
        context.records_believed.add(org)


def maybe_there(context: Context, org: str, places: Collection[Place]) -> set[Place]:
    """Those of ``places`` that have to be asked for: all, before the disk is believed."""
    if org not in context.records_believed:
        return set(places)
    plain = {place: _name(org, place) for place in places if all(map(_PLAIN.fullmatch, place))}
    names = (name + end for name in plain.values() for end in ("", _RECORD))
    found = disk_sizes(context, context.config.datastore, names)
    return {
        place
        for place in places
        if (name := plain.get(place)) is None or name in found or name + _RECORD in found
    }


def _name(org: str, place: Place) -> str:
    """Without the end that its record has (facts: Datastore layout)."""
    client, flow = place
    inside = "" if org == ROOT else f"orgs/{org}/"
    return f"{inside}clients/{client}/collections/{flow}"
