"""How a user signs in, out of the state's user records: what a review has to tell beside rights.

Whoever sets an administrator's password, or unlocks an account, needs no new right. Passwords and
identities are compared by digests; nothing of them is shown. Field numbers are those of a real
server's record (read in its source).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from recovery.velociraptor.inventory import digest
from recovery.velociraptor.messages import protobuf_values

PASSWORD_CHANGED, PASSWORD_SET = "password changed", "password set"
_NAME, _HASH, _SALT, _SUBJECT, _LOCKED = 1, 2, 3, 14, 8


@dataclass(frozen=True)
class SignIn:
    """``password`` and ``subject`` (the identity provider's name for the user) are digests,
    empty where the record has none; ``name``: as the record has it, empty likewise.
    """

    name: str = ""
    password: str = ""
    subject: str = ""
    locked: bool = False


def sign_in_of(record: bytes) -> SignIn:
    """Out of a user's own record; one that is none tells nothing.

    A field of another kind than a server's counts for nothing, as it does to a server.
    """
    texts: dict[int, bytes] = {}
    numbers: dict[int, int] = {}
    try:
        for number, value in protobuf_values(record):
            if isinstance(value, bytes):
                texts[number] = value
            else:
                numbers[number] = value
        name = texts.get(_NAME, b"").decode()
    except ValueError:
        return SignIn()
    password, subject = texts.get(_HASH), texts.get(_SUBJECT)
    return SignIn(
        name,
        digest([password.hex(), texts.get(_SALT, b"").hex()]) if password else "",
        digest(subject.hex()) if subject else "",
        bool(numbers.get(_LOCKED)),
    )


def as_one(found: Sequence[SignIn]) -> SignIn:
    """Of several records of one user, which one counts is not ours to say: another is a change."""
    return SignIn(
        found[0].name,
        _of_all(one.password for one in found),
        _of_all(one.subject for one in found),
        all(one.locked for one in found),
    )


def _of_all(digests: Iterable[str]) -> str:
    first, *others = sorted({*digests})
    return digest([first, *others]) if others else first


def changes(before: SignIn | None, now: SignIn | None) -> list[str]:
    """What changed, in words; nothing where either point doesn't tell (a backup never does)."""
    if before is None or now is None:
        return []
    found = []
    if before.password != now.password:
        found.append(PASSWORD_CHANGED if before.password else PASSWORD_SET)
    if before.subject != now.subject:
        found.append("identity changed" if before.subject else "identity set")
    if before.locked != now.locked:
        found.append("locked" if now.locked else "unlocked")
    return found
