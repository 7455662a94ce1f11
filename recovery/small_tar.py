"""Small files as one tar in memory, to be unpacked on a machine or kept in a vault."""

import io
import tarfile
from collections.abc import Iterable, Mapping


def tar_of(files: Mapping[str, bytes], mode: int = 0o600) -> bytes:
    """Path → content. Nothing of the time or the owner in it: the same files are the same tar."""
    entries = []
    for path, content in files.items():
        entry = tarfile.TarInfo(path)
        entry.mode = mode
        entries.append((entry, content))
    return pack(entries)


def pack(entries: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    """A tar of entries whose owner and mode matter; folders have no content."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as out:
        for entry, content in entries:
            entry.size = len(content)
            out.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
