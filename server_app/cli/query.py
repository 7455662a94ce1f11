"""`query`: on this machine's datastore, or on a server by its API."""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from server_app.cli.main import CommandError
from server_app.cli.tables import writer_for
from server_app.config import ConfigError, load_api_config, load_config

Flags = argparse.Namespace
OFFLINE_PART = 10
"""Rows shown at a time by a query on this machine (the real number)."""


def run_query(flags: Flags) -> None:
    """Prints rows; a query that fails is a log line, and the exit code stays 0 (facts)."""
    queries = [
        Path(name).read_text("utf-8") if flags.from_files else name for name in flags.queries
    ]
    env = dict(_pair(text) for text in flags.env)
    api = load_api_config(flags.api_config)
    with _output(flags) as file:
        if api is not None:
            _ask(api, queries, env, flags, file)
        else:
            _run_here(queries, env, flags, file)


def _ask(
    api: dict[str, str], queries: list[str], env: dict[str, str], flags: Flags, file: TextIO
) -> None:
    from server_app.api.remote import RemoteError, remote_query

    write = writer_for(flags.format, file)
    log = _log(flags)
    answers = remote_query(api, queries, env=env, org_id=flags.org, timeout=int(flags.timeout))
    try:
        for line, rows in answers:
            if line:
                log(line.rstrip("\n"))
            else:
                write(rows)
    except RemoteError as error:
        raise CommandError(error) from error


def _run_here(queries: list[str], env: dict[str, str], flags: Flags, file: TextIO) -> None:
    from server_app.services import Server
    from server_app.vql.parse import VQLSyntaxError
    from server_app.vql.scope import QueryCancelled, Run
    from server_app.vql.session import Session

    try:
        config = load_config(flags.config)
    except ConfigError:
        if flags.config:
            raise
        config = {}  # a query needs no config
    org = Server(config).org(flags.org) if config.get("Datastore") else None
    session = Session(Run(org, flags.runas, _log(flags), timeout=flags.timeout), env)
    write = writer_for(flags.format, file)
    try:
        for query in queries:
            for _, rows in session.results(query):
                for part in batched(rows):
                    write(part)
    except (VQLSyntaxError, RecursionError) as error:
        raise CommandError(f"Unable to parse VQL Query: {error}") from error
    except QueryCancelled:
        return


def batched(rows: Iterator[Mapping[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Rows in parts of ten, as they come."""
    while part := [dict(row) for row in itertools.islice(rows, OFFLINE_PART)]:
        yield part


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise CommandError(f"expected KEY=VALUE got '{text}'")
    return name, value


@contextmanager
def _output(flags: Flags) -> Iterator[TextIO]:
    if not flags.output:
        yield sys.stdout
        return
    descriptor = os.open(flags.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        yield file


def _log(flags: Flags) -> Callable[[str], None]:
    """Log lines are only seen with --verbose or in --logfile (facts: empty stderr)."""

    def log(text: str) -> None:
        if flags.verbose:
            sys.stderr.write(text + "\n")
        if flags.logfile:
            with Path(flags.logfile).open("a", encoding="utf-8") as file:
                file.write(text + "\n")

    return log
