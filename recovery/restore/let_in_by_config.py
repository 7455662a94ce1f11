"""Whom the config itself lets in, whatever accounts come back: people without an account. Pure.

Read in the server's source: ``Certs`` makes an account for a certificate of the server's CA whose
user it doesn't find, where ``default_roles_for_unknown_user`` is set; ``SAML`` does so for whoever
the identity provider vouches for, and gives its ``saml_user_roles`` in every org at each sign-in.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from recovery.velociraptor.config import ServerConfig

_DOORS = {
    "certs": ("default_roles_for_unknown_user", "whoever has a certificate of this server's CA"),
    "saml": ("saml_user_roles", "whoever the identity provider vouches for"),
}


def let_in_by_config(config: ServerConfig) -> list[str]:
    """One sentence for each such setting."""
    gui = config.values.get("GUI")
    return list(_doors(gui.get("authenticator"))) if isinstance(gui, Mapping) else []


def _doors(authenticator: Any) -> Iterator[str]:
    if not isinstance(authenticator, Mapping):
        return
    kind = str(authenticator.get("type")).lower()
    if kind == "multi":
        subs = authenticator.get("sub_authenticators")
        for sub in subs if isinstance(subs, list) else []:
            yield from _doors(sub)
    setting, who = _DOORS.get(kind, ("", ""))
    roles = authenticator.get(setting)
    if isinstance(roles, list) and roles:
        names = ", ".join(map(str, roles))
        yield f"GUI.authenticator ({setting}) lets in {who}, also without an account, as {names}"
