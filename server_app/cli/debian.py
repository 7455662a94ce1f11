"""`debian server`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from server_app.cli.main import CommandError
from server_app.config import load_config
from server_app.config.document import require
from server_app.package.server import write_server_package


def server_package(flags: argparse.Namespace) -> None:
    """Packs this program with a server's config, and prints the path as a query's row."""
    if not flags.config:
        raise CommandError("A server config must be specified using the --config flag")
    config = require(load_config(flags.config), ("Frontend", "Datastore"))
    written = write_server_package(config, _binary(flags), Path(flags.output), flags.release)
    if written is not None:
        sys.stdout.write(f'[\n {{\n  "OSPath": "{written.resolve()}"\n }}\n]')


def _binary(flags: argparse.Namespace) -> Path:
    """The program to pack: the one named, else the one running."""
    if flags.binary:
        path = Path(flags.binary).resolve()
    elif getattr(sys, "frozen", False):
        path = Path(sys.executable)
    else:
        raise CommandError("this program runs from its sources: name an executable by --binary")
    if not path.is_file():
        raise CommandError(f"{path}: no such file")
    return path
