"""Building the server package: `recovery package build` beside dpkg-deb and Velociraptor's own."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from recovery import commands
from recovery.drill.conduct import server_binary
from recovery.drill.names import new_run
from recovery.drill.production import build_package, check_binary, make_config


def run(rounds: int, binary: Path | None) -> list[str]:
    """The lines of the result. A reference binary's own `debian server` is its own packer."""
    found = server_binary(binary)
    known = check_binary(found)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = make_config(new_run(), found, folder)
        ours = build_package(found, config, folder)
        tree = folder / "tree"
        commands.run(["dpkg-deb", "-R", str(ours), str(tree)])
        ways: dict[str, Callable[[], Path]] = {
            "recovery package build": lambda: build_package(found, config, folder),
            "dpkg-deb -Zzstd": lambda: _dpkg(tree, folder / "dpkg.deb"),
            "velociraptor debian server": lambda: _own(found, config, folder / "own"),
        }
        times: dict[str, list[float]] = {way: [] for way in ways}
        sizes: dict[str, int] = {}
        for _ in range(rounds):
            for way, make in ways.items():
                began = time.monotonic()
                made = make()
                times[way].append(time.monotonic() - began)
                sizes[way] = made.stat().st_size
    lines = [f"server: {known.kind} {known.version}"]
    base = times["recovery package build"]
    for way, seconds in times.items():
        ratio = statistics.median(one / other for one, other in zip(base, seconds, strict=True))
        lines.append(
            f"{way}: {statistics.median(seconds):.1f} s, {sizes[way] / 1e6:.1f} MB, "
            f"ours takes {ratio:.2f} of it"
        )
    return lines


def _dpkg(tree: Path, out: Path) -> Path:
    commands.run(["dpkg-deb", "-Zzstd", "--root-owner-group", "-b", str(tree), str(out)])
    return out


def _own(binary: Path, config: Path, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    argv = [str(binary), "--config", str(config), "debian", "server", "--output", str(folder)]
    commands.run(argv, timeout=120)
    return next(folder.glob("*.deb"))
