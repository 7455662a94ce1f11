"""Sealing and storing: beside `age -o` for a folder, beside `rclone` for a real S3 server.

The other way only does its own part: age seals, and rclone copies a file that is sealed
already. The vault hashes, seals and stores. Ratio: its speed over theirs; at least 0.8.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
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
        yield from _compare("folder, beside age -o", rounds, seal, folder, str(folder / "vault"))
        if not s3_gateway.path().is_file():
            yield "S3: no server here; `python3 -m setup test` provides it"
            return
        subprocess.run(seal, check=True)
        server = S3Server(s3_gateway.path(), folder / "s3")
        try:
            os.environ |= server.environment
            bucket = server.bucket()
            copy = [
                "rclone",
                "copyto",
                str(sealed),
                f":s3:{bucket}/plain/big",
                "--s3-provider=Other",
            ]
            copy += [f"--s3-endpoint={server.endpoint}", "--s3-env-auth", "--config=/dev/null"]
            uri = server.uri(bucket, "sealed/vault")
            yield from _compare("S3, beside rclone copyto", rounds, copy, folder, uri)
        finally:
            server.stop()


def _compare(what: str, rounds: int, other: list[str], folder: Path, vault: str) -> Iterator[str]:
    """Both ways in turn; every round stores anew, so the object is removed in between."""
    theirs, ours, peak = [], [], 0.0
    for place in range(rounds):
        sealed = folder / "big.age"
        if other[0] == "age":
            sealed.unlink(missing_ok=True)
        # What one way wrote is on the disk before the next begins: else it slows that one down.
        os.sync()
        begun = time.monotonic()
        # rclone of Debian 12 can't take a bundle of CAs, which plain HTTP doesn't need.
        plain = {name: value for name, value in os.environ.items() if name != "AWS_CA_BUNDLE"}
        subprocess.run(other, check=True, env=plain)
        theirs.append(time.monotonic() - begun)
        fresh = vault.replace("/vault?", f"/vault{place}?") if "?" in vault else f"{vault}{place}"
        os.sync()
        seconds, megabytes = _put(fresh, folder)
        ours.append(seconds)
        peak = max(peak, megabytes)
        if "://" not in fresh:
            shutil.rmtree(fresh)
    ratio = median(theirs) / median(ours)
    fits = "" if ratio >= LEAST else ": TOO SLOW"
    held = "" if peak <= MEMORY_MB else ": TOO MUCH"
    yield f"{what}: {median(ours):.1f} s against {median(theirs):.1f} s, {ratio:.2f} x{fits}"
    yield f"{what}: memory at most {peak:.0f} MB of {MEMORY_MB} MB{held}"


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
