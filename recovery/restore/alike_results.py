"""Results of artifacts or sources whose names differ in capital letters alone: each its own rows.

As with uploads (:mod:`recovery.restore.alike_uploads`), an import takes the rows of the first for
all of them; where there are as many, no count tells.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO
from urllib.parse import unquote

from recovery.errors import CommandError
from recovery.restore.context import Context
from recovery.restore.count_imported import result_file
from recovery.restore.disk_sizes import disk_sizes
from recovery.restore.parcel import Parcel
from recovery.velociraptor.api import ROOT
from recovery.velociraptor.backup_file import index_entry
from recovery.velociraptor.config import OWNER


def place_alike_results(context: Context, org: str, parcel: Parcel) -> list[str]:
    """Puts right what an import has confused; the result sets that could not be, in words.

    Raises :class:`recovery.errors.TargetError` when the machine stops answering.
    """
    if not parcel.alike_results:
        return []
    inside = "" if org == ROOT else f"orgs/{org}/"
    wrong = []
    with parcel.open() as content, zipfile.ZipFile(content) as archive:
        for member in parcel.alike_results:
            name = unquote(member.removeprefix("results/").removesuffix(".json"))
            path = result_file(inside, parcel, name)
            try:
                if disk_sizes(context, context.config.files, [path]):
                    _place(context, archive, member, f"{context.config.files}/{path}")
                    continue
                why = ""
            except CommandError as failed:
                why = f" ({failed.message})"
            wrong.append(f"{name}{why}")
    return wrong


def _place(context: Context, archive: zipfile.ZipFile, member: str, path: str) -> None:
    """The rows, then their index: a set whose index is the older one has rows without a place."""
    with (
        archive.open(member) as reader,
        NamedTemporaryFile(dir=context.folder) as rows,
        NamedTemporaryFile(dir=context.folder) as index,
    ):
        for entry in _copied(reader, rows):
            index.write(entry)
        for file, end in ((rows, ""), (index, ".index")):
            file.flush()
            owner = f"{OWNER}:{OWNER}"
            context.target.put(Path(file.name), f"{path}{end}", mode=0o600, owner=owner)
    context.target.run(["rm", "-f", f"{path}.chunk"])  # it would be of what was there before


def _copied(reader: IO[bytes], rows: IO[bytes]) -> Iterator[bytes]:
    """Copies whole lines, as an import does; the index's entry of each."""
    size = 0
    for line in reader:
        if line.endswith(b"\n"):
            rows.write(line)
            yield index_entry(size)
            size += len(line)
