"""The verbs, and the one place where an error becomes words and an exit code."""

import json
import sys
from typing import Any, NoReturn, cast

import typer

from recovery.errors import EXIT_BAD_INPUT, EXIT_FAILED, RecoveryError

# typer has its own copy of click, and names only this descendant.
_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__bases__[0])


class _App(typer.Typer):
    """A Typer that ends a :class:`RecoveryError` as an operator reads it, not as a traceback."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            sys.exit(super().__call__(*args, standalone_mode=False, **kwargs) or 0)
        except RecoveryError as error:
            end(error)
        except _UsageError as wrong:
            wrong.show()
            sys.exit(EXIT_BAD_INPUT)
        except typer.Abort:
            sys.exit(130)


def end(error: RecoveryError) -> NoReturn:
    """Prints the error (as JSON on standard output with ``--json``), and exits with its code."""
    if "--json" in sys.argv:
        print(json.dumps({"error": error.as_dict(), "verdict": "failed"}))  # noqa: T201
    print(f"error: {error}", file=sys.stderr)  # noqa: T201
    sys.exit(error.exit_code or EXIT_FAILED)


app = _App(
    name="recovery",
    help="Rebuilds a lost Velociraptor server, and proves beforehand that it can.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

from recovery.cli.clean import clean  # noqa: E402
from recovery.cli.doctor import doctor  # noqa: E402
from recovery.cli.drill import drill  # noqa: E402

app.command()(drill)
app.command()(doctor)
app.command()(clean)
