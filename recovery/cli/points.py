"""``recovery points``: what is in the vault, whether it is whole, and what changed in between."""

from typing import Annotated

import typer

from recovery.cli.options import AsJson, VaultUri
from recovery.cli.terminal import echo
from recovery.counts import things
from recovery.errors import EXIT_FAILED, EXIT_FINDINGS

points = typer.Typer(help="List, show, verify and compare recovery points.", no_args_is_help=True)


@points.command("list")
def list_points(vault: VaultUri, as_json: AsJson = False) -> None:
    """Lists the recovery points, the oldest first. Ends with 1 if one can't be trusted or read.

    Example:

      recovery points list --vault /vault
    """
    import json

    from recovery.cli.show_points import points_table, summary
    from recovery.vault.marker import is_sealed, no_point
    from recovery.vault.store import open_vault

    held = open_vault(vault)
    listed = held.list_points()
    if not listed and is_sealed(held.shelf) is None:
        raise no_point(held.shelf)
    if as_json:
        rows = [
            summary(entry.file.manifest)
            if entry.file
            else {"point": entry.point, "error": entry.trouble and entry.trouble.as_dict()}
            for entry in listed
        ]
        echo(json.dumps(rows, indent=1))
    else:
        points_table(listed)
    raise typer.Exit(EXIT_FINDINGS if any(entry.trouble for entry in listed) else 0)


@points.command()
def show(
    vault: VaultUri,
    point: Annotated[str, typer.Argument(help="recovery point; default: the newest")] = "",
    as_json: AsJson = False,
) -> None:
    """Shows one recovery point: what it holds, counted per org, and what it lacks.

    Example:

      recovery points show --vault /vault 20261123T060000Z-1a2b3c
    """
    from recovery.cli.show_points import capture_lines, counts_table
    from recovery.vault.store import open_vault

    manifest = open_vault(vault).point(point)
    if as_json:
        echo(manifest.model_dump_json(indent=1))
        return
    for line in capture_lines(manifest):
        echo(line)
    counts_table(manifest)


@points.command()
def verify(
    vault: VaultUri,
    point: Annotated[list[str] | None, typer.Option(help="recovery point; default: all")] = None,
    sample: Annotated[str, typer.Option(help="share of the archives to open, e.g. 5%")] = "5%",
    every: Annotated[bool, typer.Option("--all", help="open every archive")] = False,
    as_json: AsJson = False,
) -> None:
    """Checks that every object is there, and opens and hashes them: all vital ones, and a sample.

    Ends with 2 when something is damaged, 1 when nothing could be opened (no key here).

    Examples:

      recovery points verify --vault /vault

      recovery points verify --vault /vault --all
    """
    import json
    from dataclasses import asdict

    from recovery.vault.store import open_vault
    from recovery.vault.verify_points import parse_sample, verify_points

    share = 1.0 if every else parse_sample(sample)
    found = verify_points(open_vault(vault), point or [], share, lambda line: echo(line, err=True))
    if as_json:
        echo(json.dumps({**asdict(found), "whole": found.whole}, indent=1))
    else:
        echo(
            f"{things(found.points, 'point')}, {things(found.present, 'object')} there, "
            f"{found.opened} opened and hashed ({found.bytes / 1e6:.1f} MB), "
            f"{len(found.damaged)} damaged"
        )
        for line in found.damaged:
            echo(f"damaged: {line}")
    if found.damaged:
        raise typer.Exit(EXIT_FAILED)
    raise typer.Exit(0 if found.whole else EXIT_FINDINGS)


@points.command()
def diff(
    vault: VaultUri,
    old: Annotated[str, typer.Argument(help="the older recovery point")],
    new: Annotated[str, typer.Argument(help="the newer one; default: the newest")] = "",
    as_json: AsJson = False,
) -> None:
    """Shows what changed between two points: users, roles, artifacts, hunts and the rest.

    After an intrusion, this is where the intruder's own additions are seen.

    Example:

      recovery points diff --vault /vault 20261122T060000Z-1a2b3c 20261123T060000Z-4d5e6f
    """
    import json
    from dataclasses import asdict

    from recovery.cli.show_points import diff_table
    from recovery.vault.diff_points import add_roles, diff_points
    from recovery.vault.store import open_vault

    held = open_vault(vault)
    before, after = held.point(old), held.point(new)
    changes = add_roles(held, before, after, diff_points(before, after))
    if as_json:
        echo(json.dumps([asdict(change) for change in changes], indent=1))
    else:
        diff_table(before, after, changes)
