"""One org: its store and all its services."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from server_app.datastore.store import Store
from server_app.services.artifacts import Artifacts
from server_app.services.audit import Audit
from server_app.services.background import Background
from server_app.services.backups import Backups
from server_app.services.clients import Clients
from server_app.services.directory import SUPERUSER
from server_app.services.dispatch import Dispatch
from server_app.services.exports import Exports
from server_app.services.files import Files
from server_app.services.flows import Flows
from server_app.services.forwarding import Forwarding
from server_app.services.hunts import Hunts
from server_app.services.monitoring import Monitoring
from server_app.services.notebooks import Notebooks
from server_app.services.orgs import ROOT, Orgs
from server_app.services.secrets import Secrets
from server_app.services.tools import Tools
from server_app.services.users import Users

if TYPE_CHECKING:
    from server_app.datastore import records
    from server_app.services.server import Server

_DAY_SECONDS = 86_400
_HUNT_FLUSH_SECONDS = 10.0
_TAGS_SECONDS = 60.0
_INTERROGATION = "Generic.Client.Info/BasicInformation"


class OrgServices:
    """What there is of one org. `start` loads it and starts its jobs."""

    def __init__(self, server: Server, org_id: str, name: str, nonce: str, store: Store) -> None:
        self.server, self.org_id, self.name, self.nonce = server, org_id, name, nonce
        self.store = store
        self.started = False
        self._starting = threading.Lock()
        self._background = Background()
        self._audit = Audit(store)
        self.orgs: Orgs = server.orgs
        self.users = Users(self)
        self.clients = Clients(self)
        self.artifacts = Artifacts(self)
        self.flows = Flows(self)
        self.hunts = Hunts(self)
        self.dispatch = Dispatch(self)
        self.notebooks = Notebooks(self)
        self.monitoring = Monitoring(self)
        self.forwarding = Forwarding(self)
        self.secrets = Secrets(self)
        self.tools = Tools(self)
        self.backups = Backups(self)
        self.exports = Exports(self)
        self.files = Files(self)

    @property
    def is_root(self) -> bool:
        return self.org_id == ROOT

    @property
    def compresses(self) -> bool:
        """Do results lie compressed on disk (Datastore.compression)?"""
        return bool((self.server.config.get("Datastore") or {}).get("compression") == "zlib")

    def start(self) -> None:
        """Loads the org's state and starts its jobs; does nothing the second time."""
        with self._starting:
            if self.started:
                return
            self.started = True
            self.store.check_space()
            self.clients.load()
            self.artifacts.load()
            self.hunts.load()
            self.notebooks.load()
            self.clients.ensure_server_metadata()
            self.monitoring.load()
            self.tools.load()
            self.forwarding.refresh()
            self._write_state()
            self._background.run("client list", self.clients.save_now_and_then)
            self._background.every("tags", _TAGS_SECONDS, self.artifacts.save_metadata)
            self._background.every("hunt index", _HUNT_FLUSH_SECONDS, self.hunts.save_changes)
            period = self._backup_seconds()
            if period > 0:
                self._background.every("backup", period, self.backups.scheduled)

    def _backup_seconds(self) -> float:
        """Facts: absent means a day, negative none."""
        configured = (self.server.config.get("defaults") or {}).get("backup_period_seconds")
        return float(configured or _DAY_SECONDS)

    def _write_state(self) -> None:
        if self.is_root:
            self.users.set_policy(SUPERUSER, {"roles": ["administrator", "org_admin"]})
        version = str((self.server.config.get("version") or {}).get("version", ""))
        self.store.save("ServerState", {"version": version}, "config", "server_state")

    def close(self) -> None:
        """Stops the jobs and saves the client list and the hunts."""
        if not self.started:
            return
        self._background.stop()
        self.forwarding.close()
        self.clients.save()
        self.hunts.save_changes()
        self.started = False

    def audit(self, operation: str, principal: str, **details: Any) -> None:
        """Notes who did what."""
        self._audit.add(operation, principal, details)

    def completed(self, flow: records.Record) -> None:
        """A flow ended: count it for its hunt, take over what an interrogation found."""
        self.hunts.flow_ended(flow)
        self.imported_or_completed(flow)

    def imported_or_completed(self, flow: records.Record) -> None:
        """What follows from a flow's results, wherever they came from."""
        self.forwarding.completed(flow)
        if _INTERROGATION not in flow.get("artifacts_with_results", []):
            return
        client_id, flow_id = flow["client_id"], flow["session_id"]
        for row in self.flows.results(client_id, flow_id, _INTERROGATION):
            self.clients.interrogated(client_id, flow_id, _INTERROGATION, row)
            self.dispatch.client_changed(client_id)
            break
