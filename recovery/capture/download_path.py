"""From the path that an export call returns to the file on the server's disk."""

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~ $")


def disk_path(returned: str) -> str:
    """``fs:/downloads/…`` as a path relative to the org's part of the datastore.

    On disk each part has its odd characters as ``%XX`` (facts: ``backups/sub%2Fdir.zip``).
    """
    path = returned.removeprefix("fs:").strip("/")
    return "/".join(escape(part) for part in path.split("/"))


def escape(part: str) -> str:
    """One part of a path as it is named on disk."""
    raw = part.encode("utf-8", "surrogateescape")
    escaped = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in raw)
    return f"%{ord(escaped[0]):02X}{escaped[1:]}" if escaped[:1] in {".", "#"} else escaped
