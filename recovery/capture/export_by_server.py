"""The second way to export: the server itself uploads to S3, with a secret it keeps.

The bytes don't pass through this machine, and so aren't checked here: the rows say what the
server believes. A failure is a row with ``Error``, or null (facts: Exports and imports).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from recovery.capture.collection import Collection
from recovery.capture.datastore_files import org_folder
from recovery.capture.download_path import disk_path
from recovery.capture.export_archives import FLOW, HUNT, batch, download_folder
from recovery.capture.export_only import choose, file_name
from recovery.capture.open_scene import open_scene
from recovery.capture.options import CaptureOptions
from recovery.capture.scene import Say, Scene
from recovery.capture.server_downloads import ServerDownloads
from recovery.counts import things
from recovery.errors import ServerError
from recovery.target import Target

_UPLOAD = """
SELECT Name, Path, upload_s3(secret=Secret, bucket=Bucket, accessor="fs", path_style=TRUE,
                             name=Name, file=Path) AS Upload
FROM foreach(row={SELECT Name, EXPORT AS Path FROM foreach(row=parse_json_array(data=Wanted))})
"""
_SECONDS = 3600.0
_SHARE = (
    "next: share the secret with the server's own user, in that org: secret_modify(name=…, "
    'type="AWS S3 Creds", add_users=["VelociraptorServer",])'
)


@dataclass(frozen=True)
class Uploaded:
    """One upload: its key in the bucket, its size in bytes as the server tells it."""

    name: str
    size: int


def export_by_server(
    target: Target,
    options: CaptureOptions,
    say: Say,
    *,
    secret: str,
    bucket: str,
    prefix: str = "",
    password: str = "",
) -> tuple[list[Uploaded], list[str]]:
    """Has the server upload chosen hunts and flows of every org; what it did, and the gaps.

    The secret (type ``AWS S3 Creds``) must be shared with the server's own user. Raises
    :class:`recovery.errors.RecoveryError` when the server can't be asked.
    """
    with open_scene(target, options, say) as scene:
        wanted = choose(scene)
        downloads = ServerDownloads(target, scene.files)
        env = {
            "Secret": secret,
            "Bucket": bucket,
            "Password": password,
            "Token": downloads.token,
        }
        done: list[Uploaded] = []
        for items in batch(wanted):
            done += _upload(scene, items, prefix, env, downloads)
            say(f"upload {len(done)}/{len(wanted)} collections, by the server")
    return done, scene.gaps


def _upload(
    scene: Scene,
    items: Sequence[Collection],
    prefix: str,
    env: dict[str, str],
    downloads: ServerDownloads,
) -> list[Uploaded]:
    org = items[0].org
    names = {f"{prefix}{file_name(item)}": item for item in items}
    rows = [
        {"Name": name, "Client": item.client_id, "Id": item.ident} for name, item in names.items()
    ]
    vql = _UPLOAD.replace("EXPORT", FLOW if items[0].kind == "flow" else HUNT)
    downloads.save_sidecars([download_folder(item) for item in items])
    try:
        answer = scene.api.ask(
            vql, env=env | {"Wanted": json.dumps(rows)}, org=org, timeout=_SECONDS
        )
    except ServerError as refused:
        scene.gap(f"{org}: {things(len(items), 'collection')} not uploaded: {refused.message}")
        return []
    made = [org_folder(org) + disk_path(str(row["Path"])) for row in answer.rows if row["Path"]]
    downloads.remove(made)
    got = {row["Name"]: row["Upload"] or {} for row in answer.rows}
    why = next((line for line in answer.log if "upload_S3:" in line and _is_failure(line)), "")
    done = []
    for name in names:
        upload = got.get(name, {})
        if upload.get("Error") or not upload.get("Size"):
            scene.gap(f"{name}: not uploaded: {upload.get('Error') or why or 'no reason given'}")
        else:
            done.append(Uploaded(name, int(upload["Size"])))
    if "Permission Denied accessing secret" in why:
        scene.say(_SHARE)
    return done


def _is_failure(line: str) -> bool:
    return not line.startswith("upload_S3: Uploading")
