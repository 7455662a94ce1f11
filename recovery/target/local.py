"""The machine that the toolkit itself runs on, as a target."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from recovery import commands
from recovery.commands import Result
from recovery.errors import TargetError
from recovery.target.files import put_file
from recovery.target.protocol import LOOPBACK


class LocalTarget:
    """Runs everything here. Needs root, as a server's own machine does."""

    uri = "local://"
    testinfra_uri = "local://"

    def connect(self) -> None:
        """Nothing is shared."""

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | BinaryIO | None = None,
        stdout: BinaryIO | None = None,
        timeout: float = 60,
        check: bool = True,
    ) -> Result:
        return commands.run(argv, stdin=stdin, stdout=stdout, timeout=timeout, check=check)

    def put(self, source: bytes | Path, path: str, *, mode: int, owner: str = "root:root") -> None:
        put_file(self, source, path, mode, owner)

    def get(self, path: str) -> bytes:
        try:
            return Path(path).read_bytes()
        except OSError as refused:
            raise TargetError(
                f"can't read {path}: {refused.strerror}", target=self.uri
            ) from refused

    @contextmanager
    def forward(self, port: int, host: str = LOOPBACK) -> Iterator[str]:
        yield f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def close(self) -> None:
        """Nothing is held."""
