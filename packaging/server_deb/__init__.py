"""Server packages: a binary and a config become a .deb; any server .deb is read back.

It knows nothing of the recovery: the seam is the .deb's path and the command line.
"""

from server_deb.errors import PackageError
from server_deb.request import BuildRequest, BuiltPackage

__all__ = ["BuildRequest", "BuiltPackage", "PackageError"]
