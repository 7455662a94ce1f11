"""`version`."""

from __future__ import annotations

import argparse
import sys

from server_app.config import BUILD, dump_yaml


def show_version(_flags: argparse.Namespace) -> None:
    """Prints YAML; `name` tells this program from a real server."""
    sys.stdout.write(dump_yaml(BUILD))
