"""Custom artifacts out of a backup, so that they outlive a restart.

``backup_restore`` keeps them in memory only (facts: the Repository provider);
``artifact_set`` with the YAML and the tags writes them to the datastore.
"""

import json
import zipfile
from collections.abc import Callable

from recovery.errors import ServerError
from recovery.velociraptor.api import Api
from recovery.velociraptor.backup_file import artifacts_of

_SET = """
SELECT artifact_set(definition=Definition, tags=Tags).name AS Name
FROM foreach(row=parse_json_array(data=Artifacts))
"""


def set_artifacts(
    api: Api,
    archive: zipfile.ZipFile,
    org: str,
    chosen: Callable[[str], bool] = lambda _name: True,
) -> int:
    """Sets the ``chosen`` custom artifacts of ``org``; how many.

    Raises :class:`ServerError` when the server took fewer.
    """
    wanted = [
        {"Definition": text, "Tags": tags}
        for name, text, tags in artifacts_of(archive, org)
        if chosen(name)
    ]
    if not wanted:
        return 0
    rows = api.query(_SET, env={"Artifacts": json.dumps(wanted)}, org=org)
    named = [row for row in rows if row["Name"]]
    if len(named) != len(wanted):
        raise ServerError(f"org {org}: {len(named)} of {len(wanted)} artifacts were accepted")
    return len(wanted)
