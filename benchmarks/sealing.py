"""Sealing and storing: beside `age -o` for a folder, beside `rclone` for a real S3 server.

The other way only does its own part: age seals, and rclone copies a file that is sealed
already, under a new key each round: what is there it would skip. The vault hashes, seals and
stores. Ratio: its speed over theirs; at least 0.8.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from recovery.vault.keys import new_keys, write_keys
from setup import apt, s3_gateway
from tests.integration.s3_server import S3Server

SIZE = 2 << 30
LEAST = 0.8
MEMORY_MB = 300
_PUT = """
import sys, time
from recovery.vault.open import open_vault
vault = open_vault(sys.argv[1])
with open(sys.argv[2], "rb") as file:
    begun = time.monotonic()
    vault.put(file, "big")
    print(time.monotonic() - begun)
print(next(x for x in open("/proc/self/status") if x.startswith("VmHWM")).split()[1])
"""


def run(rounds: int = 3, binary: Path | None = None) -> Iterator[str]:
    """Lines of seconds and ratios, for a file of 2 GB that can't be compressed."""
    del binary
    apt.provide("bench", [name for name in ("age", "rclone") if not shutil.which(name)])
    with tempfile.TemporaryDirectory(prefix="bench-sealing-") as name:
        folder = Path(name)
        keys = new_keys()
        write_keys(keys, folder / "keys")
        source = folder / "big"
        with source.open("wb") as out:
            for _ in range(SIZE >> 24):
                out.write(os.urandom(1 << 24))
        sealed = folder / "big.age"
        seal = ["age", "--recipient", keys.recipients[0], "--output", str(sealed), str(source)]
        ways = _Ways(folder, rounds)
        yield from ways.compare("folder, beside age -o", lambda _: seal, str(folder / "vault"))
        if not s3_gateway.path().is_file():
            yield "S3: no server here; `python3 -m setup test` provides it"
            return
        subprocess.run(seal, check=True)
        server = S3Server(s3_gateway.path(), folder / "s3")
        try:
            os.environ |= server.environment
            bucket = server.bucket()
            options = ["--s3-provider=Other", f"--s3-endpoint={server.endpoint}"]
            options += ["--s3-env-auth", "--config=/dev/null"]

            def copy(place: int) -> list[str]:
                return ["rclone", "copyto", str(sealed), f":s3:{bucket}/plain/{place}", *options]

            ways.stored = server.folder
            uri = server.uri(bucket, "sealed/vault")
            yield from ways.compare("S3, beside rclone copyto", copy, uri)
        finally:
            server.stop()


class _Ways:
    """Both ways in turn; what one round has stored is removed before the next."""

    def __init__(self, folder: Path, rounds: int) -> None:
        self._folder = folder
        self._rounds = rounds
        self.stored: Path | None = None
        """Where the S3 server keeps its objects."""

    def compare(self, what: str, other: Callable[[int], list[str]], vault: str) -> Iterator[str]:
        theirs, ours, peak = [], [], 0.0
        for place in range(self._rounds):
            theirs.append(self._seconds(other(place)))
            fresh = f"{vault}{place}"
            if "?" in vault:
                fresh = vault.replace("/vault?", f"/vault{place}?")
            self._settle()
            seconds, megabytes = _put(fresh, self._folder)
            ours.append(seconds)
            peak = max(peak, megabytes)
            self._clear(fresh)
        ratio = median(theirs) / median(ours)
        fits = "" if ratio >= LEAST else ": TOO SLOW"
        held = "" if peak <= MEMORY_MB else ": TOO MUCH"
        yield f"{what}: {median(ours):.1f} s against {median(theirs):.1f} s, {ratio:.2f} x{fits}"
        yield f"{what}: memory at most {peak:.0f} MB of {MEMORY_MB} MB{held}"

    def _seconds(self, argv: list[str]) -> float:
        if argv[0] == "age":
            (self._folder / "big.age").unlink(missing_ok=True)
        self._settle()
        begun = time.monotonic()
        # rclone of Debian 12 can't take a bundle of CAs, which plain HTTP doesn't need.
        plain = {name: value for name, value in os.environ.items() if name != "AWS_CA_BUNDLE"}
        subprocess.run(argv, check=True, env=plain)
        return time.monotonic() - begun

    def _settle(self) -> None:
        """What one way wrote is on the disk before the next begins: else it slows that one down."""
        os.sync()

    def _clear(self, vault: str) -> None:
        if self.stored is None:
            shutil.rmtree(vault)
            return
        for path in (self.stored / "data").rglob("*"):
            if path.is_file() and path.stat().st_size > SIZE // 2:
                path.unlink()


def _put(vault: str, folder: Path) -> tuple[float, float]:
    """Seconds, and the peak of memory in MB, of a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", _PUT, vault, str(folder / "big")],
        env={
            **os.environ,
            "RECOVERY_KEYS": str(folder / "keys"),
            "XDG_STATE_HOME": str(folder / "state"),
        },
        check=True,
        capture_output=True,
        text=True,
    )
    seconds, kilobytes = done.stdout.split()
    return float(seconds), int(kilobytes) / 1024
