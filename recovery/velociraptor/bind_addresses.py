"""Where a server listens, and a config whose addresses are those of the machine that is lost.

Seen on a real server: with an address that the machine hasn't, it ends at its start if it is the
API's; else it goes on without that door, and no client, or nobody, gets in.
"""

import ipaddress

from recovery.target import Target
from recovery.target.protocol import LOOPBACK
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.config_edit import set_value

_INSTEAD = {"Frontend": "0.0.0.0", "GUI": LOOPBACK, "API": LOOPBACK, "Monitoring": LOOPBACK}  # noqa: S104
"""Clients must come in; what people and programs use is opened by a person."""
_OWN = "hostname -I 2>/dev/null || :"


def own_addresses(config: ServerConfig) -> dict[str, str]:
    """Section → the address of one interface that it binds to; others bind to all, or loopback."""
    found = {}
    for section in _INSTEAD:
        text = str((config.values.get(section) or {}).get("bind_address") or "")
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            continue  # a name, or a socket's path: the server's own business
        if not address.is_unspecified and not address.is_loopback:
            found[section] = str(address)
    return found


def reachable_at(target: Target, config: ServerConfig, section: str) -> str:
    """Where, on its own machine, the server's ``section`` answers.

    A machine that hasn't the address has a config that was fitted to it.
    """
    address = own_addresses(config).get(section)
    return address if address and address in _addresses(target) else LOOPBACK


def _addresses(target: Target) -> set[str]:
    return set(target.run(["sh", "-c", _OWN]).text.split())


def fit_addresses(target: Target, config: ServerConfig) -> tuple[bytes, list[str]]:
    """The config's text for ``target``, and what was changed in it, in words.

    An address that the machine hasn't is replaced: by all of them for clients, else by the
    loopback. Raises :class:`recovery.errors.BadInputError` where the text can't be edited.
    """
    bound = own_addresses(config)
    if not bound:
        return config.raw, []
    has = _addresses(target)
    text, words = config.raw.decode(), []
    for section, address in bound.items():
        if address in has:
            continue
        instead = _INSTEAD[section]
        text = set_value(text, (section, "bind_address"), instead)
        words.append(
            f"{section}.bind_address {address} is none of this machine's addresses, and no server "
            f"can listen there: {instead} is in the config now; set what you want"
        )
    return text.encode(), words
