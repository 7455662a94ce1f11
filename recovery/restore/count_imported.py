"""What of a flow is really on the server: its rows and the bytes of its uploads, asked of it."""

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from recovery.restore.parcel import Parcel
from recovery.velociraptor.api import Api

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
Place = tuple[str, str]
"""(client, flow)."""


@dataclass(frozen=True)
class Counted:
    """Rows and bytes by (client, flow); ``unknown`` artifacts are those the server lacks."""

    rows: dict[Place, int] = field(default_factory=dict)
    upload_bytes: dict[Place, int] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()

    def trouble(self, parcel: Parcel) -> str:
        """What of the archive isn't there; empty when everything is."""
        place = (parcel.client_id, parcel.flow_id)
        rows, size = self.rows.get(place, 0), self.upload_bytes.get(place, 0)
        if rows != parcel.rows and (names := set(parcel.artifacts) & self.unknown):
            return f"it is there, but not counted: this server has no artifact {', '.join(names)}"
        if rows < parcel.rows:
            return f"{rows} of {parcel.rows} rows arrived"
        if size < parcel.upload_bytes:
            return f"{size} of {parcel.upload_bytes} bytes of uploads arrived"
        return ""


def count_imported(api: Api, org: str, parcels: Sequence[Parcel]) -> Counted:
    """Asks the server. Unknown artifacts answer no rows, and a log that names them."""
    counted = Counted(defaultdict(int), defaultdict(int))
    with_rows = [parcel for parcel in parcels if parcel.rows]
    log: list[str] = []
    if with_rows:
        answer = api.ask(_ROWS, env={"Parcels": _asked(with_rows)}, org=org, timeout=3600)
        log = answer.log
        for row in answer.rows:
            counted.rows[row["Client"], row["Flow"]] += int(row["Rows"])
    with_files = [parcel for parcel in parcels if parcel.upload_bytes]
    if with_files:
        answer = api.ask(_FILES, env={"Parcels": _asked(with_files)}, org=org, timeout=3600)
        for row in answer.rows:
            counted.upload_bytes[row["Client"], row["Flow"]] += int(row["Size"] or 0)
    found = (_UNKNOWN.match(line) for line in log)
    unknown = frozenset(match["name"].split("/", maxsplit=1)[0] for match in found if match)
    return Counted(counted.rows, counted.upload_bytes, unknown)


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
