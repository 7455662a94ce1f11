"""Asks a real server all scripted questions and keeps its answers, for the suite to hold to.

    RECOVERY_SERVER_BINARY=… python -m tests.integration.conformance.record [--against] [SCRIPT…]

`--against`: nothing is kept; where the answers differ from the kept ones is printed instead.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

from tests.integration.conformance.answers import compare_answers, kept, path_of
from tests.integration.conformance.asking import answers
from tests.integration.conformance.conftest import serve_objects
from tests.integration.conformance.script import SCRIPTS


def main(arguments: list[str]) -> None:
    against = "--against" in arguments
    names = [name for name in arguments if not name.startswith("-")] or list(SCRIPTS)
    binary = os.environ.get("RECOVERY_SERVER_BINARY")
    argv = [str(Path(binary).resolve())] if binary else None
    if not against and argv is None:
        raise SystemExit("RECOVERY_SERVER_BINARY names no real server")
    with serve_objects() as store:
        for name in names:
            with tempfile.TemporaryDirectory() as folder:
                given = answers(name, argv, Path(folder), store)
            if against:
                report(name, given)
            else:
                lines = [json.dumps(answer, ensure_ascii=False) + "\n" for answer in given]
                path_of(name).parent.mkdir(exist_ok=True)
                path_of(name).write_text("".join(lines))
                print(f"{name}: {len(lines)} answers kept")  # noqa: T201


def report(name: str, given: list[dict]) -> None:
    steps = [step for step in SCRIPTS[name] if step.asks]
    differing = 0
    for number, (step, before, now) in enumerate(zip(steps, kept(name), given, strict=True)):
        if differences := compare_answers(step, before, now):
            differing += 1
            print(f"\n{name} {number}: {step.text}", *differences, sep="\n    ")  # noqa: T201
    print(f"{name}: {differing} of {len(steps)} differ")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
