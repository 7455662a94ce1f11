"""A real S3 server for tests and benchmarks: versitygw, built from the modules pinned beside this.

A drill doesn't need it. One that the machine has already is used (`RECOVERY_VERSITYGW`).
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from setup import go_toolchain, pulumi_build
from setup.commands import run
from setup.places import cache_folder, private_folder
from setup.progress import megabytes, say

NAME = "S3 server"
VARIABLE = "RECOVERY_VERSITYGW"
VERSION = "1.8.0"
SOURCE = Path(__file__).parent / "s3_gateway_source"
PACKAGE = "github.com/versity/versitygw/cmd/versitygw"
SPACE_NEEDED = 2_500_000_000


def path(environ: Mapping[str, str] = os.environ) -> Path:
    """Where it is, or will be."""
    given = environ.get(VARIABLE)
    return Path(given) if given else cache_folder(environ) / "versitygw" / VERSION / "versitygw"


def find() -> str | None:
    """Find the executable."""
    return str(path()) if path().is_file() else None


def build_argv(go: Path, goal: Path) -> list[str]:
    """Return the argv that builds it into `goal`; go.sum decides what may go in."""
    return [
        str(go), "build", "-mod=readonly", "-modcacherw", "-trimpath", "-buildvcs=false",
        "-ldflags=-s -w", "-o", str(goal), PACKAGE,
    ]  # fmt: skip


def provide() -> str:
    """Build it; what the build needed is removed again.

    Raises SetupError when a module cannot be had or does not compile.
    """
    goal = path()
    folder = private_folder(cache_folder() / "versitygw" / "build")
    log = cache_folder() / "logs" / "versitygw-build.log"
    go_toolchain.refuse_full_disk(folder, SPACE_NEEDED, NAME)
    go = go_toolchain.provide()
    say(NAME, f"building versitygw {VERSION} from source (1 min on two idle cores), log {log}")
    goal.parent.mkdir(parents=True, exist_ok=True)
    part = goal.with_name(".versitygw.part")
    run(
        build_argv(go, part),
        log=log,
        hint="A Go module proxy must be reachable (GOPROXY). Or name a versitygw by "
        f"{VARIABLE}; without one the tests against S3 are skipped.",
        env=pulumi_build.build_environment(folder, os.environ),
        cwd=SOURCE,
        nice=5,
    )
    part.replace(goal)
    shutil.rmtree(folder, ignore_errors=True)
    return f"{goal} ({megabytes(goal.stat().st_size)})"
