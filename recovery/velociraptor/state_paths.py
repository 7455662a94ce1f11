"""Which files of a datastore are state, by their paths.

The choice is the facts' "best small copy", with the client keys (clients needn't enrol
again) and the index of who ran which hunt (none runs twice). Results, uploads, exports,
backups and tasks that wait for a client are not state.
"""

import re

_ORG = r"(?:orgs/(?P<org>[^/]+)/)?"
_STATE = re.compile(
    rf"{_ORG}(?:"
    # Not the list of hunts: it is up to ten minutes old, and made anew where it is missing.
    r"(?!hunts/index\.json)"
    r"(?:acl|users|config|artifact_definitions|hunts|hunt_index|notebooks|notebook_index)/.+"
    # The names over 250 bytes, which stand on the disk as `#` and their SHA-1 (seen on 0.77.2:
    # without them a server doesn't list what bears one).
    r"|lfn_hashes/.+\.db"
    r"|clients/[^/]+\.db"
    r"|clients/[^/]+/(?:metadata\.json|labels\.json|ping\.json|key)\.db)"
)
_ORG_RECORD = re.compile(r"orgs/(?P<org>[^/]+)\.json\.db")
_CLIENT_LIST = re.compile(rf"{_ORG}client_info/snapshot\.json(?:\.index)?")
_HUNT_LIST = re.compile(rf"{_ORG}hunts/index\.json(?:\.index)?")


def record_of(path: str) -> str | None:
    """The org whose own record (name, nonce) a file is; None for any other file."""
    record = _ORG_RECORD.fullmatch(path)
    return record["org"] if record else None


def is_state(path: str) -> bool:
    """Whether a file is part of the state (the client list apart)."""
    return bool(_STATE.fullmatch(path) or _ORG_RECORD.fullmatch(path))


def is_client_list(path: str) -> bool:
    """Whether a file is a client list or its index."""
    return bool(_CLIENT_LIST.fullmatch(path))


def is_hunt_list(path: str) -> bool:
    """Whether a file is the server's own list of hunts, or its index.

    Written every ten minutes and believed at a start: it would bring back paused hunts as
    running, and leave out the newest. Without it the records are read.
    """
    return bool(_HUNT_LIST.fullmatch(path))
