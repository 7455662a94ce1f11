"""`python -m server_deb build|inspect`: the same verbs as `recovery package`, standing alone."""

import sys
from typing import cast

import typer

from server_deb.commands import app
from server_deb.errors import BAD_INPUT

# typer has its own copy of click, and names only this descendant.
UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__bases__[0])


def main() -> int:
    """Run a verb; a wrong command line ends with 64, as all bad input does."""
    try:
        return app(standalone_mode=False) or 0
    except UsageError as wrong:
        wrong.show()
        return BAD_INPUT
    except typer.Abort:
        return 130


if __name__ == "__main__":
    sys.exit(main())
