"""The files that an SSH client wants: an identity and a known_hosts, for the operator alone."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

from recovery.errors import RecoveryError


def contents(private_key: str, host_public_key: str, address: str, port: int) -> dict[str, str]:
    """File name → text: the identity, and the one host key that ``address`` may show."""
    host = address if port == 22 else f"[{address}]:{port}"  # noqa: PLR2004 - SSH's own port
    return {"identity": private_key, "known_hosts": f"{host} {host_public_key}\n"}


def target_uri(address: str, port: int, folder: Path) -> str:
    """The target's URI with both files (recovery.target.open)."""
    host = f"[{address}]" if ":" in address else address
    where = host if port == 22 else f"{host}:{port}"  # noqa: PLR2004
    files = {"identity": folder / "identity", "known_hosts": folder / "known_hosts"}
    return f"ssh://root@{where}?{urlencode({name: str(path) for name, path in files.items()})}"


def in_place(folder: Path, files: Mapping[str, str]) -> bool:
    """Whether every file is there with its content."""
    try:
        return all((folder / name).read_text() == text for name, text in files.items())
    except OSError:
        return False


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Writes the files, 0600 from their first byte, in a folder of 0700."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, text in files.items():
            part = folder / f".{name}.{os.getpid()}"
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(text)
            part.replace(folder / name)
    except OSError as refused:
        raise RecoveryError(
            f"can't write the SSH key files: {refused}",
            step="reach the machine",
            target=str(folder),
            hint="check the folder's owner and the free space, or set recovery:folder",
        ) from refused


def remove(folder: Path, names: Mapping[str, str]) -> None:
    """Deletes the files; a folder left empty goes too."""
    for name in names:
        (folder / name).unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
