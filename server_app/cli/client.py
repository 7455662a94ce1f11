"""`client` and `pool_client`."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from server_app.cli.main import CommandError
from server_app.cli.stopping import ending
from server_app.config import ConfigError, load_config
from server_app.config.document import require


def run_client(flags: argparse.Namespace) -> None:
    """One client, until SIGTERM or SIGINT."""
    if flags.require_admin and os.geteuid() != 0:
        raise CommandError("Velociraptor requires administrator level access")
    from server_app.client import run

    config = _config(flags)
    writeback = str(config["Client"].get("writeback_linux") or "/etc/velociraptor.writeback.yaml")
    run(config, Path(os.path.expandvars(writeback)), stop=ending(), log=_log(flags))


def run_pool(flags: argparse.Namespace) -> None:
    """Many clients in one process."""
    from server_app.client import run_many

    folder = Path(flags.writeback_dir)
    folder.mkdir(parents=True, exist_ok=True)
    run_many(_config(flags), folder, flags.number, stop=ending(), log=_log(flags))


def _config(flags: argparse.Namespace) -> dict[str, Any]:
    try:
        config = require(load_config(flags.config), ("Client",))
    except ConfigError as error:
        raise CommandError(f"Unable to load config file: {error}") from error
    for name in ("ca_certificate", "nonce", "server_urls"):
        if not config["Client"].get(name):
            raise CommandError(f"Unable to load config file: No Client.{name} configured")
    return config


def _log(flags: argparse.Namespace) -> Callable[[str], None]:
    """Lines go to stderr with --verbose, and to --logfile."""
    lock = threading.Lock()

    def log(text: str) -> None:
        if flags.verbose and not getattr(flags, "quiet", False):
            sys.stderr.write(text + "\n")
        if flags.logfile:
            with lock, Path(flags.logfile).open("a", encoding="utf-8") as file:
                file.write(text + "\n")

    return log
