"""What the systemd unit must allow, taken from the config: decided here, rendered elsewhere."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from server_deb.check import TEMPORARY, is_below
from server_deb.config import LISTENERS, ServerConfig

FIRST_UNPRIVILEGED_PORT = 1024
HOMES = ("/home",)


@dataclass(frozen=True)
class UnitPlan:
    """What of the sandbox depends on the config.

    `folders`: where the server may write, outermost only. `private_tmp` is False where a folder
    lies in /tmp or /var/tmp: a private /tmp would hide it, and be deleted with the service.
    `low_ports`: needs CAP_NET_BIND_SERVICE. `waits_for_address`: binds an address that may not
    be up yet early in the boot.
    """

    folders: tuple[str, ...]
    private_tmp: bool
    in_home: bool
    low_ports: bool
    waits_for_address: bool


def plan_unit(config: ServerConfig) -> UnitPlan:
    """Decide the unit of a server with this config."""
    folders = outermost(config.folders.values())
    return UnitPlan(
        folders=folders,
        private_tmp=not any(is_below(folder, TEMPORARY) for folder in folders),
        in_home=any(is_below(folder, HOMES) for folder in folders),
        low_ports=any(port < FIRST_UNPRIVILEGED_PORT for port in config.ports.values()),
        waits_for_address=any(
            _is_one_address(config.text(f"{name}.bind_address")) for name in LISTENERS
        ),
    )


def outermost(folders: Iterable[str]) -> tuple[str, ...]:
    """The folders without those that lie in another one of them, each once, sorted."""
    paths = sorted({PurePosixPath(folder) for folder in folders})
    return tuple(str(path) for path in paths if not any(other in path.parents for other in paths))


def _is_one_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_unspecified or address.is_loopback)
