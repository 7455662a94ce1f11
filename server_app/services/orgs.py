"""Orgs: their records, nonces, and which of them a user may see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from server_app.datastore import ids
from server_app.services.errors import ServiceError

if TYPE_CHECKING:
    from server_app.services.server import Server

ROOT, ROOT_NAME = "root", "<root>"


class Orgs:
    """All orgs of a server. Records: ``orgs/<ID>.json.db`` with name, nonce and id."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def stored(self, org_id: str) -> dict[str, Any] | None:
        """The record on disk; None where it is missing or lacks id or nonce."""
        try:
            record = self._server.store.load("Org", "orgs", org_id)
        except ValueError:
            return None
        if not record or not (record.get("id") or record.get("org_id")) or not record.get("nonce"):
            return None
        return record

    def scan(self) -> None:
        """Starts the orgs whose records are on disk and ends those whose records are gone."""
        found = {name for name in self._server.store.record_names("orgs") if self.stored(name)}
        for org in self._server.loaded():
            if org.org_id != ROOT and org.org_id not in found:
                org.close()
                self._server.forget(org.org_id)
        for org_id in sorted(found):
            self._server.org(org_id).start()

    def ids(self) -> list[str]:
        """Known org ids, root first."""
        if self._server.started:
            return [org.org_id for org in self._server.loaded()]
        stored = self._server.store.record_names("orgs")
        return [ROOT, *(name for name in stored if self.stored(name))]

    def list(self, principal: str) -> Iterator[dict[str, Any]]:
        """Rows of orgs(): all for an administrator of orgs, else those in which the user may read.

        Who may only read doesn't see the clients' config, since the nonce is in it.
        """
        from server_app.config import dump_yaml

        sees_all = self._server.org(ROOT).users.has_permission(principal, "ORG_ADMIN")
        for org_id in self.ids():
            org = self._server.org(org_id)
            row = {"Name": org.name, "OrgId": org.org_id}
            if sees_all or org.users.has_permission(principal, "SERVER_ADMIN"):
                yield {**row, "_client_config": dump_yaml(self.client_config(org_id))}
            elif org.users.has_permission(principal, "READ_RESULTS"):
                yield row

    def record(self, org_id: str) -> dict[str, Any]:
        """What org() shows. Raises OrgNotFound."""
        org = self._server.org(org_id)
        return {
            "name": org.name,
            "nonce": org.nonce,
            "id": org.org_id,
            "_client_config": self.client_config(org_id),
        }

    def client_config(self, org_id: str) -> dict[str, Any]:
        """The clients' configuration: the server's, with the org's nonce."""
        from server_app.config import client_config

        return client_config(self._server.config, self._server.org(org_id).nonce)

    def create(self, name: str, org_id: str = "", nonce: str = "") -> dict[str, Any]:
        """Makes an org; without a nonce it gets a new one (facts: org_create)."""
        org_id = org_id or self._unused()
        if org_id == ROOT or self.stored(org_id) is not None:
            raise ServiceError("CreateNewOrg: Org ID already in use")
        if ".." in org_id.split("/"):
            raise ServiceError("Directory traversal not supported")
        record = {"name": name, "nonce": nonce or ids.nonce(), "id": org_id}
        try:
            self._server.store.save("Org", record, "orgs", org_id)
        except (OSError, ValueError) as error:
            raise ServiceError(f"CreateNewOrg: {error}") from error
        if self._server.started:
            self._server.org(org_id).start()
        return record

    def delete(self, org_id: str) -> None:
        """Removes an org with all its files. Raises ServiceError."""
        if org_id in {"", ROOT}:
            raise ServiceError("Can not remove root org.")
        if self.stored(org_id) is None:
            raise ServiceError(f"Org {org_id} does not exist.")
        self._server.org(org_id).close()
        self._server.forget(org_id)
        self._server.store.remove("orgs", org_id)
        self._server.store.remove_tree("orgs", org_id)

    def by_nonce(self, nonce: str) -> str | None:
        """Which org a client belongs to; None: no org has this nonce."""
        for org in self._server.loaded():
            if org.nonce and org.nonce == nonce:
                return org.org_id
        return None

    def _unused(self) -> str:
        while self.stored(org_id := ids.org()) is not None:
            continue
        return org_id
