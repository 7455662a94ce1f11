"""``recovery restore``: a recovery point onto a machine that exists already."""

from pathlib import Path
from typing import Annotated

import typer

from recovery.cli.help_text import with_switches
from recovery.cli.options import AsJson, OverRunningServer, VaultUri
from recovery.cli.terminal import echo


def restore(
    to: Annotated[str, typer.Option(help="docker://NAME, ssh://HOST, local://")],
    vault: VaultUri,
    point: Annotated[str, typer.Option(help="recovery point; default: the newest good one")] = "",
    strategy: Annotated[
        str, typer.Option(help="any of redeploy, backup, state, collections, datastore; by commas")
    ] = "state,collections",
    repository: Annotated[
        str,
        typer.Option(
            help="of the complete copies (strategy datastore); default: as the point says",
            envvar="RECOVERY_REPOSITORY",
        ),
    ] = "",
    hunts: Annotated[str, typer.Option(help="paused or released")] = "paused",
    deployment: Annotated[
        str, typer.Option(help="refuse any other deployment's fingerprint (SHA-256 of its CA)")
    ] = "",
    accounts: Annotated[
        str,
        typer.Option(
            help="unchanged since the point before (everybody if there is none), known to it, all, "
            "or a file: an approval, or rules"
        ),
    ] = "unchanged",
    org: Annotated[
        list[str] | None, typer.Option(help="no org but this and root; repeatable")
    ] = None,
    provider: Annotated[
        list[str] | None,
        typer.Option(
            help="only these things: users, clients, artifacts, hunts, notebooks, monitoring, "
            "metadata, secrets, tools, flows; repeatable"
        ),
    ] = None,
    user: Annotated[
        list[str] | None, typer.Option(help="only this user (with wildcards); repeatable")
    ] = None,
    artifact: Annotated[
        list[str] | None, typer.Option(help="only this artifact (with wildcards); repeatable")
    ] = None,
    hunt: Annotated[
        list[str] | None, typer.Option(help="only this hunt, with its flows; repeatable")
    ] = None,
    flows_since: Annotated[
        str, typer.Option(help="leave out flows last active before this time (ISO 8601, UTC)")
    ] = "",
    flows_until: Annotated[
        str, typer.Option(help="leave out flows active after this time (ISO 8601, UTC)")
    ] = "",
    over_running_server: OverRunningServer = False,
    switch: Annotated[
        str,
        typer.Option(
            help="what sends the clients to the new server: a name, a load balancer; forms below",
            envvar="RECOVERY_SWITCH",
        ),
    ] = "",
    import_before_dns: Annotated[
        bool, typer.Option("--import-before-dns", help="send the clients after the archives")
    ] = False,
    name: Annotated[str, typer.Option(help="the server's DNS name, to be switched to it")] = "",
    address: Annotated[str, typer.Option(help="the new server's, as clients reach it")] = "",
    dns_server: Annotated[str, typer.Option(help="authoritative server taking updates")] = "",
    dns_zone: Annotated[str, typer.Option(help="default: the name without its first label")] = "",
    dns_key: Annotated[
        Path | None, typer.Option(help="file with the TSIG key: [ALGORITHM:]NAME:SECRET")
    ] = None,
    dns_ttl: Annotated[int, typer.Option(help="seconds")] = 60,
    as_json: AsJson = False,
) -> None:
    """Rebuilds the server on a machine that exists already.

    With --switch (or --name and --dns-server) the clients are sent to it once the server answers,
    before the archives; otherwise that is left to you, and clients are not waited for. `recovery
    failover --back` with the same switch leads back.

    A server that runs there, with clients or hunts, and that no recovery of this point has put
    there, is refused, with what it has in numbers, unless --over-running-server says that it may
    go. Archives alone (--strategy collections) are added to it.

    Steps that are done are found in the machine's journal: run it again after any failure.

    Accounts that are new since the recovery point before, or may do more than then, are held
    back and listed. To let them in: `recovery accounts review`, `recovery accounts approve --out
    FILE`, and this command again with --accounts FILE; the server is restarted once for that.

    Examples:

      recovery restore --vault /vault --to ssh://root@192.0.2.7

      recovery restore --vault /vault --to docker://velociraptor --strategy backup,collections

      recovery restore --vault /vault --to ssh://root@192.0.2.7 --org OACME \\
        --provider hunts --provider flows --flows-since 2026-11-01

      recovery restore --vault /vault --to ssh://root@192.0.2.7 \\
        --switch 'dns://192.0.2.53/velo.example.org?key=/root/tsig'
    """
    from recovery.cli.show import result_json, show_result
    from recovery.cli.switch_name import read_record, read_sending
    from recovery.restore.request import parse_request
    from recovery.restore.run_group import run_group
    from recovery.target import open_target

    open_target(to)  # contacts nothing yet: a mistyped target is known before the vault is read
    record = read_record(name, address, dns_server, dns_zone, dns_key, dns_ttl)
    sending = read_sending(switch, address, to, record)
    request = parse_request(
        target=to,
        vault=vault,
        point=point,
        strategy=[part.strip() for part in strategy.split(",") if part.strip()],
        repository=repository,
        hunts=hunts,
        deployment=deployment,
        accounts=accounts,
        orgs=org or [],
        providers=provider or [],
        users=user or [],
        artifacts=artifact or [],
        only_hunts=hunt or [],
        flows_since=flows_since or None,
        flows_until=flows_until or None,
        over_running_server=over_running_server,
        dns=sending.facts if sending else None,
        client_wait=None if sending else 0,
        clients_sent=sending is not None,
    )

    def say(line: str) -> None:
        echo(line, err=True)

    results = [run_group("server", request, say)]
    # A capture may make a newer one meanwhile: the later steps keep to this one.
    request = request.model_copy(update={"point": results[0].facts["point"]})
    port = int(results[0].facts["frontend_port"])
    for late in (False, True):
        if sending and late is import_before_dns:
            sent = sending.send(say, port)
            results[-1] = results[-1].with_outcome(sent.outcome)
            if not sent.there:  # the clients are not waited for
                request = request.model_copy(update={"client_wait": 0, "clients_sent": False})
        results.append(run_group("proof" if late else "collections", request, say))
    if as_json:
        echo(result_json(results))
    else:
        show_result(results)
    findings = [finding for result in results for o in result.outcomes for finding in o.findings]
    raise typer.Exit(1 if findings else 0)


restore.__doc__ = with_switches(restore.__doc__)
