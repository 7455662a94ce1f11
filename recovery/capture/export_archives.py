"""Collection archives out of a running server: made by it, read from its disk, checked, stored.

A batch is one statement that makes the zips, one stream that brings them, one command that
removes them. While a batch is read, the server makes the next one.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, Protocol

from recovery.capture.check_zip import DamagedZipError, ZipContent, check_names, check_zip
from recovery.capture.collection import Collection
from recovery.capture.datastore_files import org_folder
from recovery.capture.download_path import disk_path
from recovery.capture.read_files import read_files
from recovery.capture.scene import Scene
from recovery.capture.server_downloads import ServerDownloads
from recovery.errors import ServerError
from recovery.vault.manifest import Archive, StoredObject

# Two at a time: on two cores as fast as four or faster, on either server, which stays responsive.
_EXPORT = """
SELECT * FROM foreach(row=parse_json_array(data=Wanted), workers=2,
                      query={SELECT Client, Id, EXPORT AS Export FROM scope()})
"""
_KNOWN = """
SELECT name AS Name FROM artifact_definitions(names=parse_json_array(data=Names))
"""
FLOW = """create_flow_download(client_id=Client, flow_id=Id, wait=TRUE, password=Password,
                              name=Token + Id)"""
HUNT = "create_hunt_download(hunt_id=Id, wait=TRUE, password=Password, base=Token)"
_BATCH = 100  # the last one is read, checked and stored while the server is idle
_BATCH_BYTES = 1 << 30
_SECONDS = 3600.0
_SPOOL = 8 << 20
_CHUNK = 1 << 20

Known = Mapping[str, Archive]
Made = tuple[dict[str, Collection], dict[Collection, str]]


class Keeper(Protocol):
    """Where archives go: the vault, or an export's folder."""

    def keep(self, item: Collection, zipped: IO[bytes]) -> StoredObject:
        """Stores one archive."""

    def note(self, archives: Sequence[Archive]) -> None:
        """Told after every batch what it stored."""


class Exporter:
    """Exports the collections of all orgs. ``known``: fingerprint → an archive that is kept."""

    def __init__(self, scene: Scene, keeper: Keeper, known: Known, *, password: str = "") -> None:
        self._scene = scene
        self._keeper = keeper
        self._known = known
        self._password = password
        self._downloads = ServerDownloads(scene.target, scene.files)
        self.archives: list[Archive] = []

    def export(self, wanted: Sequence[Collection]) -> list[Archive]:
        """Every collection's archive. What fails is a gap with its name; the others go on."""
        fresh = []
        for item in wanted:
            if item.running:
                self._scene.gap(f"{item.org}: {item.client_id} {item.ident} was still running")
            held = self._known.get(item.fingerprint)
            # One that lacked something is made again: perhaps it is there now, else it is a gap.
            if held and not held.lacks:
                self.archives.append(held)
            else:
                fresh.append(item)
        if not fresh:
            return self.archives
        failed = self._export_batches(batch(fresh), len(wanted))
        if failed:
            # One by one: a collection that the server stumbles over takes no others with it.
            failed = self._export_batches([[item] for item in failed], len(wanted))
        self._downloads.sweep()
        for item, why in failed.items():
            self._scene.gap(f"{_name(item)}: {why}")
        return self.archives

    def _export_batches(
        self, batches: Sequence[Sequence[Collection]], total: int
    ) -> dict[Collection, str]:
        """The collections that failed, and why."""
        failed: dict[Collection, str] = {}
        with ThreadPoolExecutor(1) as pool:
            making: Future[Made] | None = None
            try:
                for place, items in enumerate(batches):
                    made, refused = (making or pool.submit(self._make, items)).result()
                    following = batches[place + 1 : place + 2]
                    making = pool.submit(self._make, following[0]) if following else None
                    before = len(self.archives)
                    failed |= refused | self._read(made)
                    self._say(total)
                    # A capture that is cut off here is gone on with from here.
                    self._keeper.note(self.archives[before:])
            except BaseException:
                if making:
                    self._downloads.remove(list(making.result()[0]))
                raise
        return failed

    def _make(self, items: Sequence[Collection]) -> Made:
        """Path of each new zip in the datastore → its collection; and what was refused."""
        org, kind = items[0].org, items[0].kind
        wanted = [{"Client": item.client_id, "Id": item.ident} for item in items]
        vql = _EXPORT.replace("EXPORT", FLOW if kind == "flow" else HUNT)
        env = {
            "Wanted": json.dumps(wanted),
            "Password": self._password,
            "Token": self._downloads.token,
        }
        self._downloads.save_sidecars([download_folder(item) for item in items])
        try:
            answer = self._scene.api.ask(vql, env=env, org=org, timeout=_SECONDS)
        except ServerError as refused:
            return {}, dict.fromkeys(items, refused.message.rsplit("`: ", 1)[-1][:300])
        exports = {(row["Client"], row["Id"]): row["Export"] for row in answer.rows}
        made: dict[str, Collection] = {}
        failed: dict[Collection, str] = {}
        for item in items:
            path = exports.get((item.client_id, item.ident))
            if path:
                made[org_folder(org) + disk_path(str(path))] = item
            else:
                telling = (line for line in answer.log if item.ident in line or "ERROR" in line)
                said = next(telling, "no reason given")
                failed[item] = f"the server made no export: {said}"
        return made, failed

    def _read(self, made: dict[str, Collection]) -> dict[Collection, str]:
        scene = self._scene
        left = dict(made)
        failed: dict[Collection, str] = {}
        try:
            with read_files(scene.target, scene.files, list(made)) as files:
                for file in files:
                    item = left.pop(file.path)
                    with tempfile.SpooledTemporaryFile(max_size=_SPOOL) as zipped:
                        while chunk := file.content.read(_CHUNK):
                            zipped.write(chunk)
                        try:
                            self._store(item, zipped)
                        except DamagedZipError as damaged:
                            failed[item] = f"the export is not usable: {damaged}"
        finally:
            self._downloads.remove(list(made))
        gone = "the export is not where the server says it is"
        return failed | dict.fromkeys(left.values(), gone)

    def _store(self, item: Collection, zipped: IO[bytes]) -> None:
        scene = self._scene
        zipped.seek(0)
        if self._password:
            # The content is one encrypted member; the server's own counts have to do.
            names = check_names(zipped, needs=["data.zip"])
            content = ZipContent(names, item.rows, item.upload_bytes)
        else:
            needs = ["hunt_info.json"] if item.kind == "hunt" else ["collection_context.json"]
            content = check_zip(zipped, needs=needs)
        lacks = lacking(item, content)
        if lacks:
            scene.gap(f"{_name(item)}: the export has {lacks}{self._why(item, content)}")
        zipped.seek(0)
        flow = item.kind == "flow"
        self.archives.append(
            Archive(
                kind="flow" if flow else "hunt",
                org=item.org,
                file=self._keeper.keep(item, zipped),
                hostname=item.hostname,
                client_id=item.client_id,
                flow_id=item.ident if flow else "",
                hunt_id="" if flow else item.ident,
                artifacts=list(item.artifacts),
                rows=content.rows,
                upload_bytes=content.upload_bytes,
                active_at=item.active_at,
                fingerprint=item.fingerprint,
                lacks=lacks,
            )
        )

    def _why(self, item: Collection, content: ZipContent) -> str:
        """The artifacts that were removed since: a server's export leaves their rows out."""
        names = {name.partition("/")[0] for name in item.artifacts}
        if content.rows >= item.rows or not names:
            return ""
        env = {"Names": json.dumps(sorted(names))}
        known = {row["Name"] for row in self._scene.api.ask(_KNOWN, env=env, org=item.org).rows}
        if not (gone := sorted(names - known)):
            return ""
        return (
            f": the server has no {', '.join(gone)} any more, and exports none of its rows; "
            "set the artifact once more, then capture again"
        )

    def _say(self, total: int) -> None:
        held = sum(archive.file.size for archive in self.archives)
        self._scene.say(f"export {len(self.archives)}/{total} collections · {held / 1e6:.1f} MB")


def lacking(item: Collection, content: ZipContent) -> str:
    """What an export has of what it should have; empty when it has all of it.

    The server says the rows, the export's own list the uploads. A flow that still runs has
    its own gap.
    """
    if content.rows < item.rows and not item.running:
        return f"{content.rows} of {item.rows} rows"
    if content.upload_bytes < content.listed_bytes:
        return f"{content.upload_bytes} of {content.listed_bytes} bytes of uploads"
    return ""


def download_folder(item: Collection) -> str:
    """Where the server puts a collection's exports, relative to the datastore."""
    inside = f"{item.client_id}/{item.ident}" if item.kind == "flow" else f"hunts/{item.ident}"
    return f"{org_folder(item.org)}downloads/{inside}"


def batch(items: Sequence[Collection]) -> list[list[Collection]]:
    """Pieces of one org and kind, of at most 100 collections and about a GB of uploads."""
    batches: list[list[Collection]] = []
    size = 0
    for item in items:
        last = batches[-1] if batches else []
        same = bool(last) and (last[0].org, last[0].kind) == (item.org, item.kind)
        if not same or len(last) >= _BATCH or size + item.upload_bytes > _BATCH_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(item)
        size += item.upload_bytes
    return batches


def _name(item: Collection) -> str:
    return f"{item.org}: {item.client_id} {item.ident}".replace("  ", " ")
