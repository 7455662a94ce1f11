"""The fixtures: what a real 0.77.2 server, long gone, has left of itself (tests/fixtures)."""

import io
import zipfile
from pathlib import Path
from typing import Any

import yaml

from recovery.errors import BadInputError
from recovery.velociraptor.backup_file import read_rows

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "velociraptor-0.77.2"
CONFIG = "server.config.yaml"
BACKUP = "backup_root_before_disaster.zip"
FLOWS = ("flow_custom_artifact.zip", "flow_from_hunt.zip", "flow_with_upload.zip")
HUNT = "hunt_H.DC1TTKB0VNFA8.zip"
WRITEBACK = "client_writeback.yaml"
CLIENT = "C.cad7afe0171b436e"
"""The client of the root org, whose key is in the writeback file."""
GONE = "C.19111fed7cb0ceed-OACME"
"""The other org's client: nobody kept its key, so it can't come back."""
ORGS = {"OACME": "Acme"}
"""The other org whose nonce was kept (in a client config), by id, with its name."""
WRITEBACK_PATH = "/srv/lab1/client1/writeback.yaml"


def fixture(name: str) -> Path:
    """The file's path; :class:`BadInputError` where the toolkit was installed without its tests."""
    path = FOLDER / name
    if not path.is_file():
        raise BadInputError(
            "the fixtures aren't here",
            target=str(path),
            hint="run this scenario in a clone of the repository",
        )
    return path


def flow(name: str) -> bytes:
    """The zip of a flow, with its upload under the path that its own index gives.

    When the fixtures were recorded, a folder's name was changed in the files, but not in
    ``_Components``, by which a server looks for the upload inside the zip.
    """
    whole = io.BytesIO()
    with zipfile.ZipFile(fixture(name)) as old, zipfile.ZipFile(whole, "w") as new:
        places = {
            f"uploads/{row['_accessor']}{row['vfs_path']}": "/".join(row["_Components"])
            for row in read_rows(old, "uploads.json")
        }
        for item in old.infolist():
            new.writestr(places.get(item.filename, item.filename), old.read(item))
    return whole.getvalue()


def org_nonce(org: str) -> str:
    """The org's nonce, out of the config of one of its clients."""
    values: dict[str, Any] = yaml.safe_load(fixture(f"client.{org}.config.yaml").read_bytes())
    return str(values["Client"]["nonce"])


def backup_rows(org: str, part: str) -> list[dict[str, Any]]:
    """The rows of ``part`` (``acls``, ``client_info`` …) of an org in the backup."""
    with zipfile.ZipFile(fixture(BACKUP)) as archive:
        return read_rows(archive, f"orgs/{org}/{part}.json")
