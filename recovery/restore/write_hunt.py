"""A hunt whose artifact is not on the server, out of its archive.

An import compiles a hunt's request, and refuses one whose artifact was removed; the hunt's results
are worth no less. ``backup_restore`` takes a hunt as it is written, its request included, and
compiles nothing: whoever starts it later compiles it then (read in the server's source).
"""

import json
from pathlib import Path

from recovery.restore.call_restore import call_restore
from recovery.restore.context import Context
from recovery.velociraptor.archive_file import hunt_record
from recovery.velociraptor.backup_file import write_hunts

_KNOWN = """
SELECT name AS Name FROM artifact_definitions(names=parse_json_array(data=Names))
"""
# As an import leaves it. Its exports are gone, and its list of orgs is another server's.
_IMPORTED = {"state": "STOPPED"}
_NOT_HERE = ("org_ids", "available_downloads")


def write_hunt(context: Context, org: str, hunt_id: str, archive: Path) -> bool:
    """Writes the hunt where an artifact of it is missing; else why it was refused isn't known."""
    record = hunt_record(archive)
    request = record.get("start_request")
    names = request.get("artifacts") if isinstance(request, dict) else None
    if not isinstance(names, list) or not (missing := _missing(context, org, names)):
        return False
    hunt = {name: value for name, value in record.items() if name not in _NOT_HERE} | _IMPORTED
    if isinstance(stats := hunt.get("stats"), dict):
        hunt["stats"] = {name: value for name, value in stats.items() if name not in _NOT_HERE}
    file = write_hunts(context.folder / "hunt.zip", org, [hunt])
    call_restore(context, org, file, ["Hunt"])
    context.say(
        f"{org}: the hunt {hunt_id} is back with its parameters; it can run again once this "
        f"server has {', '.join(missing)}"
    )
    return True


def _missing(context: Context, org: str, names: list[object]) -> list[str]:
    asked = [str(name) for name in names]
    env = {"Names": json.dumps(asked)}
    have = {row["Name"] for row in context.api().query(_KNOWN, env=env, org=org)}
    return [name for name in asked if name not in have]
