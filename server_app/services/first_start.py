"""What happens at the very first start only: initial orgs and users (facts: install_time).

A datastore that brings a ``config/install_time`` is no first start: then the configuration's
``GUI.initial_orgs`` and ``GUI.initial_users`` are not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from server_app.services.orgs import ROOT

if TYPE_CHECKING:
    from server_app.services.server import Server


def first_start(server: Server) -> None:
    """Creates what the configuration names, once. Administrators everywhere."""
    installed = server.store.load("Install", "config", "install_time")
    if installed and installed.get("install_time"):
        return
    gui: dict[str, Any] = server.config.get("GUI") or {}
    org_ids = [ROOT]
    for org in gui.get("initial_orgs") or []:
        made = server.orgs.create(
            str(org.get("name", "")), str(org.get("org_id") or ""), str(org.get("nonce") or "")
        )
        org_ids.append(made["id"])
    for user in gui.get("initial_users") or []:
        _initial_user(server, user, org_ids)
    install = {"install_time": int(server.now())}
    server.store.save("Install", install, "config", "install_time")


def _initial_user(server: Server, user: dict[str, Any], org_ids: list[str]) -> None:
    name = str(user["name"])
    if server.directory.get(name) is not None:
        return
    record = {
        "name": name,
        "password_hash": bytes.fromhex(user.get("password_hash") or ""),
        "password_salt": bytes.fromhex(user.get("password_salt") or ""),
    }
    for org_id in org_ids:
        server.org(org_id).users.set_policy(name, {"roles": ["administrator"]})
    server.directory.put(record)
