"""What a capture is asked for: frozen, typed, checked once at the edge."""

from datetime import timedelta
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

from recovery.errors import BadInputError
from recovery.vault.manifest import Part
from recovery.velociraptor.paths import BINARY_PATH, CONFIG_PATH


class CaptureOptions(BaseModel):
    """One capture. The defaults take everything that a recovery can use."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    strategy: list[Part] = ["redeploy", "backup", "state", "collections"]
    """Which parts to capture; ``redeploy`` (package and config) is always one of them."""
    hunts: Literal["all"] | list[str] = "all"
    """Which hunts to export; an empty list exports none."""
    flows_since: timedelta | None = None
    """Export flows that were active within this time; None: all of them."""
    backup_now: bool = False
    """Keep a fresh backup of every org in the point, besides the newest one found."""
    repository: str = ""
    """Where complete copies go (strategy ``datastore``); see :mod:`recovery.datastore`."""
    package: str = ""
    """Path, on this machine, of the server package; empty: look for it."""
    config_path: str = CONFIG_PATH
    binary_path: str = BINARY_PATH


def parse_strategy(text: str) -> list[Part]:
    """``"state,collections"`` as parts; :class:`BadInputError` names an unknown one."""
    known = get_args(Part)
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        # An empty variable of a script must not make a point that lacks nearly everything.
        raise BadInputError(
            "no strategy is named",
            target="--strategy",
            hint=f"choose from {', '.join(known)}, joined by commas; leave it out for the usual",
        )
    if unknown := [part for part in parts if part not in known]:
        raise BadInputError(
            f"unknown strategy {', '.join(unknown)}",
            target="--strategy",
            hint=f"choose from {', '.join(known)}, joined by commas",
        )
    # A complete copy is completed by the state: records read one by one, and the present list.
    always = {"redeploy"} | ({"state"} if "datastore" in parts else set())
    return [part for part in known if part in parts or part in always]


def parse_hunts(text: str) -> Literal["all"] | list[str]:
    """``"all"``, ``"none"`` or hunt ids joined by commas."""
    if text == "all":
        return "all"
    ids = [] if text == "none" else [ident.strip() for ident in text.split(",") if ident.strip()]
    if not ids and text != "none":
        raise BadInputError("no hunt is named", target="--hunts", hint="all, none, or hunt ids")
    if wrong := [ident for ident in ids if not ident.startswith("H.")]:
        raise BadInputError(
            f"not a hunt id: {', '.join(wrong)}",
            target="--hunts",
            hint="all, none, or ids as H.DC1TTKB0VNFA8, joined by commas",
        )
    return ids
