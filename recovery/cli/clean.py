"""``recovery clean``: what a crashed or kept drill left, and nothing else."""

import json
from typing import Annotated

import typer

from recovery.cli.options import AsJson
from recovery.cli.terminal import echo


def clean(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="say what would be removed; touch nothing")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Removes containers, networks, volumes and keys of drills that are over.

    Only things with a drill's own labels; drills that are running, here or on another
    machine with the same engine, and servers of your own are never touched.

    Examples:

      recovery clean --dry-run

      recovery clean
    """
    from recovery.drill.leftovers import find_leftovers, remove_run

    found = find_leftovers()
    gone = [left for left in found if not left.running]
    left_alone = [left for left in found if left.running]
    if not dry_run:
        for left in gone:
            remove_run(left.run)
            if not as_json:
                echo(f"removed drill {left.run.ident}: {left.summary}")
    if as_json:
        echo(
            json.dumps(
                {
                    "removed" if not dry_run else "would_remove": [one.as_dict() for one in gone],
                    "running": [one.run.ident for one in left_alone],
                },
                indent=2,
            )
        )
        return
    if dry_run:
        for left in gone:
            echo(f"would remove drill {left.run.ident}: {left.summary}")
    for left in left_alone:
        echo(f"left alone: drill {left.run.ident} is running: {left.summary}")
    if not gone:
        echo("nothing to remove")
