"""Files to where the server reads them: one tar through the inbox."""

import os
import tarfile
from collections.abc import Callable, Mapping
from typing import IO

from recovery.restore.context import Context
from recovery.velociraptor.config import OWNER


def send_files(context: Context, files: Mapping[str, Callable[[], IO[bytes]]], lane: int) -> str:
    """``files``, by the names they have there, opened one by one; the folder that they are in.

    The server may read them, and nobody else. ``lane``: which of the inboxes; one send at a time
    in each. Raises :class:`recovery.errors.RecoveryError`.
    """
    bundle = context.folder / f"inbox-{lane}.tar"
    with tarfile.open(bundle, "w", format=tarfile.GNU_FORMAT) as tar:
        for name, opened in files.items():
            with opened() as content:
                entry = tarfile.TarInfo(name)
                entry.size = content.seek(0, os.SEEK_END)
                content.seek(0)
                entry.mode, entry.uname, entry.gname = 0o640, "root", OWNER
                tar.addfile(entry, content)
    try:
        return context.inbox.send(lane, bundle)
    finally:
        bundle.unlink()
