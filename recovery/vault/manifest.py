"""A recovery point's manifest: what was captured, from where, when, and every hash.

It is written last, so that a cut-off capture leaves no half recovery point. Objects are
named by the SHA-256 of their content; whatever the manifest doesn't name doesn't count.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from recovery.velociraptor.inventory import Inventory

SCHEMA = 1


def _in_utc(moment: datetime) -> datetime:
    """One without a zone is UTC, like every time in a recovery point: else none could be compared.

    Raises :class:`ValueError` for what is no time in UTC.
    """
    if not (ahead := moment.utcoffset()):
        return moment if ahead is not None else moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError as wrong:
        raise ValueError("it is no time in UTC") from wrong


Time = Annotated[datetime, AfterValidator(_in_utc)]
Part = Literal["redeploy", "backup", "state", "collections", "datastore"]
ServerKind = Literal["reference", "velociraptor"]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StoredObject(_Frozen):
    """An object: SHA-256 (hex) and size (bytes) of its content; ``name`` is for people."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)
    name: str


class Server(_Frozen):
    """The server it was captured from. ``kind`` is ``reference`` or ``velociraptor``."""

    kind: ServerKind
    version: str
    deployment: str
    """SHA-256 of the CA certificate: the identity that the endpoints trust."""
    uri: str
    server_urls: list[str]


class Package(_Frozen):
    """The server package, and the config's fingerprint inside it (it may be older)."""

    file: StoredObject
    version: str
    config_fingerprint: str
    origin: Literal["kept", "found on the server", "rebuilt from its files"]
    binary_sha256: str = ""
    """Of the binary on the server that it was rebuilt from."""


class OrgState(_Frozen):
    """One org's state: a tar of datastore files, paths relative to the datastore's folder."""

    org: str
    tar: StoredObject
    files: int
    client_list: Literal["written by the server", "joined with a fresh backup"]


class Backup(_Frozen):
    """A zip that Velociraptor's own ``backup()`` wrote in ``org`` (the root's holds every org)."""

    org: str
    file: StoredObject
    made_at: Time
    fresh: bool
    """True when it was made by this capture, False when found."""


class ServedFile(_Frozen):
    """A file that the server hands out to endpoints: its path below the datastore."""

    path: str
    file: StoredObject
    changed: float
    """Time of change on the server (epoch s)."""
    stamp: str = ""
    """Size, times and inode, hashed: while it stays, the file isn't read again. Empty: unknown."""


class NamedFiles(_Frozen):
    """The files that the config names by their paths (TLS, definitions of artifacts): a tar of
    them, paths without the first slash; ``digests``: full path → SHA-256 (hex) of the content.
    """

    tar: StoredObject
    digests: dict[str, str]


class DatastoreCopy(_Frozen):
    """A complete copy in a restic repository: ``snapshot`` is its id there, ``repository`` its
    address without any secret; files and bytes as restic counted them. ``beside_server``: it is
    a folder on the disk of the server itself, and goes with it.
    """

    repository: str
    snapshot: str = Field(pattern=r"^[0-9a-f]{64}$")
    files: int = 0
    bytes: int = 0
    beside_server: bool = False


class Archive(_Frozen):
    """A collection archive: an export zip of a flow or a hunt."""

    kind: Literal["flow", "hunt"]
    org: str
    file: StoredObject
    hostname: str = ""
    client_id: str = ""
    flow_id: str = ""
    hunt_id: str = ""
    artifacts: list[str] = []
    rows: int = 0
    upload_bytes: int = 0
    active_at: Time | None = None
    fingerprint: str = ""
    """What the server said of the collection: while it stays, the archive isn't made again."""
    lacks: str = ""
    """What the export should have had and hadn't: such an archive is made again next time."""


class FlowRecord(NamedTuple):
    """What the server said of a flow that has ended: the next capture need not ask again.

    It holds as long as ``stamp`` (of the flow's files on the server's disk) and ``host`` stay.
    A list in the manifest: there are thousands.
    """

    stamp: str
    host: str
    state: str
    active_at: int
    """Microseconds since the epoch, 0 when the server doesn't say."""
    rows: int
    upload_bytes: int
    artifacts: list[str]
    fingerprint: str


class Manifest(_Frozen):
    """The whole recovery point. ``point`` is its id: UTC time and a short random suffix."""

    schema_version: Literal[1] = 1
    point: str
    captured_at: Time
    """When the capture began: nothing newer than this is promised (the RPO counts from here)."""
    finished_at: Time
    parts: list[Part]
    server: Server
    package: Package
    config: StoredObject
    """The server.config.yaml in use at the capture."""
    config_newer: bool
    """True when it differs from the package's."""
    named: NamedFiles | None = None
    """Captured with every point: without them the server doesn't start."""
    state: list[OrgState] = []
    served: list[ServedFile] = []
    """Tools and other files for endpoints; a part of the state."""
    backups: list[Backup] = []
    archives: list[Archive] = []
    datastore: DatastoreCopy | None = None
    """The complete copy that was made with this point, where one was asked for."""
    inventory: Inventory
    flow_records: dict[str, dict[str, FlowRecord]] = {}
    """Org → ``client/flow`` → what was said of it, for the next capture."""
    org_names: dict[str, str] = {}
    """Every org's display name by its id."""
    gaps: list[str] = []
    """What could not be captured, by name: shown before and after a recovery."""

    @property
    def orgs(self) -> list[str]:
        """Every org's id, the root org first."""
        return sorted(self.inventory.orgs, key=lambda org: (org != "root", org))

    def objects(self) -> list[StoredObject]:
        """Every object that this point refers to."""
        return [
            self.package.file,
            self.config,
            *([self.named.tar] if self.named else []),
            *(state.tar for state in self.state),
            *(served.file for served in self.served),
            *(backup.file for backup in self.backups),
            *(archive.file for archive in self.archives),
        ]
