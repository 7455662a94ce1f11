"""Resolves `requirements.lock` anew: `make lock`, after a change of pyproject.toml."""

import sys
from pathlib import Path

from setup import installer
from setup.commands import run
from setup.places import CLONE, cache_folder
from setup.progress import say
from setup.venv import LOCK, PROJECT

BUILD = Path(__file__).parent / "build_requirements.in"


def resolve_argv(uv: Path) -> list[str]:
    """Return uv's argv: every platform, hashes, and no word about which index it asked."""
    return [
        str(uv), "pip", "compile", str(PROJECT), str(BUILD), "--extra", "dev", "--universal",
        "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate",
        "--no-emit-index-url", "--quiet", "--upgrade", "--output-file", str(LOCK),
    ]  # fmt: skip


def main() -> int:
    """Resolve with the uv that installs, too."""
    log = cache_folder() / "logs" / "lock.log"
    hint = "A Python package index must be reachable. requirements.lock is as it was."
    python = installer.provide()
    run(
        resolve_argv(python.with_name("uv")),
        log=log,
        hint=hint,
        env=installer.settings(python),
        cwd=CLONE,
    )
    say("lock", f"{LOCK.name}: {LOCK.read_text().count('==')} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
