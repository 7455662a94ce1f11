"""A flow out of an archive: looked at, found to be what it says, and made ready for import."""

import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO
from urllib.parse import unquote

from recovery.counts import things
from recovery.errors import BadInputError
from recovery.restore.check_zip import Member, check_members, open_zip
from recovery.restore.context import SMALL, Context
from recovery.vault.manifest import Archive
from recovery.velociraptor.archive_file import (
    FlowInside,
    Place,
    flow_for_import,
    flow_of,
)
from recovery.velociraptor.json_rows import rows_of

HINT = "the other archives are imported all the same"
_RESULTS = re.compile(r"results/(?!All ).+\.json")


@dataclass(frozen=True)
class Parcel:
    """A flow ready for import: what its archive holds, counted there, and a file of its own."""

    client_id: str
    flow_id: str
    hostname: str
    artifacts: tuple[str, ...]
    """Artifacts with results, each with its source's name where it has one."""
    rows: int
    result_bytes: int
    uploads: int
    upload_bytes: int
    content: bytes | Path
    """The zip that is imported: a small one itself, or its file."""
    lacks: str = ""
    """What the archive was known to lack when it was captured (:class:`Archive`)."""
    alike: tuple[str, ...] = ()
    """Uploads in its content whose names a server takes for those of others (:func:`alike`)."""
    alike_results: tuple[str, ...] = ()
    """Result sets in it likewise."""

    @property
    def artifact_names(self) -> set[str]:
        """The artifacts without their sources' names."""
        return {name.split("/", maxsplit=1)[0] for name in self.artifacts}

    @property
    def place(self) -> Place:
        return self.client_id, self.flow_id

    @property
    def size(self) -> int:
        """Bytes of its content."""
        if isinstance(self.content, bytes):
            return len(self.content)
        return self.content.stat().st_size

    def open(self) -> IO[bytes]:
        """Its content, to be read and closed."""
        if isinstance(self.content, bytes):
            return io.BytesIO(self.content)
        return self.content.open("rb")

    def drop(self) -> None:
        """Its file is gone from the work folder; it is not needed any more."""
        if isinstance(self.content, Path):
            self.content.unlink(missing_ok=True)


def parcel_of_flow(context: Context, archive: Archive) -> Parcel:
    """The parcel of a flow's own archive.

    Raises :class:`BadInputError` when the zip is damaged, hostile, or not the flow that the
    manifest says, and :class:`recovery.errors.VaultError` when the vault hasn't got it as it was.
    """
    given, name = context.read(archive.file), archive.file.name
    into = context.folder / f"{archive.file.sha256}.flow"
    try:
        with open_zip(given, name) as content:
            members = check_members(content, name)
            inside = flow_of(content, name)
            said = (archive.client_id, archive.flow_id)
            if inside.place != said:
                raise BadInputError(
                    f"{name} holds {' '.join(inside.place)}, not {' '.join(said)}", hint=HINT
                )
            uploads = _uploads(content, members, members, inside.folder)
            flow = replace(inside, hostname=inside.hostname or archive.hostname)
            parcel = _parcel(members, members, uploads, flow, given)
            if archive.rows and parcel.rows != archive.rows:
                raise BadInputError(
                    f"{name} holds {things(parcel.rows, 'row')}, the capture took {archive.rows}",
                    hint=HINT,
                )
            if "-" in flow.client_id:
                ready = _made_ready(content, content.infolist(), members, into)
                parcel = replace(parcel, content=ready)
            elif isinstance(given, Path):
                parcel = replace(parcel, content=given.rename(into))
        return replace(parcel, lacks=archive.lacks)
    finally:
        if isinstance(given, Path):
            given.unlink(missing_ok=True)


def parcel_inside(
    archive: zipfile.ZipFile,
    items: Sequence[zipfile.ZipInfo],
    members: Mapping[str, Member],
    flow: FlowInside,
    into: Path,
) -> Parcel:
    """The parcel of a flow in an open archive; ``items``: what the archive has in its folder.

    Its file, where it gets one, is ``into``. Raises :class:`BadInputError` for an index of uploads
    that is none.
    """
    names = [item.filename for item in items]
    uploads = _uploads(archive, members, names, flow.folder)
    parcel = _parcel(members, names, uploads, flow, into)
    return replace(parcel, content=_made_ready(archive, items, members, into, flow.folder))


def _made_ready(
    archive: zipfile.ZipFile,
    items: Sequence[zipfile.ZipInfo],
    members: Mapping[str, Member],
    into: Path,
    folder: str = "",
) -> bytes | Path:
    """The flow as :func:`flow_for_import` makes it: in memory where it is small, else ``into``."""
    if sum(members[item.filename].size for item in items if item.filename in members) > SMALL:
        flow_for_import(archive, items, into, folder)
        return into
    made = io.BytesIO()
    flow_for_import(archive, items, made, folder)
    return made.getvalue()


def _parcel(
    members: Mapping[str, Member],
    names: Iterable[str],
    uploads: tuple[int, int],
    flow: FlowInside,
    content: bytes | Path,
) -> Parcel:
    rows, result_bytes = _results(members, names, flow.folder)
    inside = [member.removeprefix(flow.folder) for member in names]
    return Parcel(
        flow.client_id,
        flow.flow_id,
        flow.hostname,
        flow.artifacts,
        rows,
        result_bytes,
        *uploads,
        content,
        alike=tuple(alike(inside, "uploads/")),
        alike_results=tuple(name for name in alike(inside, "results/") if _RESULTS.match(name)),
    )


def _results(members: Mapping[str, Member], names: Iterable[str], folder: str) -> tuple[int, int]:
    """Rows and bytes of a flow's results."""
    found = [members[name] for name in names if _RESULTS.fullmatch(name.removeprefix(folder))]
    return sum(member.lines for member in found), sum(member.size for member in found)


def _uploads(
    archive: zipfile.ZipFile, members: Mapping[str, Member], names: Iterable[str], folder: str
) -> tuple[int, int]:
    """Uploads that the flow's own index names, and their bytes."""
    index = f"{folder}uploads.json"
    if index not in members:
        return 0, 0
    # In the zip's names, what a path on an endpoint may have is percent-encoded.
    sizes = {unquote(name): members[name].size for name in names}
    files: set[str] = set()
    number = 0
    try:
        for row in rows_of(archive, index):
            if row.get("_Components"):
                number += 1
                upload = folder + "/".join(row["_Components"])
                files |= sizes.keys() & {upload, f"{upload}.idx"}
    except (ValueError, TypeError, AttributeError) as broken:
        raise BadInputError(f"{index} can't be understood: {broken}", hint=HINT) from broken
    return number, sum(sizes[name] for name in files)


def alike(names: Iterable[str], folder: str) -> list[str]:
    """Members in ``folder`` that differ from an earlier one in capital letters alone. Pure.

    An import takes the first one's content for all of them (seen on 0.77.2).
    """
    first: dict[str, str] = {}
    found = []
    for name in names:
        if name.startswith(folder):
            plain = unquote(name)
            if first.setdefault(plain.casefold(), plain) != plain:
                found.append(name)
    return found
