"""What a target can do. The steps of a recovery know nothing more about where they run."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol

from recovery.commands import Result

__all__ = ["LOOPBACK", "Result", "Target"]

LOOPBACK = "127.0.0.1"


class Target(Protocol):
    """A machine on which a server lives or will live.

    Every method raises :class:`recovery.errors.TargetError` when the target can't be
    reached, and :class:`recovery.errors.CommandError` when it can, but the command failed.
    """

    @property
    def uri(self) -> str:
        """How the operator names it, e.g. ``docker://velociraptor``; safe to print."""

    @property
    def testinfra_uri(self) -> str:
        """The same host in testinfra's words, e.g. ``docker://velociraptor``."""

    def connect(self) -> None:
        """Makes what commands side by side share; without it each would begin it for itself.

        Need not be called, and need not notice that the target can't be reached.
        """

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | BinaryIO | None = None,
        stdout: BinaryIO | None = None,
        timeout: float = 60,
        check: bool = True,
    ) -> Result:
        """Runs ``argv`` as root. Secrets go by ``stdin``; never in ``argv``.

        With ``stdout`` the output is streamed there (``Result.stdout`` is then empty), so
        that memory stays flat. ``timeout`` in seconds.
        """

    def put(self, source: bytes | Path, path: str, *, mode: int, owner: str = "root:root") -> None:
        """Writes a file atomically: it has ``mode`` and ``owner`` from its first byte on."""

    def get(self, path: str) -> bytes:
        """The bytes of a (small) file; :class:`TargetError` when it isn't there."""

    def forward(self, port: int, host: str = LOOPBACK) -> AbstractContextManager[str]:
        """A gRPC address on this machine (``unix:/…``) that ends at the target's own port.

        ``host``: one of the target's addresses, for what doesn't listen on its loopback. Only the
        operator's own user can connect to it.
        """

    def close(self) -> None:
        """Ends the connection. Safe to call twice."""
