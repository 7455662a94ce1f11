"""Key-value notes about a client, and about the server itself (client id "server")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from server_app.services.errors import ServiceError
from server_app.vql.text import as_text

if TYPE_CHECKING:
    from server_app.services.org import OrgServices

_SERVER = "server"
_SERVER_DEFAULTS = {"SlackToken": ""}


class ClientMetadata:
    """``clients/<id>/metadata.json.db``; not part of a backup (facts: "backup() …")."""

    def __init__(self, org: OrgServices) -> None:
        self.org = org

    def metadata(self, client_id: str) -> dict[str, Any]:
        """All notes, {} if there are none."""
        try:
            record = self.org.store.load("Metadata", "clients", client_id, "metadata") or {}
        except ValueError:
            return {}
        return {item["key"]: item.get("value", "") for item in record.get("items", [])}

    def set_metadata(self, client_id: str, metadata: dict[str, Any]) -> bool:
        """Adds or changes notes; a null value removes one."""
        notes = self.metadata(client_id)
        for key, value in metadata.items():
            notes.pop(key, None)
            if value is not None:
                notes[key] = as_text(value)
        items = [{"key": key, "value": value} for key, value in notes.items()]
        record = {"items": items, "client_id": client_id}
        try:
            self.org.store.save("Metadata", record, "clients", client_id, "metadata")
        except (OSError, ValueError) as error:
            raise ServiceError(str(error)) from error
        self._noted(client_id)
        return True

    def _noted(self, client_id: str) -> None:
        """Setting notes counts as a change of the client's record, also of the server's own."""
        record = self.org.clients.record(client_id)
        if record is not None:
            self.org.clients.put(record)

    def ensure_server_metadata(self) -> None:
        """The server's notes with their default keys exist from the first start on."""
        if not self.org.store.exists("clients", _SERVER, "metadata"):
            items = [{"key": key, "value": value} for key, value in _SERVER_DEFAULTS.items()]
            record = {"items": items, "client_id": _SERVER}
            self.org.store.save("Metadata", record, "clients", _SERVER, "metadata")

    def server_metadata(self) -> dict[str, Any]:
        return {**_SERVER_DEFAULTS, **self.metadata(_SERVER)}

    def set_server_metadata(self, metadata: dict[str, Any]) -> bool:
        return self.set_metadata(_SERVER, metadata)
