"""`recovery package`: the package builder's own verbs; what was built is found by captures."""

from contextlib import suppress
from typing import Any

from recovery.capture.built_packages import note_built
from server_deb import BuiltPackage


def remember(built: BuiltPackage | None, **_options: Any) -> None:
    """Told what a verb of the builder returned; only `build` returns something.

    A state folder that can't be written costs the note, not the package.
    """
    if built is not None:
        with suppress(OSError):
            note_built(
                built.path,
                deployment=built.deployment_fingerprint,
                version=built.version,
                sha256=built.sha256,
            )
