"""The verbs, and the one place where an error becomes words and an exit code."""

import json
import sys
from importlib.metadata import version
from typing import Annotated, Any, NoReturn, cast

import typer

from recovery.cli.help_text import Verbs
from recovery.cli.terminal import echo
from recovery.errors import EXIT_BAD_INPUT, EXIT_FAILED, BadInputError, RecoveryError

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
            if "--json" in sys.argv:
                _as_json(BadInputError(wrong.format_message(), hint="--help shows what there is"))
            wrong.show()
            sys.exit(EXIT_BAD_INPUT)
        except typer.Abort:
            print("interrupted: run the same command again to go on", file=sys.stderr)  # noqa: T201
            sys.exit(130)
        except OSError as refused:
            end(_of_this_machine(refused))


def _of_this_machine(refused: OSError) -> RecoveryError:
    """No space, no permission: what no step expected, in words all the same."""
    gone = isinstance(refused, FileNotFoundError | NotADirectoryError)
    hint = "is the path right, and its folder there?" if gone else "see to space and permissions"
    return RecoveryError(
        f"this machine refused: {refused.strerror or refused}",
        target=str(refused.filename or ""),
        hint=f"{hint}{'' if gone else ' there'}; then run the same command again",
    )


def end(error: RecoveryError) -> NoReturn:
    """Prints the error (as JSON on standard output with ``--json``), and exits with its code."""
    if "--json" in sys.argv:
        _as_json(error)
    echo(f"error: {error}", err=True)
    sys.exit(error.exit_code or EXIT_FAILED)


def _as_json(error: RecoveryError) -> None:
    print(json.dumps({"error": error.as_dict(), "verdict": "failed"}))  # noqa: T201


def _version(asked: bool) -> None:
    if asked:
        print(f"recovery {version('velociraptor-recovery')}")  # noqa: T201
        raise typer.Exit


app = _App(
    name="recovery",
    cls=Verbs,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@app.callback()
def recovery(
    version: Annotated[
        bool,
        typer.Option("--version", help="the toolkit's version", is_eager=True, callback=_version),
    ] = False,
) -> None:
    """Rebuilds a lost Velociraptor server, and proves beforehand that it can.

    The server is gone: `recovery restore`. A rehearsal: `recovery drill`.

    Exit codes: 0 recovered and verified; 1 something falls short, it is listed;
    2 could not recover; 64 bad input, nothing was changed.
    """
