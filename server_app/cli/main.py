"""Runs one command; a failure is one line on stderr and exit code 1."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from server_app.cli.arguments import parse

COMMANDS = {
    "version": "server_app.cli.version:show_version",
    "frontend": "server_app.cli.frontend:run_frontend",
    "client": "server_app.cli.client:run_client",
    "pool_client": "server_app.cli.client:run_pool",
    "query": "server_app.cli.query:run_query",
    "config generate": "server_app.cli.config:generate",
    "config show": "server_app.cli.config:show",
    "config client": "server_app.cli.config:client",
    "config api_client": "server_app.cli.config:api_client",
    "config rotate_keys": "server_app.cli.config:rotate",
    "config reissue_certs": "server_app.cli.config:reissue",
    "user add": "server_app.cli.accounts:user_add",
    "user show": "server_app.cli.accounts:user_show",
    "acl grant": "server_app.cli.accounts:acl_grant",
    "acl show": "server_app.cli.accounts:acl_show",
    "org ls": "server_app.cli.accounts:org_list",
    "debian server": "server_app.cli.debian:server_package",
}
"""Each command's module is imported only when it runs: a start must be quick."""


class CommandError(Exception):
    """Why a command could not do it; shown after the command's name."""


class UsageError(CommandError):
    """A command line that says too little or too much; shown without the command's name."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0, or 1 for any failure."""
    flags = parse(sys.argv[1:] if arguments is None else arguments)
    module, _, name = COMMANDS[flags.command].partition(":")
    try:
        getattr(importlib.import_module(module), name)(flags)
    except BrokenPipeError:
        return 1
    except Exception as error:
        if not _expected(error):
            raise
        where = "" if isinstance(error, UsageError) else f"{flags.command}: "
        sys.stderr.write(f"velociraptor: error: {where}{error}\n")
        return 1
    return 0


def _expected(error: Exception) -> bool:
    """Whether it is a failure to report in one line, not a fault of this program."""
    from server_app.config import ConfigError
    from server_app.services.errors import ServiceError

    return isinstance(error, CommandError | ConfigError | ServiceError | OSError)
