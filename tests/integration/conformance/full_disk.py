"""Server "E-enospc": a datastore on a small file system of its own, filled to the last byte.

A real server measures its disk when it starts and every 20 seconds. It doesn't start with too
little space; what fills up between two measurements it doesn't notice, and calls a backup of 0
bytes a success; after the next one it refuses.
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.integration.conformance.binary import until
from tests.integration.conformance.stage import CALLS, Stage

CALLS_OF_A_FULL_DISK = (227, 228, 239, 240)
MEGABYTES = 128
CHECKED_EVERY = 15
"""Seconds between two measurements; 20 is the default."""
PATIENCE = 4.0 * CHECKED_EVERY


def disk_full(stage: Stage) -> None:
    binary = stage.binary
    settings = {"disk_check_frequency_sec": CHECKED_EVERY}
    config = binary.new_config("full disk", "full disk", Datastore=settings)
    stage.deploy("full disk", config)
    with mounted(stage.store) as refused:
        if refused:
            stage.refused |= dict.fromkeys(CALLS_OF_A_FULL_DISK, refused)
            return
        try:
            filled(stage)
        finally:
            stage.leave()


def filled(stage: Stage) -> None:
    binary, store = stage.binary, stage.store
    stage.api = binary.folder / "full-disk-api.yaml"
    given = ("--name", "apiuser", "--role", "administrator,api,org_admin", stage.api)
    binary.command("--config", stage.config, "config", "api_client", *given)
    reserve = store / "reserve"
    fill(reserve, (MEGABYTES - 20) << 20)
    not_started(stage)
    stage.replay(227, 228)
    reserve.unlink()
    stage.serve()
    stage.ask(CALLS[227]["query"])
    fill(reserve)
    stage.replay(239)
    size = (store / "backups" / "full.zip").stat().st_size
    assert size == 0, f"full.zip has {size} bytes"
    until(lambda: "Insufficient disk space" in str(backup(stage)[1]), "refused", PATIENCE)
    stage.replay(240)
    assert not (store / "backups" / "full2.zip").exists()
    reserve.unlink()
    until(lambda: backup(stage)[0], "a backup, now that there is space again", PATIENCE)
    until(lambda: newest(store).stat().st_size > 0, f"{newest(store)} has content")


def backup(stage: Stage) -> Any:
    """One more backup, a second after the last: on a full disk a real server hangs for good when
    it writes one name again before the last content has reached (or not reached) the disk.
    """
    time.sleep(1)
    return stage.ask(f"SELECT * FROM backup(name='again-{time.time():.3f}')")


def newest(store: Path) -> Path:
    return max((store / "backups").glob("again-*.zip"))


def not_started(stage: Stage) -> None:
    """A server with under 50 MB free ends, and says why."""
    stage.binary.start("server", "--config", stage.config, "frontend")
    until(lambda: not stage.binary.alive("server"), "the server ended", PATIENCE)
    stage.leave()
    said = (stage.binary.folder / "logs" / "server.out").read_text()
    assert "Insufficient disk space!" in said, said[-1000:]


def fill(path: Path, size: int | None = None) -> None:
    """Writes so many bytes, or (None) until none fits."""
    block = bytes(1 << 20)
    with path.open("wb", buffering=0) as stream:
        while size is None or stream.tell() < size:
            try:
                if stream.write(block) < len(block):
                    block = bytes(1)
            except OSError:
                if len(block) == 1:
                    return
                block = bytes(1)


@contextmanager
def mounted(folder: Path) -> Iterator[str]:
    """Puts a small file system at the folder; gives why it could not be, empty if it is there."""
    folder.mkdir(mode=0o700)
    command = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=700", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        yield f"mounting a file system of its own is refused: {done.stderr.strip()}"
        return
    try:
        yield ""
    finally:
        for _ in range(20):
            if subprocess.run(["umount", str(folder)], check=False).returncode == 0:
                break
            time.sleep(0.5)
