"""Recovery points made by hand: a good one out of real files, to be spoilt in one place."""

import hashlib
import io
import json
import tarfile
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from recovery.drill.fixture_files import flow
from recovery.vault.folder_shelf import FolderShelf
from recovery.vault.manifest import (
    Archive,
    Backup,
    Manifest,
    NamedFiles,
    OrgState,
    Package,
    Server,
    StoredObject,
)
from recovery.vault.shelf_vault import ShelfVault
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.inventory import ITEMS, Inventory

REAL = Path(__file__).parents[2] / "fixtures" / "velociraptor-0.77.2"
CONFIG = (REAL / "server.config.yaml").read_bytes()
BACKUP = (REAL / "backup_root_before_disaster.zip").read_bytes()
HUNT = (REAL / "hunt_H.DC1TTKB0VNFA8.zip").read_bytes()
FLOW = flow("flow_custom_artifact.zip")
STATE = {
    "acl/ann.json.db": b"{}",
    "users/ann.db": b"\x0a\x03ann\x12\x01x",
    "hunts/H.A.json.db": b"{}",
}
CLIENT, FLOW_ID, HUNT_ID = "C.cad7afe0171b436e", "F.DC1TTK8CU03NE", "H.DC1TTKB0VNFA8"


def tar_of(*members: tarfile.TarInfo | str, data: bytes = b"{}") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for given in members:
            member = tarfile.TarInfo(given) if isinstance(given, str) else given
            member.size = len(data) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def tar_with(files: dict[str, bytes], mode: str = "w") -> bytes:
    """A tar of files with their contents."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=tarfile.PAX_FORMAT) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def user_record(name: str) -> bytes:
    """A user's own record: the name, and a hash."""
    raw = name.encode()
    return bytes([0x0A, len(raw)]) + raw + b"\x12\x01x"


def special(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


def zip_of(members: dict[str, bytes | zipfile.ZipInfo], data: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            if isinstance(content, zipfile.ZipInfo):
                archive.writestr(content, data)
            else:
                archive.writestr(name, content)
    return out.getvalue()


def unzipped(raw: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def flow_with(**changed: object) -> bytes:
    """The good flow's archive, its context changed."""
    members = unzipped(FLOW)
    context = json.loads(members["collection_context.json"]) | changed
    return zip_of({**members, "collection_context.json": json.dumps(context).encode()})


def deb_of(
    control: str = "Package: velociraptor-server\nVersion: 0.77.2-1\n", **parts: bytes
) -> bytes:
    members = {"debian-binary": b"2.0\n", "control.tar": tar_of("./control", data=control.encode())}
    members |= {"data.tar": tar_of("./usr")} | parts
    out = b"!<arch>\n"
    for name, content in members.items():
        if content:
            out += f"{name:<16}{0:<12}{0:<6}{0:<6}{0o100644:<8o}{len(content):<10}`\n".encode()
            out += content + b"\n" * (len(content) % 2)
    return out


class Point:
    """A vault with one recovery point; every part of it can be another one before it is made."""

    def __init__(self, folder: Path, keys=None) -> None:
        self.vault = ShelfVault(FolderShelf(folder), keys)
        self.folder = folder
        self.package = deb_of()
        self.config = CONFIG
        self.state = tar_with(STATE)
        self.backup = BACKUP
        self.flow = FLOW
        self.hunt = HUNT
        self.named: bytes | None = None
        self.digests: dict | None = None
        self.changes: dict = {}
        self.archive_changes: dict = {}
        self.hunt_changes: dict = {}

    def _put(self, raw: bytes, name: str) -> StoredObject:
        return self.vault.put(io.BytesIO(raw), name)

    def _named(self) -> NamedFiles | None:
        """The tar as given; the manifest names what is in it, unless told otherwise."""
        if self.named is None:
            return None
        digests = self.digests
        if digests is None:
            with tarfile.open(fileobj=io.BytesIO(self.named)) as tar:
                digests = {
                    f"/{member.name}": hashlib.sha256(file.read()).hexdigest()
                    for member in tar
                    if (file := tar.extractfile(member) if member.isreg() else None)
                }
        return NamedFiles(tar=self._put(self.named, "named-files.tar"), digests=digests)

    def make(self) -> Manifest:
        config = ServerConfig.parse(CONFIG)
        now = datetime.now(UTC) - timedelta(hours=1)
        flow_archive = Archive(
            kind="flow",
            org="root",
            file=self._put(self.flow, "flow.zip"),
            client_id=CLIENT,
            flow_id=FLOW_ID,
            rows=1,
        )
        hunt_archive = Archive(
            kind="hunt", org="root", file=self._put(self.hunt, "hunt.zip"), hunt_id=HUNT_ID
        )
        items = {item: {} for item in ITEMS}
        manifest = Manifest(
            point=f"{now:%Y%m%dT%H%M%SZ}-aaaaaa",
            captured_at=now,
            finished_at=now,
            parts=["redeploy", "backup", "state", "collections"],
            server=Server(
                kind="velociraptor",
                version="0.77.2",
                deployment=config.deployment,
                uri="x",
                server_urls=[],
            ),
            package=Package(
                file=self._put(self.package, "server.deb"),
                version="0.77.2-1",
                config_fingerprint=hashlib.sha256(CONFIG).hexdigest(),
                origin="kept",
            ),
            config=self._put(self.config, "server.config.yaml"),
            config_newer=False,
            named=self._named(),
            state=[
                OrgState(
                    org="root",
                    tar=self._put(self.state, "state root.tar"),
                    files=3,
                    client_list="written by the server",
                )
            ],
            backups=[
                Backup(
                    org="root", file=self._put(self.backup, "backup root"), made_at=now, fresh=True
                )
            ],
            archives=[
                flow_archive.model_copy(update=self.archive_changes),
                hunt_archive.model_copy(update=self.hunt_changes),
            ],
            inventory=Inventory(orgs={"root": {**items, "acls": {"ann": "1"}}, "OACME": items}),
            org_names={"root": "<root>", "OACME": "Acme"},
        ).model_copy(update=self.changes)
        self.vault.commit(manifest)
        return manifest

    def stored(self, item: StoredObject) -> Path:
        """The file in the vault that holds an object."""
        (name,) = [n for n in self.vault.object_names(item) if (self.folder / n).exists()][:1]
        return self.folder / name
