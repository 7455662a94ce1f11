"""``recovery datastore``: complete copies of the datastore, in a restic repository."""

from typing import Annotated

import typer

from recovery.cli.options import (
    AsJson,
    BinaryThere,
    ConfigThere,
    RepositoryUri,
    Source,
    VaultUri,
)
from recovery.cli.restore_copy import restore
from recovery.cli.terminal import echo
from recovery.counts import things
from recovery.errors import EXIT_FAILED, EXIT_FINDINGS
from recovery.velociraptor.paths import BINARY_PATH, CONFIG_PATH

app = typer.Typer(
    help="Complete, incremental copies of the datastore (restic), each tied to a recovery point.",
    no_args_is_help=True,
)

On = Annotated[
    str,
    typer.Option(
        help="where restic runs: local://, or the machine that has the repository's folder"
    ),
]


@app.command()
def backup(
    source: Source,
    vault: VaultUri,
    repository: RepositoryUri,
    config: ConfigThere = CONFIG_PATH,
    binary: BinaryThere = BINARY_PATH,
    as_json: AsJson = False,
) -> None:
    """Copies the whole datastore of a running server, and makes the recovery point for it.

    restic runs on the server (this machine's is brought there if it has none) and sends what is
    new. The client list goes along as it is in the server's memory. The point has what a new
    machine needs besides: package, config, state, counts. The server is not paused.

    The repository's password: RESTIC_PASSWORD_FILE (0600) or RESTIC_PASSWORD; S3's credentials:
    AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Neither is ever in an argument or on the server's
    disk. Ends with 1 when something could not be captured.

    Examples:

      recovery datastore backup --from ssh://root@velociraptor.example --vault /vault \\
        --repository 's3://copies/velociraptor?endpoint=https://s3.example'

      recovery datastore backup --from ssh://root@velociraptor.example --vault /vault \\
        --repository 'sftp://copies@backup.example/srv/velo?identity=~/key'
    """
    from recovery.capture.options import CaptureOptions
    from recovery.cli.run_capture import run_capture

    options = CaptureOptions(
        strategy=["redeploy", "state", "datastore"],
        repository=repository,
        config_path=config,
        binary_path=binary,
    )
    run_capture(source, vault, options, as_json=as_json)


@app.command("list")
def list_copies(
    vault: VaultUri, repository: RepositoryUri = "", on: On = "local://", as_json: AsJson = False
) -> None:
    """Lists the copies, each with its recovery point, the oldest first.

    Ends with 1 when a recovery point names a copy that the repository doesn't have.

    Example:

      recovery datastore list --vault /vault --repository s3://copies/velociraptor
    """
    import json
    from dataclasses import asdict

    from recovery.capture.tie_copies import tie
    from recovery.cli.show_copies import copies_table
    from recovery.target import open_target
    from recovery.vault.store import open_vault

    target = open_target(on)
    try:
        ties = tie(open_vault(vault), repository, target)
    finally:
        target.close()
    if as_json:
        echo(json.dumps([asdict(one) for one in ties], indent=1, default=str))
    else:
        copies_table(ties)
    raise typer.Exit(EXIT_FINDINGS if any(one.state == "missing" for one in ties) else 0)


@app.command()
def verify(
    vault: VaultUri,
    repository: RepositoryUri = "",
    on: On = "local://",
    read: Annotated[
        str, typer.Option(help="share of the data to read and hash: 5%, 100%, or none")
    ] = "5%",
    unlock: Annotated[
        bool, typer.Option("--unlock", help="first take away locks that a killed restic left")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Checks the repository (structure, and a share of its data) and every point's copy in it.

    Ends with 2 when something is damaged or missing.

    Example:

      recovery datastore verify --vault /vault --repository s3://copies/velociraptor --read 100%
    """
    import json
    from dataclasses import asdict

    from recovery.capture.tie_copies import verify_copies
    from recovery.target import open_target
    from recovery.vault.store import open_vault

    target = open_target(on)
    try:
        found = verify_copies(
            open_vault(vault),
            repository,
            target,
            read,
            lambda line: echo(line, err=True),
            unlock=unlock,
        )
    finally:
        target.close()
    if as_json:
        echo(json.dumps(asdict(found), indent=1))
    else:
        copies = things(found.copies, "copy", "copies")
        echo(f"{copies}, {found.read} of the data read, {len(found.damaged)} damaged")
        for line in found.damaged:
            echo(f"damaged: {line}")
    raise typer.Exit(EXIT_FAILED if found.damaged else 0)


app.command()(restore)


@app.command()
def forget(
    vault: VaultUri,
    repository: RepositoryUri = "",
    on: On = "local://",
    last: Annotated[int, typer.Option(min=0, help="keep the newest N copies")] = 3,
    daily: Annotated[int, typer.Option(min=0, help="and the newest of N days")] = 7,
    weekly: Annotated[int, typer.Option(min=0, help="and of N weeks")] = 4,
    monthly: Annotated[int, typer.Option(min=0, help="and of N months")] = 12,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="change nothing")] = False,
    as_json: AsJson = False,
) -> None:
    """Removes old copies with their recovery points, and the data that nothing needs any more.

    A copy that no recovery point names goes after a day: until then its backup may be under way.
    Points without a copy are not touched (`recovery vault prune` does that).

    Example:

      recovery datastore forget --vault /vault --repository s3://copies/velociraptor --daily 14
    """
    import json
    from dataclasses import asdict

    from recovery.capture.forget_copies import forget_copies
    from recovery.target import open_target
    from recovery.vault.retention import Policy
    from recovery.vault.store import open_vault

    target = open_target(on)
    try:
        done = forget_copies(
            open_vault(vault),
            repository,
            target,
            Policy(last, daily, weekly, monthly),
            dry_run=dry_run,
        )
    finally:
        target.close()
    if as_json:
        echo(json.dumps(asdict(done), indent=1))
    else:
        would = "would be " if dry_run else ""
        for name, why in done.keep.items():
            echo(f"{name}: stays ({', '.join(why)})")
        for name in done.points:
            echo(f"{name}: {would}forgotten, with its copy")
        for name in done.snapshots:
            echo(f"copy {name[:8]}: {would}forgotten")
    raise typer.Exit(EXIT_FINDINGS if done.locked else 0)
