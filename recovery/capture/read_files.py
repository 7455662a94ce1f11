"""Many files of a target by one command and one stream, in flat memory."""

import os
import tarfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, BinaryIO

from recovery.commands import Result
from recovery.errors import RecoveryError, TargetError
from recovery.target import Target

_TAR = (
    'tar --create --file=- --directory="$1" --no-recursion --ignore-failed-read $2 '
    "--null --verbatim-files-from --files-from=-; "
    'code=$?; [ "$code" -le 1 ] || exit "$code"'
)
"""Exit code 1 says that a file changed while it was read: each is checked by its content."""


@dataclass(frozen=True)
class FileOnWire:
    """One file as it comes: path as asked for, size, time of change, content to read once."""

    path: str
    size: int
    changed: float
    content: IO[bytes]


@contextmanager
def read_files(
    target: Target,
    folder: str,
    paths: Sequence[str],
    *,
    timeout: float = 3600,
    follow: bool = False,
) -> Iterator[Iterator[FileOnWire]]:
    """The files ``paths`` (relative to ``folder``), in that order, streamed by one ``tar``.

    A file that is gone by now is left out, and a link too, unless ``follow``. Raises
    :class:`TargetError` when the stream breaks off, and what :meth:`Target.run` raises.
    """
    if not paths:
        yield iter(())
        return
    wanted = "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
    reading, writing = os.pipe()
    failed: list[RecoveryError] = []
    done: list[Result] = []

    def send(out: BinaryIO) -> None:
        try:
            links = "--dereference --hard-dereference" if follow else ""
            argv = ["sh", "-c", _TAR, "read", folder, links]
            done.append(target.run(argv, stdin=wanted, stdout=out, timeout=timeout))
        except RecoveryError as refused:
            failed.append(refused)
        except OSError:
            return  # the reader has closed its end: it has its own error to raise
        finally:
            _close(out)

    sender = threading.Thread(target=send, args=(os.fdopen(writing, "wb"),), daemon=True)
    sender.start()
    with os.fdopen(reading, "rb", buffering=1 << 20) as stream:
        try:
            with tarfile.open(fileobj=stream, mode="r|", bufsize=1 << 20) as tar:
                yield _members(tar)
            while stream.read(1 << 20):
                pass
        except (tarfile.TarError, EOFError) as broken:
            sender.join(timeout=30)
            raise _cut_off(target, folder, failed) from broken
    sender.join(timeout=30)
    if failed or not done:
        raise _cut_off(target, folder, failed)


def _members(tar: tarfile.TarFile) -> Iterator[FileOnWire]:
    for member in tar:
        content = tar.extractfile(member) if member.isreg() else None
        if content is not None:
            yield FileOnWire(member.name, member.size, float(member.mtime), content)


def _cut_off(target: Target, folder: str, failed: list[RecoveryError]) -> RecoveryError:
    if failed:
        return failed[0]
    return TargetError(
        f"the files of {folder} stopped coming half-way",
        step="read files",
        target=target.uri,
        hint="check the connection and start the capture again; nothing on the server was changed",
    )


def _close(out: BinaryIO) -> None:
    try:
        out.close()
    except OSError:
        return
