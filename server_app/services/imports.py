"""Import of exported flows and hunts, with all that goes wrong in it (facts: "Exports …").

Matching by host name before the id, cut org suffixes, new ids for what is there already, silent
loss of a damaged member's rows: all as in a real server.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO

from server_app.datastore import ids, names, records, tables
from server_app.services.errors import ServiceError
from server_app.services.hunts import STOPPED
from server_app.services.zips import BROKEN, read_lines

if TYPE_CHECKING:
    from server_app.services.org import OrgServices


class WrongPasswordError(Exception):
    """The password doesn't open the archive."""


class Importer:
    """One import; `display` is what messages call the zip."""

    def __init__(
        self, org: OrgServices, display: str, log: Callable[[str], None], accessor: str = ""
    ) -> None:
        self._org, self._display, self._log = org, display, log
        self._accessor = accessor
        self._zip: zipfile.ZipFile | None = None
        self._members: dict[str, str] = {}

    def _inside_zip(self, member: str) -> str:
        """How messages name a member: the accessor only if the call named it."""
        spec = {"DelegateAccessor": self._accessor} if self._accessor else {}
        spec |= {"DelegatePath": self._display, "Path": "/" + member}
        return json.dumps(spec, separators=(",", ":"))

    def run(
        self,
        open_zip: Callable[[], BinaryIO],
        *,
        client_id: str,
        hostname: str,
        import_type: str,
        password: str,
    ) -> dict[str, Any]:
        """Imports; a hunt if the zip holds one and nothing else was asked for."""
        try:
            stream = open_zip()
        except OSError as error:
            if isinstance(error.__cause__, IsADirectoryError):
                for _ in range(3):
                    self._log(str(error))
            raise ServiceError(f"unable to load collection_context: {error}") from error
        with stream:
            try:
                self._zip = _opened(stream, password)
            except WrongPasswordError as error:
                where = self._inside_zip("data.zip")
                raise ServiceError(
                    "unable to load collection_context: While reading ZipFile data.zip of reader "
                    f"OSFileWrapper {self._display} (closed false) {where}: zip: invalid password"
                ) from error
            except BROKEN as error:
                invalid = "zip: not a valid zip file"
                for _ in range(3):
                    self._log(invalid)
                raise ServiceError(f"unable to load collection_context: {invalid}") from error
            for member in self._zip.namelist():
                self._members.setdefault(member.casefold(), member)
            is_hunt = "hunt_info.json" in self._zip.namelist()
            if import_type == "hunt" or (import_type != "collector" and is_hunt):
                return self._hunt()
            return records.compact("Flow", self._flow("", client_id, hostname))

    # -- reading the zip

    def _read(self, name: str) -> bytes | None:
        """A member, as far as it can be read; None if it is missing.

        Capital letters make no difference: the first of those that differ in nothing else.
        """
        member = self._members.get(name.casefold())
        return None if self._zip is None or member is None else read_lines(self._zip, member)

    def _record(self, name: str) -> Any:
        data = self._read(name)
        if data is None:
            return None
        try:
            return json.loads(data)
        except ValueError:
            return None

    # -- a flow

    def _flow(self, prefix: str, client_id: str, hostname: str) -> records.Record:
        path = prefix + "collection_context.json"
        found = self._record(path)
        try:
            flow = records.from_object("Flow", found) if found else {}
        except records.RecordError:
            flow = {}
        if not flow.get("session_id"):
            where = self._inside_zip(path)
            raise ServiceError(f"unable to load collection_context: Zip: NotFoundError: {where}.")
        client_id = self._client(prefix, "" if client_id == "auto" else client_id, hostname)
        flow["client_id"] = client_id
        if self._org.flows.get(client_id, flow["session_id"], request=False) is not None:
            flow["session_id"] = ids.flow()
        self._store(flow, prefix)
        self._org.hunts.flow_ended(flow)
        self._org.imported_or_completed(flow)
        return flow

    def _store(self, flow: records.Record, prefix: str) -> None:
        client_id, flow_id = flow["client_id"], flow["session_id"]
        files = self._org.flows.files(client_id, flow_id)
        try:
            files.save({**flow, "request": flow.get("request", {})})
            files.add_to_index(flow)
            found = self._record(prefix + "requests.json") or {}
            tasks = records.from_object("Tasks", found).get("items") or [{}]
            files.save_task(tasks[0])
            self._table(prefix + "log.json", files.logs)
            for name in flow.get("artifacts_with_results", []):
                self._table(f"{prefix}results/{names.in_zip(name)}.json", files.results(name))
            self._uploads(prefix, client_id, flow_id)
        except (OSError, ValueError) as error:
            raise ServiceError(str(error)) from error

    def _table(self, member: str, path: Any) -> None:
        data = self._read(member)
        if data is None:
            self._log(f"import_flow: Zip: NotFoundError: {self._inside_zip(member)}.")
            return
        whole = [line + b"\n" for line in data.split(b"\n")[:-1] if line]
        for old in (path, tables.index_path(path)):
            old.unlink(missing_ok=True)
        tables.append_lines(path, whole)

    def _uploads(self, prefix: str, client_id: str, flow_id: str) -> None:
        data = self._read(prefix + "uploads.json")
        if data is None:
            return
        base = ["clients", client_id, "collections", flow_id, "uploads"]
        rows = []
        for line in data.splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue
            inside = row.get("_Components") or []
            if not inside or inside[0] != "uploads":
                continue
            target = [*base, *inside[1:]]
            # The ranges of a sparse file lie beside it, listed under its name (seen on 0.77.2).
            end = ".idx" if row.get("Type") == "idx" else ""
            self._upload(prefix + _inside(inside) + end, [*target[:-1], target[-1] + end])
            rows.append({**row, "_Components": target})
        if rows or data == b"":
            tables.replace(self._org.flows.files(client_id, flow_id).uploads, rows)

    def _upload(self, member: str, target: list[str]) -> None:
        data = self._read(member)
        source = self._inside_zip(member)
        if data is None:
            self._log(f"import_flow: Zip: NotFoundError: {source}.")
            return
        self._log(f"import_collection: Copying {source} to /{'/'.join(target)}")
        self._org.store.write(self._org.store.path(*target), data)

    # -- the client

    def _client(self, prefix: str, client_id: str, hostname: str) -> str:
        """Which client the flow goes to: a given id, else one with the same host name, else the
        id in the zip; an ``-ORGID`` suffix is cut from all of them.
        """
        info = self._record(prefix + "client_info.json")
        if isinstance(info, dict):
            hostname = str(info.get("hostname") or hostname)
            if not client_id and hostname:
                self._log(f"Searching for a client id with hostname '{hostname}'")
                for row in self._org.clients.list(search=f"host:{hostname}"):
                    if row["os_info"]["hostname"].lower() == hostname.lower():
                        self._log(f"client id found '{row['client_id']}'")
                        return str(row["client_id"])
            client_id = client_id or str(info.get("client_id") or "")
            client_id = client_id.partition("-")[0]
            if client_id:
                self._log(
                    "Found client_info.json file in collection: "
                    f"Using client id '{client_id}' and hostname '{hostname}'"
                )
        if not client_id:
            client_id = ids.new_client()
            self._log(f"Creating a new client id '{client_id}'")
        if self._org.clients.record(client_id) is None:
            now = time.time()
            try:
                self._org.clients.create(
                    client_id=client_id, hostname=hostname, first_seen_at=now, last_seen_at=now
                )
            except ServiceError as error:
                self._log(f"ERROR:client_create: {error}")
                raise ServiceError("Failed to create client.") from error
        return client_id

    # -- a hunt

    def _hunt(self) -> dict[str, Any]:
        found = self._record("hunt_info.json")
        if not isinstance(found, dict):
            shown = self._inside_zip("hunt_info.json")
            raise ServiceError(f"importHunt: Zip: NotFoundError: {shown}.")
        try:
            hunt = records.from_object("Hunt", found)
        except records.RecordError as error:
            raise ServiceError(f"importHunt: {error}") from error
        hunt_id = hunt.get("hunt_id") or ids.hunt()
        if self._org.hunts.get(hunt_id, request=False) is not None:
            hunt_id = ids.hunt()
        hunt |= {"hunt_id": hunt_id, "state": STOPPED}
        hunt.pop("org_ids", None)
        try:
            self._org.hunts.create_record(hunt)
        except ServiceError as error:
            raise ServiceError(f"importHunt: {error}") from error
        for folder in self._folders():
            try:
                flow = self._flow(folder + "/", "", "")
                self._org.hunts.assign(hunt_id, flow["client_id"], flow["session_id"])
            except ServiceError as error:
                self._log(f"import_collection: importFlow: {error}")
        return records.spelled("Hunt", hunt)

    def _folders(self) -> list[str]:
        listed = self._zip.namelist() if self._zip else []
        tops = dict.fromkeys(name.partition("/")[0] for name in listed if "/" in name)
        return [top for top in tops if top not in {"results", "uploads"}]


def _inside(components: list[str]) -> str:
    return "/".join(names.in_zip(part) for part in components)


def _opened(stream: BinaryIO, password: str) -> zipfile.ZipFile:
    """The zip itself, or the one inside an encrypted ``data.zip``."""
    archive = zipfile.ZipFile(stream)
    if archive.namelist() != ["data.zip"] or not password:
        return archive
    import pyzipper  # type: ignore[import-untyped]

    stream.seek(0)
    with pyzipper.AESZipFile(stream) as sealed:
        try:
            content = sealed.read("data.zip", pwd=password.encode())
        except RuntimeError as error:
            raise WrongPasswordError from error
    return zipfile.ZipFile(io.BytesIO(content))
