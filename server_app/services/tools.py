"""Tools that endpoints fetch: their definitions in an org, and the files that the server serves.

``config/inventory.json.db`` in each org; the files of all orgs lie in the root org's ``public/``
under a name that is a hash of name, version and org (read in a real server's source).
"""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Any

from server_app.datastore import records
from server_app.services.errors import ServiceError

if TYPE_CHECKING:
    from server_app.services.org import OrgServices

Rows = list[dict[str, Any]]


class Tools:
    """The tools of an org, as inventory() lists them."""

    def __init__(self, org: OrgServices) -> None:
        self._org = org
        self._lock = threading.Lock()
        self._known: list[records.Record] = []

    def load(self) -> None:
        stored = self._org.store.load("Tools", "config", "inventory") or {}
        with self._lock:
            self._known = list(stored.get("tools", []))
        if not stored:
            self._save()

    def list(self) -> Rows:
        with self._lock:
            return [records.full("Tool", tool) for tool in self._known]

    def add(self, tool: records.Record, content: bytes | None = None) -> dict[str, Any]:
        """inventory_add(): replaces the tool of this name and version. Raises ServiceError."""
        stored = {**tool, "admin_override": True, "filestore_path": self._file_name(tool)}
        if content is not None:
            stored |= {"hash": hashlib.sha256(content).hexdigest(), "serve_locally": True}
            public = self._org.server.org("").store
            try:
                public.write(public.path("public", stored["filestore_path"]), content)
            except OSError as error:
                raise ServiceError(str(error)) from error
        answer = records.full("Tool", stored)
        place = f"public/{stored['filestore_path']}"
        client = self._org.server.config.get("Client") or {}
        urls = [f"{url}{place}" for url in client.get("server_urls") or []]
        here = urls if stored.get("serve_locally") else [stored.get("url", "")]
        stored |= {"serve_urls": here, "serve_url": here[0] if here else ""}
        same = (stored["name"], stored.get("version", ""))
        with self._lock:
            others = [t for t in self._known if (t["name"], t.get("version", "")) != same]
            self._known = [*others, stored]
        self._save()
        return answer

    def _file_name(self, tool: records.Record) -> str:
        version = tool.get("version") or ""
        name = f"{tool['name']}:{version}" if version else tool["name"]
        nonce = self._org.server.config.get("obfuscation_nonce") or ""
        return hashlib.sha256(f"{nonce}{name}{self._org.org_id}".encode()).hexdigest()

    def _save(self) -> None:
        with self._lock:
            table = {"tools": [records.compact("Tool", tool) for tool in self._known]}
        try:
            self._org.store.save("Tools", table, "config", "inventory")
        except OSError as error:
            raise ServiceError(str(error)) from error
