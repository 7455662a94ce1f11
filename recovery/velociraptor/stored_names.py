"""Names of people and things as the datastore spells them in its files, and whose they are.

A server escapes what its disk may not take, and ends a name with ``_`` where it could be taken
for one of its own files; reading it back, it takes one such sign off again. Two spellings of one
name in small and capital letters are one user to it (both read in its source).
"""

import hashlib
from collections.abc import Iterable
from urllib.parse import unquote

JSON = ".json.db"
RECORD = ".db"
_LONGEST = 250


def stored_name(file: str, suffix: str = "") -> str:
    """The name that a file, or folder, was given for. Bytes that are no text stay escaped."""
    name = unquote(file.removesuffix(suffix), errors="backslashreplace")
    return name.removesuffix("_")


def same_user(name: str) -> str:
    """Equal for all spellings that a server takes for one user: letter by letter in small ones."""
    return "".join(letter.lower()[:1] for letter in name)


def shortened(name: str) -> str:
    """What a file has instead of a name over 250 bytes (read in the server's source)."""
    raw = name.encode(errors="surrogateescape")
    return f"#{hashlib.sha1(raw, usedforsecurity=False).hexdigest()}"


def is_json(path: str) -> bool:
    """Whether a record holds JSON; a user's own is binary, whatever the user is called."""
    folder, _, _ = path.rpartition("/")
    return path.endswith(JSON) and folder != "users"


def artifact_name(path: str) -> str:
    """The artifact that a file below ``artifact_definitions/`` defines."""
    return ".".join(stored_name(part) for part in path.removesuffix(".yaml").split("/"))


def forgotten_artifacts(artifacts: Iterable[str]) -> list[str]:
    """Artifacts that a server's own start passes by: a part of the name has over 250 letters.

    Seen on a real server: its file stands under ``#`` and a SHA-1, and is not found by it.
    """
    return sorted(name for name in artifacts if max(map(len, name.split("."))) >= _LONGEST)


def forgotten_users(users: Iterable[str]) -> list[str]:
    """Names that a server's own start passes by: it takes their files for records of JSON.

    Seen on a real server: ``x.json`` was there until the next start, and gone after it.
    """
    return sorted(user for user in users if user.endswith(".json"))
