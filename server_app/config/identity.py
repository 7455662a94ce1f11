"""What the program says of itself, and the part of a config that a client gets."""

from __future__ import annotations

import copy
from typing import Any

from server_app.config.document import ConfigError

NAME = "velociraptor-reference"
"""The `name` by which tools tell this server from a real one (theirs: `velociraptor`)."""

VERSION = "0.77.2"
"""The release whose files, messages and traps are reproduced."""

BUILD = {
    "name": NAME,
    "version": VERSION,
    "commit": "reference",
    "build_time": "2026-11-23T00:00:00Z",
    "compiler": "python",
    "system": "linux",
    "architecture": "amd64",
}


def server_version(config: dict[str, Any]) -> dict[str, Any]:
    """The running program's version, as `version` and the config's first section show it."""
    del config  # a config may come from another build; what runs is this one
    return dict(BUILD)


def client_config(config: dict[str, Any], nonce: str = "") -> dict[str, Any]:
    """The client's config within a server's.

    `nonce` replaces the root org's own; it is the only thing in which the
    configs of two orgs differ (fixtures: client.config.yaml and
    client.OACME.config.yaml). Raises ConfigError without a `Client` section.
    """
    if not isinstance(config.get("Client"), dict):
        raise ConfigError("Config does not have a client config!")
    client = copy.deepcopy(config["Client"])
    if nonce:
        client["nonce"] = nonce
    result: dict[str, Any] = {"version": dict(BUILD), "Client": _with_version(client)}
    if config.get("autoexec"):
        result["autoexec"] = copy.deepcopy(config["autoexec"])
    return result


def _with_version(client: dict[str, Any]) -> dict[str, Any]:
    """A loaded config carries the running version inside `Client`, before `server_version`."""
    ordered: dict[str, Any] = {}
    for key, value in client.items():
        if key == "server_version":
            ordered["version"] = dict(BUILD)
        if key != "version":
            ordered[key] = value
    ordered.setdefault("version", dict(BUILD))
    return ordered
