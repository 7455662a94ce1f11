"""Which server is this: a real Velociraptor or the reference server, and its version."""

from typing import Literal

from recovery.errors import ServerError
from recovery.velociraptor.api import Api

_VERSION = "SELECT config.version AS Version FROM scope()"
_REFERENCE = "velociraptor-reference"


def identify_server(api: Api, target: str) -> tuple[Literal["reference", "velociraptor"], str]:
    """``(kind, version)`` of the server that runs, as it says itself.

    Not the program on the disk, which an upgrade may have replaced without a restart; and no
    process is started for it. Raises :class:`ServerError` when it says nothing usable.
    """
    (row,) = api.query(_VERSION, min_rows=1, timeout=60)
    said = row["Version"]
    if not isinstance(said, dict) or not said.get("version"):
        raise ServerError(
            "the server does not say its version",
            step="identify the server",
            target=target,
            hint="is it a Velociraptor, 0.7 or newer?",
        )
    kind: Literal["reference", "velociraptor"] = (
        "reference" if said.get("name") == _REFERENCE else "velociraptor"
    )
    return kind, str(said["version"])
