"""``recovery material``: what in a recovery point would run code, before it comes back."""

from typing import Annotated

import typer

from recovery.cli.options import VaultUri
from recovery.cli.terminal import echo
from recovery.counts import things


def material(
    vault: VaultUri,
    point: Annotated[str, typer.Option(help="recovery point; default: the newest")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """Shows what in a point would run code: changed artifacts, monitoring that sends data out.

    Changed means: since the recovery point before. Whoever makes a recovery point decides what
    your endpoints run.

    Examples:

      recovery material --vault /vault

      recovery material --vault /vault --point 20261124T060000Z-ab12cd --json
    """
    from recovery.restore.context import Context
    from recovery.restore.request import parse_request
    from recovery.restore.review_material import OTHERS, material_json, material_of

    request = parse_request(target="local://", vault=vault, point=point)
    with Context(request, lambda line: echo(line, err=True)) as context:
        found = material_of(context)
        name = context.manifest.point
    if as_json:
        echo(material_json(found))
        return
    for change in found.artifacts:
        echo(f"artifact {change.words}")
        for line in change.diff:
            echo(f"    {line}")
    for sender in found.outgoing:
        echo(f"monitoring {sender.words}")
    for path in found.served:
        echo(f"file for endpoints {path}")
    for path in found.named:
        echo(f"file that the config names {path}")
    for words in found.others:
        echo(words)
    since = f"since {found.before}" if found.before else "(there is no point before it)"
    echo(
        f"{name}: {things(len(found.artifacts), 'artifact')} new, changed or removed {since}, "
        f"{things(len(found.served), 'file')} for endpoints new or changed, "
        f"{things(len(found.named), 'file')} that the config names new or changed, "
        f"{things(len(found.others), 'other thing')} changed ({OTHERS}), "
        f"{things(len(found.outgoing), 'entry', 'entries')} of monitoring sending data out"
    )
