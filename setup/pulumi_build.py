"""Builds the Pulumi CLI from the Go modules pinned in `pulumi_source/` (go.mod, go.sum)."""

import os
from collections.abc import Mapping
from pathlib import Path

from setup import go_toolchain
from setup.commands import detach, run
from setup.places import cache_folder, private_folder
from setup.progress import say

NAME = "pulumi"
SOURCE = Path(__file__).parent / "pulumi_source"
PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
SPACE_NEEDED = 5_000_000_000  # modules 2 GB, objects 1.5 GB, and some air


def build_argv(go: Path, version: str, goal: Path) -> list[str]:
    """Return the argv that builds `version` into `goal`; go.sum decides what may go in."""
    return [
        str(go), "build", "-mod=readonly", "-modcacherw", "-trimpath", "-buildvcs=false",
        f"-ldflags=-s -w -X {VERSION_VARIABLE}=v{version}", "-o", str(goal), PACKAGE,
    ]  # fmt: skip


def build_environment(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return Go's settings for a build that leaves nothing outside `folder`.

    A GOPROXY or GOMODCACHE that the machine sets stays in force.
    """
    return {
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "GOFLAGS": "",
        "GOTMPDIR": str(folder),
        "GOCACHE": str(folder / "objects"),
        "GOMODCACHE": environ.get("GOMODCACHE") or str(folder / "modules"),
    }


def build(version: str, goal: Path) -> None:
    """Build the CLI and put it at `goal`; sources and objects (4 GB) are removed behind it.

    Raises SetupError when a module cannot be had or does not compile. What was downloaded and
    compiled until then stays, and the next try goes on from it.
    """
    folder = private_folder(cache_folder() / "pulumi" / "build")
    log = cache_folder() / "logs" / "pulumi-build.log"
    go_toolchain.refuse_full_disk(folder, SPACE_NEEDED, NAME)
    go = go_toolchain.provide()
    say(NAME, f"building {version} from source (4 min on two idle cores), log {log}")
    goal.parent.mkdir(parents=True, exist_ok=True)
    part = goal.with_name(".pulumi.part")
    run(
        build_argv(go, version, part),
        log=log,
        hint="A Go module proxy must be reachable (GOPROXY). What was built so far is kept; run "
        "it again. Or install the Pulumi CLI yourself: one on the PATH is used.",
        env=build_environment(folder, os.environ),
        cwd=SOURCE,
        nice=5,
    )
    part.replace(goal)
    _remove_behind(folder)


def _remove_behind(folder: Path) -> None:
    """Remove what the build needed without making anyone wait: it takes up to two minutes.

    Also what an earlier removal left that was cut off.
    """
    removed = folder.with_name("removed")
    removed.mkdir(exist_ok=True)
    folder.replace(removed / str(os.getpid()))
    detach(
        ["nice", "-n", "19", "rm", "-rf", str(removed)],
        log=cache_folder() / "logs" / "pulumi-build.log",
        env={},
    )
