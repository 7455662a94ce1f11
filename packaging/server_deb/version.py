"""Velociraptor's version numbers as Debian's."""

from __future__ import annotations

import re

from server_deb.errors import PackageError

UPSTREAM = re.compile(r"^v?\d[A-Za-z0-9.+~-]*\Z")
RELEASE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9.+~]*\Z")


def debian_version(upstream: str, release: str) -> str:
    """From "0.77.2" and "1" make "0.77.2-1", which dpkg sorts after Velociraptor's own "0.77.2".

    A "-" inside the upstream part ("0.77.2-rc1") becomes "~", so that a release candidate sorts
    before its release. Raises PackageError for anything that is no version.
    """
    if not UPSTREAM.match(upstream):
        raise PackageError(
            f"not a version: {upstream!r}",
            where="--version",
            hint="give a version such as 0.77.2 (digits first; letters, digits, . + ~ - after)",
        )
    if not RELEASE.match(release):
        raise PackageError(
            f"not a release: {release!r}",
            where="--release",
            hint="give a package release such as 1 or 2.acme1 (letters, digits, . + ~)",
        )
    return f"{upstream.removeprefix('v').replace('-', '~')}-{release}"
