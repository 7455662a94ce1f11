"""A machine and a server in memory, on which a recovery can be killed at any moment.

The server imports as a real one does: the flow's record first, then the list of flows, its rows
one by one, and its uploads; a taken id leads to a new one; deleting a flow empties its client's
list. Every operation costs a tick; at the given tick everything stops, in the middle of whatever
it was.
"""

import io
import json
import tarfile
import zipfile
from collections import defaultdict

from recovery.commands import Result
from recovery.errors import ServerError
from recovery.restore import (
    call_restore,
    count_imported,
    delete_flows,
    disk_sizes,
    hunts_before,
    import_flows,
    import_hunts,
    inbox,
    kept_lines,
    restore_backup,
    settle_hunts,
    what_is_there,
    write_hunt,
)
from recovery.velociraptor.api import Answer
from recovery.velociraptor.archive_file import hunt_of_flow

FINISHED = ("total_clients_with_results", "total_finished_clients")


class KilledError(BaseException):
    """SIGKILL: no handler of errors sees it."""


class World:
    """What survives a kill: the machine's files and the server's flows."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.inbox: dict[str, bytes] = {}
        self.flows: dict[tuple[str, str, str], dict] = {}
        self.hunts: dict[tuple[str, str], set] = {}
        self.records: dict[tuple[str, str], dict] = {}
        """What the server says of its hunts: ``state``, ``stats``."""
        self.orgs = ["root", "OACME"]
        self.lost: set[str] = set()
        """Flows whose rows the server doesn't write, for whatever reason."""
        self.cut: set[str] = set()
        """Flows of whose uploads it writes half of the bytes."""
        self.refused: set[str] = set()
        """Flows that the server does not take."""
        self.ticks: int | None = None
        self.removed: set[str] = set()
        """Artifacts that it hasn't got: a hunt of one is not taken."""
        self.written: list[dict] = []
        """Hunts as they were restored, one after the other."""
        self.room: int | None = None
        """Rows that the disk still takes; of more the server says nothing but in its log."""
        self.restarts = 0
        self.boot = 1

    def tick(self) -> None:
        if self.ticks is not None:
            self.ticks -= 1
            if self.ticks < 0:
                raise KilledError

    def summary(self):
        """What an operator could count: every flow with its content, every hunt.

        A client's list that is empty is made anew for whoever asks.
        """
        listed = {key[:2] for key, flow in self.flows.items() if flow["listed"]}
        return (
            {
                key: (flow["rows"], flow["bytes"])
                if flow["listed"] or key[:2] not in listed
                else "not listed"
                for key, flow in self.flows.items()
            },
            {key: frozenset(members) for key, members in self.hunts.items()},
        )


class Machine:
    """The target: a shell that knows only what the import asks of it."""

    uri = "simulated://"

    def __init__(self, world: World) -> None:
        self.world = world

    def run(self, argv, *, stdin=None, timeout=60, check=True, stdout=None):
        world = self.world
        if argv[2:3] == [inbox._UNPACK]:
            self._take_in(argv[4], stdin, stdout)
            return Result(tuple(argv), 0, b"", b"")
        world.tick()
        out = b""
        if argv[:2] == ["sh", "-c"] and argv[2] == kept_lines.READ:
            out = world.files.get(argv[4], b"")
            out += b'\n{"boot": "%d"}\n' % world.boot if argv[5] else b""
        elif argv[:2] == ["sh", "-c"] and argv[2] == kept_lines.APPEND:
            self._append(argv[4], stdin)
        elif argv[:2] == ["sh", "-c"] and argv[2] == disk_sizes._SIZES:
            records = {
                f"{'' if org == 'root' else f'orgs/{org}/'}clients/{client}/collections/{flow}"
                for org, client, flow in [*world.flows]  # another lane may import meanwhile
            }
            names = stdin.decode().split("\0")
            found = [name for name in names if name.removesuffix(".json.db") in records]
            out = "".join(f"7 {name}\n" for name in found).encode()
        elif argv[:1] == ["df"]:
            out = b"Avail Mounted on\n%d /data\n" % (0 if world.room == 0 else 1 << 40)
        elif argv[:1] == ["systemctl"]:
            world.restarts += 1
        elif argv[:2] == ["rm", "-rf"]:
            world.inbox = {}
        return Result(tuple(argv), 0, out, b"")

    def _take_in(self, folder, stdin, stdout):
        """Batch after batch; a kill in the middle ends it without a word."""
        while line := stdin.readline():
            lane, size = line.decode().split()
            content = b""
            while len(content) < int(size):
                content += stdin.read(int(size) - len(content))
            try:
                with tarfile.open(fileobj=io.BytesIO(content)) as tar:
                    for member in tar:
                        self.world.tick()
                        path = f"{folder}/{lane}/{member.name}"
                        self.world.inbox[path] = tar.extractfile(member).read()
            except KilledError:
                return
            stdout.write(f"0 {folder}/{lane}\n".encode())

    def _append(self, path, data):
        """Byte by byte, so that a kill can leave half a line."""
        before = self.world.files.get(path, b"")
        if before and not before.endswith(b"\n"):
            before += b"\n"
        for end in range(0, len(data) + 1, max(1, len(data) // 4)):
            self.world.files[path] = before + data[:end]
            self.world.tick()
        self.world.files[path] = before + data

    def put(self, source, path, *, mode, owner="root:root"):
        self.world.tick()
        self.world.inbox[path] = source.read_bytes()

    def close(self):
        pass


class Server:
    """The API: answers the import's own queries."""

    def __init__(self, world: World) -> None:
        self.world = world

    def wait_ready(self, timeout=60):
        return 0.0

    def query(self, vql, *, env=None, org="root", timeout=600, min_rows=0):
        return self.ask(vql, env=env, org=org).rows

    def ask(self, vql, *, env=None, org="root", timeout=600):
        self.world.tick()
        if org not in self.world.orgs:
            raise ServerError(f"org {org}: `{vql}`: PERMISSION_DENIED: Org not found")
        given = {name: json.loads(text) for name, text in (env or {}).items() if text[:1] in "[{"}
        rows = {
            import_flows._IMPORT: lambda: [
                {"Client": p["Client"], "Flow": p["Flow"], "Got": self._import(org, p)}
                for p in given["Parcels"]
            ],
            delete_flows._DELETE: lambda: self._delete(org, given["Flows"]),
            delete_flows._LIST: lambda: self._list(org, given["Clients"]),
            what_is_there._EXISTING: lambda: [
                flow
                for flow in given["Flows"]
                if (org, flow["Client"], flow["Flow"]) in self.world.flows
            ],
            count_imported._ROWS: lambda: [
                {"Client": p["Client"], "Flow": p["Flow"], "Rows": flow["rows"]}
                for p in given["Parcels"]
                if (flow := self.world.flows.get((org, p["Client"], p["Flow"])))
            ],
            count_imported._FILES: lambda: [
                {"Client": p["Client"], "Flow": p["Flow"], "Size": flow["bytes"]}
                for p in given["Parcels"]
                if (flow := self.world.flows.get((org, p["Client"], p["Flow"])))
            ],
            count_imported._UPLOADS: lambda: [
                {"Client": p["Client"], "Flow": p["Flow"]}
                for p in given["Parcels"]
                if (flow := self.world.flows.get((org, p["Client"], p["Flow"]))) and flow["bytes"]
            ],
            import_hunts._HUNTS: lambda: [
                {"Hunt": hunt} for of, hunt in self.world.hunts if of == org
            ],
            import_hunts._IMPORT: lambda: [{"Hunt": self._import_hunt(org, (env or {})["File"])}],
            write_hunt._KNOWN: lambda: [
                {"Name": name} for name in given["Names"] if name not in self.world.removed
            ],
            import_hunts._MEMBERS: lambda: [
                {"Hunt": hunt["Hunt"], "Client": client, "Flow": flow}
                for hunt in given["Hunts"]
                for client, flow in self.world.hunts[org, hunt["Hunt"]]
            ],
            import_hunts._ADD: lambda: [self._add(org, m) for m in given["Members"]],
            restore_backup.ORGS: lambda: [{"OrgId": org} for org in self.world.orgs],
            hunts_before._COUNTS: lambda: self._records(org),
            settle_hunts._LIVE: lambda: self._records(org),
            settle_hunts._MEMBERS: lambda: [
                {"Hunt": hunt["Hunt"], "Members": len(members)}
                for hunt in given["Hunts"]
                if (members := self.world.hunts[org, hunt["Hunt"]])
            ],
            settle_hunts._WHOLE: lambda: [
                row for row in self._records(org) if {"Hunt": row["hunt_id"]} in given["Hunts"]
            ],
            call_restore._RESTORE: lambda: self._restore(org),
        }[vql]()
        return Answer(rows, [])

    def _records(self, org):
        return [
            {"hunt_id": hunt, "hunt_description": "", "tags": [], "expires": 0}
            | json.loads(json.dumps(record))
            for (of, hunt), record in self.world.records.items()
            if of == org
        ]

    def _count(self, org, hunt, *names):
        """Added to what it says; never the other way round."""
        if (org, hunt) in self.world.records:
            stats = self.world.records[org, hunt]["stats"]
            for name in names:
                stats[name] = stats.get(name, 0) + 1

    def _restore(self, org):
        (raw,) = [data for path, data in self.world.inbox.items() if path.endswith("recovery.zip")]
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            for line in archive.read(f"orgs/{org}/hunts.json").splitlines():
                self.world.tick()
                row = json.loads(line)
                self.world.written.append(row)
                self.world.hunts.setdefault((org, row["hunt_id"]), set())
                record = {name: row[name] for name in ("state", "stats")}
                self.world.records[org, row["hunt_id"]] = record
        return [{"Name": "Hunt", "Error": ""}]

    def _import(self, org, parcel):
        raw = self.world.inbox[parcel["File"]]
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            flow_id = parcel["Flow"]
            if flow_id in self.world.refused:
                return None
            key = (org, parcel["Client"], flow_id)
            if key in self.world.flows:
                flow_id = f"F.NEW{len(self.world.flows)}"
                key = (org, parcel["Client"], flow_id)
            self.world.tick()
            flow = self.world.flows[key] = {"rows": 0, "bytes": 0, "listed": False}
            self.world.tick()
            flow["listed"] = True
            for name in archive.namelist():
                if name.startswith("results/"):
                    for _ in archive.read(name).splitlines():
                        self.world.tick()
                        flow["rows"] += flow_id not in self.world.lost and self._has_room()
            for name in archive.namelist():
                if name.startswith("uploads/"):
                    self.world.tick()
                    size = len(archive.read(name))
                    flow["bytes"] += size // 2 if flow_id in self.world.cut else size
        self.world.tick()
        self._count(org, hunt_of_flow(flow_id), *FINISHED)
        return {"client_id": parcel["Client"], "session_id": flow_id}

    def _has_room(self):
        if self.world.room is None:
            return True
        self.world.room -= (had := self.world.room > 0)
        return had

    def _delete(self, org, flows):
        """Of the clients' other flows none is listed afterwards."""
        for flow in flows:
            self.world.tick()
            for other in self._of_client(org, flow["Client"]).values():
                other["listed"] = False
            self.world.tick()
            self.world.flows.pop((org, flow["Client"], flow["Flow"]), None)
        return []

    def _list(self, org, clients):
        """A list that is empty is made anew; one that lacks something is taken as it is."""
        rows = []
        for client in (one["Client"] for one in clients):
            flows = self._of_client(org, client)
            if not any(flow["listed"] for flow in flows.values()):
                self.world.tick()
                for flow in flows.values():
                    flow["listed"] = True
            rows += [{"Client": client}] if flows else []
        return rows

    def _of_client(self, org, client):
        return {key: flow for key, flow in self.world.flows.items() if key[:2] == (org, client)}

    def _import_hunt(self, org, path):
        with zipfile.ZipFile(io.BytesIO(self.world.inbox[path])) as archive:
            record = json.loads(archive.read("hunt_info.json"))
            ident = record["hunt_id"]
        if self.world.removed.intersection(record.get("start_request", {}).get("artifacts", [])):
            return None
        if (org, ident) in self.world.hunts:
            ident = f"H.NEW{len(self.world.hunts)}"
        self.world.tick()
        self.world.hunts[org, ident] = set()
        self.world.records[org, ident] = {"state": "STOPPED", "stats": record.get("stats", {})}
        return ident

    def _add(self, org, member):
        self.world.tick()
        self.world.hunts[org, member["Hunt"]].add((member["Client"], member["Flow"]))
        self._count(org, member["Hunt"], "total_clients_scheduled", *FINISHED)
        return {"Added": True}


def archive_of(client, flow, rows, upload=b"", **more):
    """An export of a flow with so many rows; ``more`` of its record."""
    members = defaultdict(bytes)
    context = {"client_id": client, "session_id": flow, "artifacts_with_results": ["Custom.A"]}
    context |= more
    members["collection_context.json"] = json.dumps(context).encode()
    members["results/Custom.A.json"] = b"".join(b'{"a":%d}\n' % n for n in range(rows))
    if upload:
        members["uploads/auto/x"] = upload
        members["uploads.json"] = b'{"_Components":["uploads","auto","x"]}\n'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def hunt_of(hunt, *flows, **record):
    """An export of a hunt, with the folders of its flows (client, flow, rows)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("hunt_info.json", json.dumps({"hunt_id": hunt, **record}))
        for number, (client, flow, rows) in enumerate(flows):
            with zipfile.ZipFile(io.BytesIO(archive_of(client, flow, rows))) as inner:
                for name in inner.namelist():
                    archive.writestr(f"host{number}/{name}", inner.read(name))
    return out.getvalue()
