"""Pulumi's Python language host and provider of dynamic resources, for a CLI without them."""

import os
import shutil
from pathlib import Path

SOURCE = Path(__file__).parent / "python_host"
WANTED = ("pulumi-language-python", "pulumi-resource-pulumi-python")


def missing(cli: Path, search_path: str) -> bool:
    """Say whether the engine of `cli` would find no Python host, beside itself or on the PATH."""
    folders = f"{cli.resolve().parent}{os.pathsep}{search_path}"
    return any(shutil.which(name, path=folders) is None for name in WANTED)


def install(folder: Path) -> None:
    """Put both, with what they call, into `folder`; files already the same are left alone."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in sorted(SOURCE.iterdir()):
        if not source.is_file():
            continue
        goal = folder / source.name
        if goal.exists() and goal.read_bytes() == source.read_bytes():
            continue
        part = goal.with_name(f".{goal.name}.part")
        shutil.copy(source, part)
        part.replace(goal)
