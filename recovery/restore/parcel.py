"""A flow out of an archive: looked at, found to be what it says, and made ready for import."""

import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote

from recovery.counts import things
from recovery.errors import BadInputError
from recovery.restore.check_zip import Member, check_members, open_zip
from recovery.restore.context import Context
from recovery.vault.manifest import Archive
from recovery.velociraptor.archive_file import (
    FlowInside,
    Place,
    flow_for_import,
    flow_of,
)
from recovery.velociraptor.backup_file import read_rows

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
    file: Path
    lacks: str = ""
    """What the archive was known to lack when it was captured (:class:`Archive`)."""

    @property
    def artifact_names(self) -> set[str]:
        """The artifacts without their sources' names."""
        return {name.split("/", maxsplit=1)[0] for name in self.artifacts}

    @property
    def place(self) -> Place:
        return self.client_id, self.flow_id


def parcel_of_flow(context: Context, archive: Archive) -> Parcel:
    """The parcel of a flow's own archive.

    Raises :class:`BadInputError` when the zip is damaged, hostile, or not the flow that the
    manifest says, and :class:`recovery.errors.VaultError` when the vault hasn't got it as it was.
    """
    path, name = context.fetch(archive.file), archive.file.name
    into = context.folder / f"{archive.file.sha256}.flow"
    try:
        with open_zip(path, name) as content:
            members = check_members(content, name)
            inside = flow_of(content, name)
            said = (archive.client_id, archive.flow_id)
            if inside.place != said:
                raise BadInputError(
                    f"{name} holds {' '.join(inside.place)}, not {' '.join(said)}", hint=HINT
                )
            uploads = _uploads(content, members, members, inside.folder)
            flow = replace(inside, hostname=inside.hostname or archive.hostname)
            parcel = _parcel(members, members, uploads, flow, into)
            if archive.rows and parcel.rows != archive.rows:
                raise BadInputError(
                    f"{name} holds {things(parcel.rows, 'row')}, the capture took {archive.rows}",
                    hint=HINT,
                )
            if "-" in flow.client_id:
                # With client_info.json in it, a server would cut the org off the id.
                flow_for_import(content, content.infolist(), into)
            else:
                path.rename(into)
        return replace(parcel, lacks=archive.lacks)
    finally:
        path.unlink(missing_ok=True)


def parcel_inside(
    archive: zipfile.ZipFile,
    items: Sequence[zipfile.ZipInfo],
    members: Mapping[str, Member],
    flow: FlowInside,
    into: Path,
) -> Parcel:
    """The parcel of a flow in an open archive; ``items``: what the archive has in its folder.

    Its file is ``into``. Raises :class:`BadInputError` for an index of uploads that is none.
    """
    names = [item.filename for item in items]
    parcel = _parcel(members, names, _uploads(archive, members, names, flow.folder), flow, into)
    # With client_info.json in it, a server would cut the org off the id.
    flow_for_import(archive, items, into, flow.folder)
    return parcel


def _parcel(
    members: Mapping[str, Member],
    names: Iterable[str],
    uploads: tuple[int, int],
    flow: FlowInside,
    into: Path,
) -> Parcel:
    rows, result_bytes = _results(members, names, flow.folder)
    return Parcel(
        flow.client_id,
        flow.flow_id,
        flow.hostname,
        flow.artifacts,
        rows,
        result_bytes,
        *uploads,
        into,
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
    try:
        named = [
            folder + "/".join(row["_Components"])
            for row in read_rows(archive, index)
            if row.get("_Components")
        ]
    except (ValueError, TypeError, AttributeError) as broken:
        raise BadInputError(f"{index} can't be understood: {broken}", hint=HINT) from broken
    # In the zip's names, what a path on an endpoint may have is percent-encoded.
    sizes = {unquote(name): members[name].size for name in names}
    files = {name for upload in named for name in (upload, f"{upload}.idx") if name in sizes}
    return len(named), sum(sizes[name] for name in files)
