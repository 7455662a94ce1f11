"""Custom artifacts out of a backup, so that they and their tags outlive a restart.

``backup_restore`` keeps them in memory only (facts: the Repository provider); ``artifact_set``
writes the YAML to the datastore. Tags and flags are written at most once a second, and the rest
with the next change or after a minute, never at the server's end (read in its source; of 24
artifacts set at once, 14 had no tags after a restart).
"""

import time
import zipfile
from collections.abc import Callable, Mapping

from recovery.errors import ServerError
from recovery.velociraptor.api import Api, Row
from recovery.velociraptor.backup_file import artifacts_of
from recovery.velociraptor.portions import ask_in_portions, fits

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
_TOO_LARGE = (
    "did not come back: it is larger than a message to the server may be (4 MiB); its YAML is in "
    "the backup"
)


def set_artifacts(
    api: Api,
    archive: zipfile.ZipFile,
    org: str,
    findings: list[str],
    chosen: Callable[[str], bool] = lambda _name: True,
) -> list[str]:
    """Sets the ``chosen`` custom artifacts of ``org``; their names, those with tags or flags last.

    One that no message to the server holds is a finding. Raises :class:`ServerError` when the
    server took fewer than it was given.
    """
    names: list[str] = []
    defined: list[Row] = []
    marked: list[Row] = []
    for name, text, metadata in artifacts_of(archive, org):
        if not chosen(name):
            continue
        if not fits({"Definition": text}):
            findings.append(f"{org}: the artifact {name} ({len(text) / 1e6:.1f} MB) {_TOO_LARGE}")
            continue
        names.append(name)
        defined.append({"Definition": text})
        hidden, basic = bool(metadata.get("hidden")), bool(metadata.get("basic"))
        tags = [str(tag) for tag in metadata.get("tags") or []]
        if hidden or basic or tags:
            marked.append({"Name": name, "Hidden": hidden, "Basic": basic, "Tags": tags})
    accepted = sum(
        bool(row["Name"]) for row in ask_in_portions(api, _SET, "Artifacts", defined, org)
    )
    if accepted != len(names):
        raise ServerError(f"org {org}: {accepted} of {len(names)} artifacts were accepted")
    done = sum(bool(row["Marked"]) for row in ask_in_portions(api, _MARK, "Artifacts", marked, org))
    if done != len(marked):
        raise ServerError(f"org {org}: the server did not take all {len(marked)} tags")
    last = {str(item["Name"]) for item in marked}
    return sorted(names, key=last.__contains__)


def keep_metadata(api: Api, artifacts: Mapping[str, str]) -> None:
    """Has each org's tags and flags written to disk. ``artifacts``: org → one of its own."""
    if artifacts:
        time.sleep(_BETWEEN_WRITES)
    for org, name in artifacts.items():
        api.query(_AGAIN, env={"Name": name}, org=org, min_rows=1)
