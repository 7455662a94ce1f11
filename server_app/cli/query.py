"""`query`: on this machine's datastore, or on a server by its API."""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from server_app.cli.main import CommandError, UsageError
from server_app.cli.tables import writer_for
from server_app.config import ConfigError, load_api_config, load_config

Flags = argparse.Namespace
OFFLINE_PART = 10
"""Rows shown at a time by a query on this machine (the real number)."""


def run_query(flags: Flags) -> None:
    """Prints rows. Over the API a query that fails is a log line and the exit code 0 (facts);
    here, on this machine, an ERROR in the log becomes the exit code 1.
    """
    queries = [_text_of(name) if flags.from_files else name for name in flags.queries]
    env = dict(_pair(text) for text in flags.env)
    api = load_api_config(flags.api_config)
    with _output(flags) as file:
        if api is not None:
            _ask(api, queries, env, flags, file)
        else:
            _run_here(queries, env, flags, file)


def _text_of(name: str) -> str:
    try:
        return Path(name).read_text("utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CommandError(f"While opening query file {name}: open {name}: {reason}") from error


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
    errors: list[str] = []
    noted = _noting(errors, _log(flags))
    session = Session(Run(org, flags.runas, noted, timeout=flags.timeout), env)
    try:
        for query in queries:
            for _, rows in session.results(query):
                _write(rows, flags.format, file)
    except (VQLSyntaxError, RecursionError) as error:
        raise UsageError(f"Unable to parse VQL Query: {error}") from error
    except QueryCancelled:
        return
    if errors:
        raise CommandError(errors[-1])


def _write(rows: Iterator[Mapping[str, Any]], name: str, file: TextIO) -> None:
    """A statement's rows; without any, only a table shows something."""
    write = writer_for(name, file, remote=False)
    wrote = False
    for part in batched(rows):
        write(part)
        wrote = True
    if not wrote and name == "text":
        write([])


def _noting(errors: list[str], log: Callable[[str], None]) -> Callable[[str], None]:
    """A log that shows and keeps the errors."""

    def noted(text: str) -> None:
        if text.startswith("ERROR:"):
            errors.append(text.removeprefix("ERROR:"))
            sys.stderr.write(f"[ERROR] {_moment()} {errors[-1]} \n")
        log(text)

    return noted


def _moment() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def batched(rows: Iterator[Mapping[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Rows in parts of ten, as they come."""
    while part := [dict(row) for row in itertools.islice(rows, OFFLINE_PART)]:
        yield part


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"expected KEY=VALUE got '{text}', try --help")
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
