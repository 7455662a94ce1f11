"""Custom artifacts out of a backup, so that they and their tags outlive a restart.

``backup_restore`` keeps them in memory only (facts: the Repository provider); ``artifact_set``
writes the YAML to the datastore. Tags and flags are written at most once a second, and the rest
with the next change or after a minute, never at the server's end (read in its source; of 24
artifacts set at once, 14 had no tags after a restart).
"""

import json
import time
import zipfile
from collections.abc import Callable, Mapping

from recovery.errors import ServerError
from recovery.velociraptor.api import Api
from recovery.velociraptor.backup_file import artifacts_of

_SET = """
SELECT artifact_set(definition=Definition).name AS Name
FROM foreach(row=parse_json_array(data=Artifacts))
"""
_MARK = """
SELECT artifact_set_metadata(name=Name, hidden=Hidden, basic=Basic, tags=Tags) AS Marked
FROM foreach(row=parse_json_array(data=Artifacts))
"""
_AGAIN = """
SELECT name, artifact_set_metadata(name=name, tags=metadata.tags) AS Marked
FROM artifact_definitions(names=Name)
"""
_BETWEEN_WRITES = 1.2
"""Seconds after which a server writes all that it holds of tags with the next change."""


def set_artifacts(
    api: Api,
    archive: zipfile.ZipFile,
    org: str,
    chosen: Callable[[str], bool] = lambda _name: True,
) -> list[str]:
    """Sets the ``chosen`` custom artifacts of ``org``; their names, those with tags or flags last.

    Raises :class:`ServerError` when the server took fewer.
    """
    wanted = [
        {
            "Name": name,
            "Definition": text,
            "Hidden": bool(metadata.get("hidden")),
            "Basic": bool(metadata.get("basic")),
            "Tags": [str(tag) for tag in metadata.get("tags") or []],
        }
        for name, text, metadata in artifacts_of(archive, org)
        if chosen(name)
    ]
    if not wanted:
        return []
    rows = api.query(_SET, env={"Artifacts": json.dumps(wanted)}, org=org)
    named = [row for row in rows if row["Name"]]
    if len(named) != len(wanted):
        raise ServerError(f"org {org}: {len(named)} of {len(wanted)} artifacts were accepted")
    marked = [item for item in wanted if item["Hidden"] or item["Basic"] or item["Tags"]]
    if marked:
        done = api.query(_MARK, env={"Artifacts": json.dumps(marked)}, org=org)
        if sum(bool(row["Marked"]) for row in done) != len(marked):
            raise ServerError(f"org {org}: the server did not take all {len(marked)} tags")
    return [str(item["Name"]) for item in sorted(wanted, key=marked.__contains__)]


def keep_metadata(api: Api, artifacts: Mapping[str, str]) -> None:
    """Has each org's tags and flags written to disk. ``artifacts``: org → one of its own."""
    if artifacts:
        time.sleep(_BETWEEN_WRITES)
    for org, name in artifacts.items():
        api.query(_AGAIN, env={"Name": name}, org=org, min_rows=1)
