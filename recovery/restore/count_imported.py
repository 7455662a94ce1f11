"""What of a flow is really on the server: its rows and the bytes of its uploads, asked of it."""

import json
import re
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from recovery.restore.context import Context
from recovery.restore.disk_sizes import disk_sizes
from recovery.restore.parcel import Parcel
from recovery.velociraptor.api import ROOT

_UNKNOWN = re.compile(r"source: Artifact (?P<name>\S+) not known")
_ROWS = """
SELECT * FROM foreach(row=parse_json_array(data=Parcels), workers=4, query={
  SELECT * FROM foreach(row={
    SELECT client_id, session_id, artifacts_with_results
    FROM flows(client_id=Client, flow_id=Flow)
  }, query={
    SELECT * FROM foreach(row=artifacts_with_results, query={
      SELECT client_id AS Client, session_id AS Flow, count() AS Rows
      FROM source(client_id=client_id, flow_id=session_id, artifact=_value)
      GROUP BY 1
    })
  })
})
"""
_FILES = """
SELECT * FROM foreach(row=parse_json_array(data=Parcels), query={
  SELECT Client, Flow, Size FROM glob(globs="**", root=Root, accessor="fs") WHERE NOT IsDir
})
"""
_UPLOADS = """
SELECT * FROM foreach(row=parse_json_array(data=Parcels), query={
  SELECT Client, Flow FROM uploads(client_id=Client, flow_id=Flow)
})
"""
_PAUSE = 0.5
_ROW = 8
"""Bytes of a row's entry in a result set's index (facts: backup_file.result_set)."""
Place = tuple[str, str]
"""(client, flow)."""


@dataclass(frozen=True)
class Counted:
    """Rows, uploads and their bytes by (client, flow); the server lacks ``unknown`` artifacts.

    ``upload_bytes`` are None where they say nothing: of what clients have sent themselves, a
    server keeps compressed bytes (read in its source), of an import plain ones.
    """

    rows: dict[Place, int] = field(default_factory=dict)
    uploads: dict[Place, int] = field(default_factory=dict)
    upload_bytes: dict[Place, int] | None = None
    unknown: frozenset[str] = frozenset()

    def trouble(self, parcel: Parcel) -> str:
        """What of the archive isn't there; empty when everything is."""
        place = (parcel.client_id, parcel.flow_id)
        rows, uploads = self.rows.get(place, 0), self.uploads.get(place, 0)
        if rows != parcel.rows and (names := parcel.artifact_names & self.unknown):
            return f"it is there, but not counted: this server has no artifact {', '.join(names)}"
        if rows < parcel.rows:
            return f"{rows} of {parcel.rows} rows arrived"
        if uploads < parcel.uploads:
            return f"{uploads} of {parcel.uploads} uploads arrived"
        size = parcel.upload_bytes
        if self.upload_bytes is not None and (found := self.upload_bytes.get(place, 0)) < size:
            return f"{found} of {size} bytes of uploads arrived"
        return ""


def count_once_written(context: Context, org: str, parcels: Sequence[Parcel]) -> Counted:
    """As :func:`count_imported`, after an import; a server that writes late is given its time."""
    deadline = time.monotonic() + context.config.write_delay
    while True:
        counted = count_imported(context, org, parcels)
        if time.monotonic() >= deadline or not any(map(counted.trouble, parcels)):
            return counted
        time.sleep(_PAUSE)


def count_imported(
    context: Context, org: str, parcels: Sequence[Parcel], *, sizes: bool = True
) -> Counted:
    """Asks the server. Unknown artifacts answer no rows, and a log that names them.

    ``sizes``: whether the bytes of uploads count, which they do after an import only.
    """
    api = context.api()
    rows: dict[Place, int] = defaultdict(int)
    log: list[str] = []
    for parcel in on_disk(context, org, parcels):
        rows[parcel.place] = parcel.rows
    if with_rows := [parcel for parcel in parcels if rows[parcel.place] != parcel.rows]:
        answer = api.ask(_ROWS, env={"Parcels": _asked(with_rows)}, org=org, timeout=3600)
        log = answer.log
        for row in answer.rows:
            rows[row["Client"], row["Flow"]] += int(row["Rows"])
    uploads: dict[Place, int] = defaultdict(int)
    upload_bytes: dict[Place, int] = defaultdict(int)
    if with_uploads := [parcel for parcel in parcels if parcel.uploads]:
        env = {"Parcels": _asked(with_uploads)}
        for row in api.ask(_UPLOADS, env=env, org=org, timeout=3600).rows:
            uploads[row["Client"], row["Flow"]] += 1
        if sizes:
            for row in api.ask(_FILES, env=env, org=org, timeout=3600).rows:
                upload_bytes[row["Client"], row["Flow"]] += int(row["Size"] or 0)
    found = (_UNKNOWN.match(line) for line in log)
    unknown = frozenset(match["name"].split("/", maxsplit=1)[0] for match in found if match)
    return Counted(rows, uploads, upload_bytes if sizes else None, unknown)


def on_disk(context: Context, org: str, parcels: Sequence[Parcel]) -> list[Parcel]:
    """The parcels whose result files are on the machine, of the very size, with all their rows.

    Whatever isn't found like that (a server lays it out otherwise, or compresses it) is asked for.
    """
    inside = "" if org == ROOT else f"orgs/{org}/"
    files = {
        parcel.place: [result_file(inside, parcel, name) for name in parcel.artifacts]
        for parcel in parcels
        if parcel.rows
    }
    names = (f"{file}{end}" for paths in files.values() for file in paths for end in _ENDS)
    sizes = disk_sizes(context, context.config.files, names)
    return [
        parcel
        for parcel in parcels
        if (paths := files.get(parcel.place))
        and sum(sizes.get(path, 0) for path in paths) == parcel.result_bytes
        and sum(sizes.get(f"{path}.index", 0) for path in paths) == parcel.rows * _ROW
    ]


_ENDS = ("", ".index")


def result_file(inside: str, parcel: Parcel, name: str) -> str:
    """Where a server keeps the rows of an artifact, or of one of its sources (facts: layout)."""
    artifact, _, source = name.partition("/")
    last = f"{parcel.flow_id}/{source}" if source else parcel.flow_id
    return f"{inside}clients/{parcel.client_id}/artifacts/{artifact}/{last}.json"


def _asked(parcels: Sequence[Parcel]) -> str:
    return json.dumps(
        [
            {
                "Client": parcel.client_id,
                "Flow": parcel.flow_id,
                "Root": f"/clients/{parcel.client_id}/collections/{parcel.flow_id}/uploads",
            }
            for parcel in parcels
        ]
    )
