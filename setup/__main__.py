"""`python3 -m setup VERB`: sets up what a drill needs, in order, and says what it does."""

import os
import shlex
import signal
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from setup import (
    base_image,
    cloud_image,
    copy_tools,
    engine,
    environment,
    pulumi_cli,
    reference_server,
    s3_gateway,
    test_programs,
    venv,
)
from setup.errors import SetupError
from setup.locked import one_at_a_time
from setup.progress import say, seconds

USAGE = """\
python3 -m setup [VERB]
  all          set up everything a drill needs (the default)
  venv         the virtual environment only
  test         servers that only tests and benchmarks need
  doctor       say what is there and what is missing; change nothing
  env          print the environment as shell exports (for `. setup/env`)
  run -- CMD   run CMD in that environment
  stop-docker  stop the Docker engine that setup started, if no container runs on it
"""
EXIT_FAILED, EXIT_USAGE = 2, 64


class Part(NamedTuple):
    """Something a drill needs: `find` words what is there (None: absent), `provide` makes it."""

    name: str
    find: Callable[[], str | None]
    provide: Callable[[], str]


# The order is knowledge: the CLI's installer is in the venv, the image goes into the engine.
PARTS = (
    Part(venv.NAME, venv.find, venv.provide),
    Part(engine.NAME, engine.find, engine.provide),
    Part(copy_tools.NAME, copy_tools.find, copy_tools.provide),
    Part(pulumi_cli.NAME, pulumi_cli.find, pulumi_cli.provide),
    Part(base_image.NAME, base_image.find, base_image.provide),
    Part(reference_server.NAME, lambda: None, reference_server.provide),
)
TEST_PARTS = (
    Part(test_programs.NAME, test_programs.find, test_programs.provide),
    Part(s3_gateway.NAME, s3_gateway.find, s3_gateway.provide),
    Part(cloud_image.NAME, cloud_image.find, cloud_image.provide),
)


def provide(parts: tuple[Part, ...]) -> None:
    """Find or make each part, one line at the end of each."""
    begin = time.monotonic()
    with one_at_a_time():
        for part in parts:
            start = time.monotonic()
            found = part.find()
            words = f"found {found}" if found else f"ready {part.provide()}"
            say(part.name, f"{words} ({seconds(time.monotonic() - start)})")
    say(
        "all", f"{len(parts)} of {len(parts)} parts are there ({seconds(time.monotonic() - begin)})"
    )


def doctor() -> int:
    """Say of each part whether it is there; 0 if all are, else 2. Changes nothing."""
    absent = 0
    for part in PARTS[:-1]:
        try:
            found = part.find()
        except SetupError as error:
            found = None
            say(part.name, f"{error.what}. {error.hint}")
        absent += found is None
        say(part.name, f"found {found}" if found else "absent; `make setup` provides it")
    server = reference_server.recorded()
    say(reference_server.NAME, f"found {server}" if server else "absent; `make setup` builds it")
    return EXIT_FAILED if absent or server is None else 0


def run_in_environment(argv: list[str]) -> None:
    """Become `argv`, in the environment of the toolkit."""
    found = {**os.environ, **environment.prepare()}
    try:
        os.execvpe(argv[0], argv, found)  # noqa: S606 - an argv list from the Makefile
    except OSError as error:
        raise SetupError(f"`{argv[0]}` could not be run: {error}", "Run `make setup`.") from error


def main(arguments: list[str]) -> int:
    """Run one verb; the exit code."""
    match arguments:
        case [] | ["all"]:
            provide(PARTS)
        case ["venv"]:
            provide(PARTS[:1])
        case ["test"]:
            provide(TEST_PARTS)
        case ["doctor"]:
            return doctor()
        case ["env"]:
            for name, value in environment.prepare().items():
                print(f"export {name}={shlex.quote(value)}")
        case ["run", "--", _, *_]:
            run_in_environment(arguments[2:])
        case ["stop-docker"]:
            with one_at_a_time():
                say(engine.NAME, engine.stop_unless_used())
        case ["help" | "--help" | "-h"]:
            print(USAGE, end="")
        case _:
            print(USAGE, end="", file=sys.stderr)
            return EXIT_USAGE
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        sys.exit(main(sys.argv[1:]))
    except SetupError as error:
        say("FAILED", f"{error.what}\n       {error.hint}")
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        say("stopped", "by Ctrl-C; what is finished stays, the next setup goes on from there")
        sys.exit(128 + signal.SIGINT)
