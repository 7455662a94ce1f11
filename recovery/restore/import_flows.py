"""A batch of flows into one org: files to the machine, one query, rows counted afterwards."""

import json
import re
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recovery.restore.context import Context
from recovery.restore.journal import FOLDER
from recovery.velociraptor.config import OWNER

_UNKNOWN = re.compile(r"source: Artifact (?P<name>\S+) not known")
INBOX = f"{FOLDER}/inbox"
_UNPACK = """set -e
chmod 711 "$1"
install -d -o root -g "$3" -m 750 "$2"
tar -x -f - -C "$2" --no-same-owner
chgrp -R "$3" "$2"
chmod -R u=rwX,g=rX,o= "$2"
"""
_IMPORT = """
SELECT Client, Flow, import_collection(
    filename=File, client_id=Client, hostname=Host, import_type="collector") AS Got
FROM foreach(row=parse_json_array(data=Parcels))
"""
_COUNT = """
SELECT * FROM foreach(row=parse_json_array(data=Parcels), query={
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


@dataclass(frozen=True)
class Parcel:
    """A flow ready for import; ``rows`` as the archive has them, None when not counted."""

    client_id: str
    flow_id: str
    hostname: str
    file: Path
    rows: int | None


def import_parcels(
    context: Context, org: str, parcels: Sequence[Parcel], findings: list[str]
) -> int:
    """Imports a batch; how many arrived whole. What didn't is added to ``findings``."""
    _send(context, parcels)
    items = [
        {
            "Client": parcel.client_id,
            "Flow": parcel.flow_id,
            "Host": parcel.hostname,
            "File": f"{INBOX}/{parcel.file.name}",
        }
        for parcel in parcels
    ]
    env = {"Parcels": json.dumps(items)}
    try:
        answer = context.api().ask(_IMPORT, env=env, org=org, timeout=3600)
    finally:
        context.target.run(["rm", "-rf", INBOX])
        for parcel in parcels:
            parcel.file.unlink(missing_ok=True)
    got = {(row["Client"], row["Flow"]): row["Got"] or {} for row in answer.rows}
    errors = [line for line in answer.log if "import_flow:" in line or "ERROR" in line]
    findings += [f"{org}: import: {line}" for line in errors]
    counted, unknown = _count_rows(context, org, env["Parcels"])
    whole = 0
    for parcel in parcels:
        key = (parcel.client_id, parcel.flow_id)
        trouble = _trouble(parcel, got.get(key, {}), counted.get(key, 0), unknown)
        if trouble:
            findings.append(f"{org}: {parcel.client_id} {parcel.flow_id}: {trouble}")
        else:
            whole += 1
    return whole


def _artifacts(got: dict[str, object]) -> set[str]:
    """The artifacts that an imported flow has results of, without their sources' names."""
    names = got.get("artifacts_with_results")
    return {str(name).split("/")[0] for name in names} if isinstance(names, list) else set()


def _trouble(parcel: Parcel, got: dict[str, object], rows: int, unknown: set[str]) -> str:
    """Why this flow doesn't count as imported; empty when it does."""
    if not got:
        return "the server did not take it"
    if got.get("session_id") != parcel.flow_id or got.get("client_id") != parcel.client_id:
        return f"it arrived as {got.get('client_id')} {got.get('session_id')}"
    if rows != parcel.rows and (names := _artifacts(got) & unknown):
        return f"it is there, but not counted: this server has no artifact {', '.join(names)}"
    if parcel.rows is not None and rows != parcel.rows:
        return f"{rows} of {parcel.rows} rows arrived"
    return ""


def _send(context: Context, parcels: Sequence[Parcel]) -> None:
    """All files of the batch in one stream, readable by the server and nobody else."""
    bundle = context.folder / "inbox.tar"
    with tarfile.open(bundle, "w") as tar:
        for parcel in parcels:
            tar.add(parcel.file, arcname=parcel.file.name)
    with bundle.open("rb") as stream:
        context.target.run(
            ["sh", "-c", _UNPACK, "inbox", FOLDER, INBOX, OWNER], stdin=stream, timeout=3600
        )
    bundle.unlink()


def _count_rows(
    context: Context, org: str, parcels: str
) -> tuple[dict[tuple[str, str], int], set[str]]:
    """Rows really there, per flow: an import of a damaged member reports success.

    Also the artifacts that the server doesn't know: it answers no rows of theirs, and a log.
    """
    counted: dict[tuple[str, str], int] = {}
    answer = context.api().ask(_COUNT, env={"Parcels": parcels}, org=org, timeout=3600)
    for row in answer.rows:
        key = (row["Client"], row["Flow"])
        counted[key] = counted.get(key, 0) + int(row["Rows"])
    found = (_UNKNOWN.match(line) for line in answer.log)
    return counted, {match["name"] for match in found if match}
