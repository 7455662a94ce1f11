"""Lines that a person reads: nothing in them moves the cursor, colors or hides anything."""

import typer

from recovery.plain_text import plain


def echo(text: str, *, err: bool = False) -> None:
    """A line on standard output, or standard error."""
    typer.echo(plain(text), err=err)
