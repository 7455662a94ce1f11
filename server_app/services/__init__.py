"""What a server does: orgs, users, clients, hunts, flows, notebooks, backups, exports."""

from server_app.services.errors import OrgNotFound, ServiceError
from server_app.services.org import OrgServices
from server_app.services.server import Server

__all__ = ["OrgNotFound", "OrgServices", "Server", "ServiceError"]
