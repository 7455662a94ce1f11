"""What clients and the server watch all the time: the two event tables.

``config/client_monitoring.json.db`` and ``config/server_monitoring.json.db``; neither is in a
backup (facts: "backup() …").
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from server_app.datastore import records
from server_app.services import requests
from server_app.services.errors import ServiceError
from server_app.services.table_faults import first_fault

if TYPE_CHECKING:
    from server_app.services.org import OrgServices

_CLIENT, _SERVER = "client_monitoring", "server_monitoring"
_DEFAULT_SERVER = ["Server.Monitor.Health", "Server.Monitoring.RSSFeeds"]
_DEFAULT_CLIENT = ["Generic.Client.Stats"]
_QUARANTINE = "Quarantine"
_QUARANTINE_ARTIFACT = "Windows.Remediation.QuarantineMonitor"


class Monitoring:
    """The event tables of an org."""

    def __init__(self, org: OrgServices) -> None:
        self._org = org

    def load(self) -> None:
        """Writes the default tables where there are none."""
        frontend = self._org.server.config.get("Frontend") or {}
        if not self._org.store.exists("config", _SERVER):
            extra = frontend.get("default_server_monitoring_artifacts") or []
            self._save_server({"artifacts": [*_DEFAULT_SERVER, *extra]})
        if not self._org.store.exists("config", _CLIENT):
            wanted = frontend.get("default_client_monitoring_artifacts") or _DEFAULT_CLIENT
            quarantine = {"label": _QUARANTINE, "artifacts": {"artifacts": [_QUARANTINE_ARTIFACT]}}
            self._save_client({"artifacts": {"artifacts": wanted}, "label_events": [quarantine]})

    # -- the server's own

    def get_server(self) -> dict[str, Any]:
        return self._org.store.load("Args", "config", _SERVER) or {}

    def set_server(self, value: dict[str, Any] | str) -> dict[str, Any]:
        """set_server_monitoring(). Raises ServiceError for a value of the wrong shape."""
        table = _checked("Args", value)
        saved = self._save_server(table)
        return {**saved, "max_upload_bytes": saved.get("max_upload_bytes") or requests.UPLOAD_LIMIT}

    def add_server(self, artifact: str, parameters: dict[str, Any]) -> dict[str, Any]:
        table = self._with(self.get_server(), artifact, parameters)
        table["max_upload_bytes"] = requests.UPLOAD_LIMIT
        return self._save_server(table)

    def remove_server(self, artifact: str) -> dict[str, Any]:
        return self._save_server(_without(self.get_server(), artifact))

    def _save_server(self, table: records.Record) -> dict[str, Any]:
        table = records.compact("Args", table)
        self._save("Args", table, _SERVER)
        self._org.forwarding.refresh()
        return table

    # -- the clients'

    def get_client(self) -> dict[str, Any]:
        """The clients' table, with what is sent to them."""
        return self._compiled(self._client_table())

    def _client_table(self) -> records.Record:
        return self._org.store.load("EventTable", "config", _CLIENT) or {}

    def _compiled(self, table: records.Record) -> dict[str, Any]:
        groups = [{**g, "artifacts": self._group(g)} for g in table.get("label_events", [])]
        made = {**table, "artifacts": self._group(table)}
        return {**made, "label_events": groups} if groups else made

    def _group(self, owner: records.Record) -> records.Record:
        group = {**owner.get("artifacts", {}), "max_upload_bytes": requests.UPLOAD_LIMIT}
        known = [name for name in group.get("artifacts", []) if self._org.artifacts.get(name)]
        compiled = requests.compile_request(self._org, {**group, "artifacts": known})
        return {**group, "compiled_collector_args": compiled} if compiled else group

    def set_client(self, value: dict[str, Any] | str) -> dict[str, Any]:
        table = records.compact("EventTable", {"artifacts": {}, **_checked("EventTable", value)})
        self._save_client(table)
        return table

    def add_client(
        self, artifact: str, parameters: dict[str, Any], label: str = ""
    ) -> dict[str, Any]:
        """add_client_monitoring(), for all clients or for those with a label."""
        table = self._client_table()
        if not label or label.lower() == "all":
            table["artifacts"] = self._with(table.get("artifacts", {}), artifact, parameters)
        else:
            group = _group(table, label)
            group["artifacts"] = self._with(group.get("artifacts", {}), artifact, parameters)
        return self._save_client(table)

    def remove_client(self, artifact: str, label: str = "") -> dict[str, Any]:
        table = self._client_table()
        if not label or label.lower() == "all":
            table["artifacts"] = _without(table.get("artifacts", {}), artifact)
        else:
            group = _group(table, label)
            group["artifacts"] = _without(group.get("artifacts", {}), artifact)
        return self._save_client(table)

    def _save_client(self, table: records.Record) -> dict[str, Any]:
        table = records.compact("EventTable", {**table, "version": time.time_ns()})
        self._save("EventTable", table, _CLIENT)
        return self._compiled(table)

    # -- both

    def _save(self, kind: str, table: records.Record, name: str) -> None:
        try:
            self._org.store.save(kind, table, "config", name)
        except OSError as error:
            raise ServiceError(str(error)) from error

    def require(self, artifact: str, kind: str) -> None:
        """Raises ServiceError unless there is such an artifact of this kind."""
        definition = self._org.artifacts.get(artifact)
        if definition is None:
            raise ServiceError(f"artifact {artifact} not found")
        if definition.type != kind:
            raise ServiceError(f"artifact {artifact} is not a {kind.replace('_', ' ')} artifact")

    def _with(
        self, table: records.Record, artifact: str, parameters: dict[str, str]
    ) -> records.Record:
        kept = _without(table, artifact)
        env = [{"key": key, "value": value} for key, value in (parameters or {}).items()]
        spec = [{"artifact": artifact, "parameters": {"env": env} if env else {}}]
        return {
            **kept,
            "artifacts": [*kept.get("artifacts", []), artifact],
            "specs": [*kept.get("specs", []), *spec],
        }


def _without(table: records.Record, artifact: str) -> records.Record:
    return {
        **table,
        "artifacts": [name for name in table.get("artifacts", []) if name != artifact],
        "specs": [spec for spec in table.get("specs", []) if spec.get("artifact") != artifact],
    }


def _group(table: records.Record, label: str) -> records.Record:
    groups: list[records.Record] = table.setdefault("label_events", [])
    for group in groups:
        if group.get("label", "").lower() == label.lower():
            return group
    groups.append({"label": label, "artifacts": {}})
    return groups[-1]


def _checked(kind: str, value: dict[str, Any] | str) -> records.Record:
    """The table. Raises ServiceError for what is none."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise ServiceError(
                f"proto:\u00a0syntax error (line 1:1): invalid value {value}"
            ) from error
    if fault := first_fault(kind, value):
        raise ServiceError(f"proto:\u00a0{fault}")
    try:
        return records.from_object(kind, value)
    except records.RecordError as error:
        raise ServiceError(f"proto:\u00a0{error}") from error
