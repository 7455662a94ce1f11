"""The record of one recovery, for whoever asks later what came back: a JSON file."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from recovery.errors import RecoveryError
from recovery.restore.request import RestoreRequest
from recovery.state_folder import state_folder
from recovery.verify.prove import Proof


def record(request: RestoreRequest, point: str, proof: Proof, at: datetime) -> dict[str, Any]:
    """What the file says: what was asked, of which recovery point, and the proof. No secrets.

    ``verdict`` has the words of a drill's report: ``recovered``, or ``recovered with findings``.
    """
    return {
        "verdict": "recovered with findings" if proof.findings else "recovered",
        "at": at.isoformat(timespec="seconds"),
        "target": request.target,
        "vault": request.vault,
        "point": point,
        "strategy": list(request.strategy),
        **proof.model_dump(mode="json"),
    }


def write_report(content: Mapping[str, Any], at: datetime) -> Path:
    """Writes the record below the operator's own state, readable by the operator only; its path.

    Raises :class:`RecoveryError` when the disk refuses.
    """
    path = state_folder() / "recoveries" / f"{at:%Y%m%dT%H%M%S.%fZ}.json"
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part.touch(mode=0o600)
        part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as refused:
        raise RecoveryError(
            f"the recovery's report could not be written: {refused.strerror}",
            step="prove the recovery",
            target=str(path.parent),
            hint="the server is recovered and serving; free some space, then run it again: "
            "only the proof is made anew",
        ) from refused
    return path
