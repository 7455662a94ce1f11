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
        said = app(standalone_mode=False)
    except UsageError as wrong:
        wrong.show()
        return BAD_INPUT
    except typer.Abort:
        return 130
    # A verb returns what it made, for whoever mounts it elsewhere; an exit code is a number.
    return said if isinstance(said, int) else 0


if __name__ == "__main__":
    sys.exit(main())
