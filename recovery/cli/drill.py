"""``recovery drill``: the loss of a server, rehearsed."""

from pathlib import Path
from typing import Annotated

import typer

from recovery.cli.terminal import echo


def drill(
    scenario: Annotated[
        str,
        typer.Option(
            help="rehearsal, standby, or fixtures: a real 0.77.2 backup and exports come back"
        ),
    ] = "rehearsal",
    standby: Annotated[
        bool,
        typer.Option("--standby", help="a hot spare that follows, takes over and hands back"),
    ] = False,
    strategy: Annotated[
        str,
        typer.Option(
            help="state,collections; backup,collections; datastore; or redeploy; default: the "
            "first, for fixtures the second"
        ),
    ] = "",
    connect: Annotated[
        str, typer.Option(help="how the steps reach the server: docker, or ssh by its sshd")
    ] = "docker",
    on: Annotated[
        str,
        typer.Option(help="where the server lives: docker, or aws-double (AWS without AWS)"),
    ] = "docker",
    server_binary: Annotated[
        Path | None,
        typer.Option(help="a real Velociraptor; default: the embedded reference server"),
    ] = None,
    rto: Annotated[str, typer.Option(help="budget; its breach is a finding (90s, 10m)")] = "10m",
    rpo: Annotated[str, typer.Option(help="budget; its breach is a finding (1h, 24h)")] = "24h",
    report: Annotated[Path | None, typer.Option(help="folder for report.json and .html")] = None,
    junit: Annotated[Path | None, typer.Option(help="write JUnit XML to this file")] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="keep the containers, to look into them")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="say what would be done; touch nothing")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="the report as JSON")] = False,
) -> None:
    """Rehearses the loss of a server in Docker: deploy, live, capture, lose, rebuild, prove.

    Everything happens in an isolated network of its own and is removed afterwards. Exit
    code: 0 recovered; 1 recovered with findings; 2 not recovered; 64 bad input.

    Examples:

      recovery drill

      recovery drill --server-binary ./velociraptor --strategy backup,collections --rto 5m

      recovery drill --on aws-double

      recovery drill --connect ssh --json --junit drill.xml > report.json
    """
    from recovery.drill.options import parse_options

    options = parse_options(
        scenario=scenario,
        standby=standby,
        strategy=strategy,
        connect=connect,
        on=on,
        server_binary=server_binary,
        keep=keep,
        rto=rto,
        rpo=rpo,
        report=report,
        junit=junit,
    )
    if dry_run:
        from recovery.cli.show_drill import show_plan
        from recovery.drill.plan import plan
        from recovery.drill.production import check_binary

        if options.server_binary is not None:
            check_binary(options.server_binary)
        show_plan(plan(options), as_json=as_json)
        return
    from recovery.cli.show_drill import audience, show_report
    from recovery.drill.conduct import conduct
    from recovery.drill.interrupt import Interrupted
    from recovery.drill.verdict import EXIT_CODES

    try:
        with audience() as watching:
            result, files = conduct(options, watching)
    except Interrupted as interrupted:
        echo("interrupted: what the drill made is removed, nothing is left of it", err=True)
        raise typer.Exit(interrupted.exit_code) from None
    if as_json:
        echo(result.model_dump_json(indent=2))
    else:
        show_report(result, files)
    raise typer.Exit(EXIT_CODES[result.verdict])
