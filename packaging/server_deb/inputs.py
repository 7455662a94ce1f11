"""What a person or a CI job gives, by flag, by variable or on standard input, as a BuildRequest."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from server_deb.config import LARGEST
from server_deb.errors import PackageError

CONTENT = "RECOVERY_PACKAGE_CONFIG_CONTENT"


def config_content(option: str | None, environment: Mapping[str, str]) -> tuple[bytes, str]:
    """The config's bytes and what to call them in messages.

    From a path, from standard input ("-"), or from the variable RECOVERY_PACKAGE_CONFIG_CONTENT
    (a CI secret). Never from an argument: other users may read those. Raises PackageError unless
    exactly one of them is given and can be read.
    """
    content = environment.get(CONTENT)
    if option is not None and content is not None:
        raise PackageError(
            "two configs were given",
            where=f"--config (or RECOVERY_PACKAGE_CONFIG) and {CONTENT}",
            hint="leave one of them out",
        )
    if content is not None:
        return content.encode(errors="surrogateescape"), f"${CONTENT}"
    if option is None:
        raise PackageError(
            "no config was given",
            where="--config",
            hint=f"give a path by --config, '-' for standard input, or the content in {CONTENT}",
        )
    if "\n" in option or "-----BEGIN" in option:
        raise PackageError(
            "the config's content was given where its path belongs",
            where="--config or RECOVERY_PACKAGE_CONFIG",
            hint=f"give a path, or put the content into {CONTENT}; if it was an argument, other "
            "users of this machine may have seen the keys",
        )
    if option == "-":
        return sys.stdin.buffer.read(LARGEST + 1), "standard input"
    try:
        with Path(option).open("rb") as stream:
            return stream.read(LARGEST + 1), option
    except OSError as missing:
        raise PackageError(
            f"the config can't be read: {missing.strerror}",
            where=option,
            hint="give the path of server.config.yaml by --config",
        ) from missing


def given_binary(option: Path | None) -> Path:
    """The binary's path; raises PackageError if none was given."""
    if option is None:
        raise PackageError(
            "no binary was given",
            where="--binary",
            hint="give the path of the server's executable by --binary, or in "
            "RECOVERY_PACKAGE_BINARY",
        )
    return option


def source_date_epoch(environment: Mapping[str, str]) -> int | None:
    """SOURCE_DATE_EPOCH in seconds, or None. Raises PackageError if it is no such number."""
    text = environment.get("SOURCE_DATE_EPOCH")
    if text is None:
        return None
    # ar keeps twelve digits, tar's plain form eleven octal ones: the year 2242.
    if not text.isascii() or not text.isdigit() or int(text) >= 1 << 33:
        raise PackageError(
            f"not a time in seconds since 1970: {text[:40]!r}",
            where="SOURCE_DATE_EPOCH",
            hint="set it to a number, for instance by: git log -1 --format=%ct; or unset it",
        )
    return int(text)
