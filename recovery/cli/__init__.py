"""The command line: one file a verb, each thin; the rooms do the work."""

from recovery.cli import verbs
from recovery.cli.app import app

__all__ = ["app", "verbs"]
