"""Identity providers that a server asks while it starts: without an answer it does not start.

Seen on a real server for ``saml`` and ``oidc`` ("frontend: starting frontend: … connection
refused", and it ends); ``google``, and those of ``multi``, read in its source. ``azure`` and
``github`` are asked at a sign-in only, ``certs`` and ``basic`` ask nobody.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.paths import CONFIG_PATH

_GOOGLE = "https://accounts.google.com"


def asked_at_start(config: ServerConfig) -> list[str]:
    """The addresses, as the config has them, in its order."""
    gui = config.values.get("GUI")
    found = _asked(gui.get("authenticator")) if isinstance(gui, Mapping) else ()
    return list(dict.fromkeys(filter(None, found)))


def way_out(config: ServerConfig) -> str:
    """What an operator can do where a server may not start for want of one; empty: not that."""
    if not (providers := asked_at_start(config)):
        return ""
    return (
        f"at its start this server asks {' and '.join(providers)}, and ends where it gets no "
        "answer: let the machine reach that; where that takes long, set GUI.authenticator.type to "
        f"Basic in {CONFIG_PATH} there (clients are served, and whoever has a password signs in)"
    )


def _asked(authenticator: Any) -> Iterator[str]:
    if not isinstance(authenticator, Mapping):
        return
    match str(authenticator.get("type")).lower():
        case "multi":
            subs = authenticator.get("sub_authenticators")
            for sub in subs if isinstance(subs, list) else []:
                yield from _asked(sub)
        case "saml":
            yield str(authenticator.get("saml_idp_metadata_url") or "")
        case "oidc":
            yield str(authenticator.get("oidc_issuer") or "")
        case "google":
            yield _GOOGLE
