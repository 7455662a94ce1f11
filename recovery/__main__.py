"""``python -m recovery``: the same as the command ``recovery``."""

from recovery.cli import app

app()
