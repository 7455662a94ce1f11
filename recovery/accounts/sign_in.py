"""How a user signs in, out of the state's user records: what a review has to tell beside rights.

Whoever sets an administrator's password, or unlocks an account, needs no new right. Passwords and
identities are compared by digests; nothing of them is shown. Field numbers are those of a real
server's record (read in its source).
"""

from dataclasses import dataclass

from recovery.velociraptor.inventory import digest
from recovery.velociraptor.messages import protobuf_values

_HASH, _SALT, _SUBJECT, _LOCKED = 2, 3, 14, 8


@dataclass(frozen=True)
class SignIn:
    """``password`` and ``subject`` (the identity provider's name for the user) are digests,
    empty where the record has none.
    """

    password: str = ""
    subject: str = ""
    locked: bool = False


def sign_in_of(record: bytes) -> SignIn:
    """Out of a user's own record; one that is none tells nothing."""
    try:
        values = dict(protobuf_values(record))
    except ValueError:
        return SignIn()
    texts = {number: value.hex() for number, value in values.items() if isinstance(value, bytes)}
    password, subject = texts.get(_HASH, ""), texts.get(_SUBJECT, "")
    return SignIn(
        digest([password, texts.get(_SALT, "")]) if password else "",
        digest(subject) if subject else "",
        bool(values.get(_LOCKED)),
    )


def changes(before: SignIn | None, now: SignIn | None) -> list[str]:
    """What changed, in words; nothing where either point doesn't tell (a backup never does)."""
    if before is None or now is None or before == now:
        return []
    found = []
    if before.password != now.password:
        found.append("password changed" if before.password else "password set")
    if before.subject != now.subject:
        found.append("identity changed" if before.subject else "identity set")
    if before.locked != now.locked:
        found.append("locked" if now.locked else "unlocked")
    return found
