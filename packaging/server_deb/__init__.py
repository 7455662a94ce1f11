"""Server packages: a binary and a config become a .deb; any server .deb is read back.

It knows nothing of the recovery: the seam is the .deb's path and the command line.
"""

from server_deb.build import BuildRequest, BuiltPackage, build_package
from server_deb.contents import FileEntry, PackageContents, read_package
from server_deb.errors import PackageError

__all__ = [
    "BuildRequest",
    "BuiltPackage",
    "FileEntry",
    "PackageContents",
    "PackageError",
    "build_package",
    "read_package",
]
