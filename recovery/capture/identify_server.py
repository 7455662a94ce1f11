"""Which server is this: a real Velociraptor or the reference server, and its version."""

from typing import Literal

import yaml

from recovery.errors import TargetError
from recovery.target import Target

_REFERENCE = "velociraptor-reference"


def identify_server(
    target: Target, binary: str
) -> tuple[Literal["reference", "velociraptor"], str]:
    """``(kind, version)`` as the binary itself says it by its ``version`` command.

    Raises :class:`TargetError` when there is no such binary, or it says nothing usable.
    """
    said = target.run([binary, "version"], check=False)
    try:
        values = yaml.safe_load(said.stdout) if said.returncode == 0 else None
    except yaml.YAMLError:
        values = None
    if not isinstance(values, dict) or "version" not in values:
        raise TargetError(
            f"`{binary} version` gives no version: {said.error_text or 'no output'}",
            step="identify the server",
            target=target.uri,
            hint="is the server installed there? name its binary by --binary PATH",
        )
    kind: Literal["reference", "velociraptor"] = (
        "reference" if values.get("name") == _REFERENCE else "velociraptor"
    )
    return kind, str(values["version"])
