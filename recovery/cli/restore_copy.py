"""``recovery datastore restore``: a complete copy onto a new machine."""

from typing import Annotated

import typer

from recovery.cli.options import AsJson, OverRunningServer, RepositoryUri, VaultUri
from recovery.cli.terminal import echo
from recovery.errors import EXIT_FINDINGS


def restore(
    to: Annotated[str, typer.Option(help="docker://NAME, ssh://HOST, local://: a new machine")],
    vault: VaultUri,
    repository: RepositoryUri = "",
    point: Annotated[str, typer.Option(help="recovery point; default: the newest copy's")] = "",
    org: Annotated[
        list[str] | None, typer.Option(help="no org but this and root; repeatable")
    ] = None,
    accounts: Annotated[
        str,
        typer.Option(
            help="unchanged since the point before, known to it, all, or a file: an approval, rules"
        ),
    ] = "unchanged",
    hunts: Annotated[str, typer.Option(help="paused or released")] = "paused",
    over_running_server: OverRunningServer = False,
    as_json: AsJson = False,
) -> None:
    """Rebuilds the server with everything that a copy holds, as it was at that time.

    The same as `recovery restore --strategy datastore`, which can switch DNS as well. Files get
    the owner of the new machine's package, whatever its number was before.

    Examples:

      recovery datastore restore --to ssh://root@192.0.2.7 --vault /vault

      recovery datastore restore --to ssh://root@192.0.2.7 --vault /vault --org OACME \\
        --point 20261123T060000Z-1a2b3c
    """
    from recovery.capture.tie_copies import newest_copy
    from recovery.cli.show import result_json, show_result
    from recovery.restore.request import parse_request
    from recovery.restore.run_group import run_group
    from recovery.vault.store import open_vault

    request = parse_request(
        target=to,
        vault=vault,
        point=point or newest_copy(open_vault(vault)),
        strategy=["datastore"],
        repository=repository,
        hunts=hunts,
        accounts=accounts,
        orgs=org or [],
        over_running_server=over_running_server,
        client_wait=0,
        clients_sent=False,
    )

    def say(line: str) -> None:
        echo(line, err=True)

    results = [run_group(group, request, say) for group in ("server", "collections", "proof")]
    if as_json:
        echo(result_json(results))
    else:
        show_result(results)
    findings = [finding for result in results for o in result.outcomes for finding in o.findings]
    raise typer.Exit(EXIT_FINDINGS if findings else 0)
