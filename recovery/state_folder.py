"""Where the toolkit remembers what it did and saw on this machine."""

import os
from pathlib import Path


def state_folder() -> Path:
    """``$XDG_STATE_HOME/velociraptor-recovery``, usually below ``~/.local/state``.

    A relative XDG_STATE_HOME counts as none, as its specification says.
    """
    given = os.environ.get("XDG_STATE_HOME", "")
    base = Path(given) if given.startswith("/") else Path.home() / ".local" / "state"
    return base / "velociraptor-recovery"
