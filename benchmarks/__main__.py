"""``make bench``: ratios against what a user would otherwise do."""

import argparse
import importlib
from pathlib import Path


def main() -> None:
    """Runs the benchmarks asked for, and prints their lines."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    usual = ["recovery_time", "package_build", "import_archives", "place_state"]
    usual += ["sealing", "capture_time", "copies"]
    parser.add_argument("what", nargs="*", default=usual)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--server-binary", type=Path, help="a real Velociraptor")
    given = parser.parse_args()
    for name in given.what:
        print(f"== {name}")
        room = importlib.import_module(f"benchmarks.{name}")
        for line in room.run(given.rounds, given.server_binary):
            print(line)


main()
