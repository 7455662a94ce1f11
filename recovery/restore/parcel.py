"""A flow out of an archive: looked at, found to be what it says, and made ready for import."""

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote

from recovery.counts import things
from recovery.errors import BadInputError
from recovery.restore.check_zip import Member, check_members, open_zip
from recovery.restore.context import Context
from recovery.vault.check_names import wrong_flow
from recovery.vault.manifest import Archive
from recovery.velociraptor.archive_file import (
    FlowInside,
    flow_for_import,
    flow_of,
    flows_inside,
    hunt_of,
)
from recovery.velociraptor.backup_file import read_rows

_HINT = "the other archives are imported all the same"
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
    def place(self) -> tuple[str, str]:
        return self.client_id, self.flow_id


def parcel_of_flow(context: Context, archive: Archive) -> Parcel:
    """The parcel of a flow's own archive.

    Raises :class:`BadInputError` when the zip is damaged, hostile, or not the flow that the
    manifest says, and :class:`recovery.errors.VaultError` when the vault hasn't got it as it was.
    """
    path = context.fetch(archive.file)
    try:
        with open_zip(path, archive.file.name) as content:
            members = check_members(content, archive.file.name)
            inside = flow_of(content, archive.file.name)
            uploads = _uploads(content, members, inside.folder)
        said = (archive.client_id, archive.flow_id)
        if (inside.client_id, inside.flow_id) != said:
            raise BadInputError(
                f"{archive.file.name} holds {inside.client_id} {inside.flow_id}, not "
                f"{' '.join(said)}",
                hint=_HINT,
            )
        parcel = _parcel(
            context,
            path,
            members,
            uploads,
            replace(inside, hostname=inside.hostname or archive.hostname),
            archive.file.sha256,
        )
        if archive.rows and parcel.rows != archive.rows:
            parcel.file.unlink(missing_ok=True)
            raise BadInputError(
                f"{archive.file.name} holds {things(parcel.rows, 'row')}, "
                f"the capture took {archive.rows}",
                hint=_HINT,
            )
        return replace(parcel, lacks=archive.lacks)
    finally:
        path.unlink(missing_ok=True)


def parcels_of_hunt(
    context: Context, archive: Archive, taken: set[tuple[str, str]]
) -> Iterator[Parcel]:
    """Flows that only the hunt's own archive holds: those not in ``taken``, which grows.

    Raises like :func:`parcel_of_flow`.
    """
    path = context.fetch(archive.file)
    with open_zip(path, archive.file.name) as content:
        members = check_members(content, archive.file.name)
        if (said := hunt_of(content, archive.file.name)) != archive.hunt_id:
            raise BadInputError(
                f"{archive.file.name} holds the hunt {said}, not {archive.hunt_id}", hint=_HINT
            )
        for number, flow in enumerate(flows_inside(content, archive.file.name)):
            place = (flow.client_id, flow.flow_id)
            if place in taken or not context.choice.flow(flow.flow_id, flow.active_at):
                continue
            if wrong := wrong_flow(archive.org, *place, context.manifest.orgs):
                raise BadInputError(f"{archive.file.name}: {wrong}", hint=_HINT)
            taken.add(place)
            uploads = _uploads(content, members, flow.folder)
            name = f"{archive.file.sha256}.{number}"
            # What the hunt's archive lacks is said of all of its flows, of none by name.
            yield _parcel(context, path, members, uploads, flow, name)


def flows_of_hunt(context: Context, archive: Archive) -> list[FlowInside]:
    """The flows in a hunt's archive. Raises like :func:`parcel_of_flow`."""
    with open_zip(context.fetch(archive.file), archive.file.name) as content:
        return flows_inside(content, archive.file.name)


def _parcel(
    context: Context,
    path: Path,
    members: Mapping[str, Member],
    uploads: tuple[int, int],
    flow: FlowInside,
    name: str,
) -> Parcel:
    rows, result_bytes = _results(members, flow.folder)
    into = context.folder / f"{name}.flow"
    if not flow.folder and "-" not in flow.client_id:
        path.rename(into)
    else:
        # With client_info.json in it, a server would cut the org off the id.
        flow_for_import(path, into, flow.folder)
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


def _results(members: Mapping[str, Member], folder: str) -> tuple[int, int]:
    """Rows and bytes of a flow's results."""
    found = [
        member
        for name, member in members.items()
        if name.startswith(folder) and _RESULTS.fullmatch(name.removeprefix(folder))
    ]
    return sum(member.lines for member in found), sum(member.size for member in found)


def _uploads(
    archive: zipfile.ZipFile, members: Mapping[str, Member], folder: str
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
        raise BadInputError(f"{index} can't be understood: {broken}", hint=_HINT) from broken
    # In the zip's names, what a path on an endpoint may have is percent-encoded.
    sizes = {unquote(name): member.size for name, member in members.items()}
    files = {name for upload in named for name in (upload, f"{upload}.idx") if name in sizes}
    return len(named), sum(sizes[name] for name in files)
