"""``recovery vault``: make its keys, thin it out, take in what there was before it."""

from pathlib import Path
from typing import Annotated

import typer

from recovery.cli.options import AsJson, VaultUri
from recovery.cli.terminal import echo
from recovery.counts import things
from recovery.errors import EXIT_FINDINGS

vault = typer.Typer(help="Keys, retention and old material of a vault.", no_args_is_help=True)


@vault.command()
def init(
    keys: Annotated[
        Path | None, typer.Option(help="folder for new keys (must not hold any)")
    ] = None,
    vault_uri: Annotated[
        str,
        typer.Option(
            "--vault", help="the empty vault (with a passphrase)", envvar="RECOVERY_VAULT"
        ),
    ] = "",
    passphrase_file: Annotated[
        Path | None,
        typer.Option(help="file with a passphrase", envvar="RECOVERY_PASSPHRASE_FILE"),
    ] = None,
) -> None:
    """Makes the keys for a sealed, signed vault: as a folder of files, or under a passphrase.

    With a folder: keep identity.txt away from servers (it opens content); a capturing host
    needs recipients.txt, catalog.txt and signing.key; a restoring one identity.txt and
    trusted.pub. A vault whose keys are lost is lost.

    Examples:

      recovery vault init --keys ~/recovery-keys

      recovery vault init --vault /vault --passphrase-file ~/passphrase
    """
    from recovery.errors import BadInputError
    from recovery.vault.keys import new_keys, write_keys
    from recovery.vault.open import init_with_passphrase

    if keys is not None:
        write_keys(new_keys(), keys.expanduser())
        echo(f"keys are in {keys}: set RECOVERY_KEYS={keys}")
        echo("keep a copy of identity.txt and trusted.pub outside, where no server reaches")
    elif vault_uri and passphrase_file:
        init_with_passphrase(vault_uri, passphrase_file.expanduser())
        echo(f"{vault_uri} is sealed: set RECOVERY_PASSPHRASE_FILE={passphrase_file}")
    else:
        raise BadInputError(
            "neither --keys, nor --vault with --passphrase-file",
            step="make keys",
            hint="`recovery vault init --help` shows both ways",
        )


@vault.command()
def adopt(
    folder: Annotated[Path, typer.Argument(help="folder with package, old backups, exports")],
    vault_uri: VaultUri,
    kind: Annotated[str, typer.Option(help="velociraptor or reference: the package's server")] = (
        "velociraptor"
    ),
    server: Annotated[
        str,
        typer.Option(
            "--from",
            help="ssh://HOST, docker://NAME: a server that runs, to which exports are to be added; "
            "package and config are its own then",
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Makes a recovery point of what was kept by hand: package, backups, export zips.

    Files are known by their content. A server.config.yaml beside the package counts as the
    newer one; nonces of orgs come from client configs named after the org, or from a note
    (YAML, ORG: NONCE). Ends with 1: something is always missing, and it is named.

    Exports alone, for a server that is back already or was never lost, need no package: --from
    names that server.

    Example:

      recovery vault adopt /srv/old-backups --vault /vault

      recovery vault adopt /srv/old-exports --vault /vault --from ssh://root@192.0.2.7
    """
    import shlex
    from contextlib import closing, nullcontext

    from recovery.capture.adopt_point import adopt as adopt_folder
    from recovery.cli.show_points import capture_json, capture_lines
    from recovery.errors import BadInputError
    from recovery.restore.check_point import best_strategy
    from recovery.target import open_target
    from recovery.vault.store import open_vault

    if kind not in {"velociraptor", "reference"}:
        raise BadInputError(f"unknown kind {kind!r}", target="--kind", hint="see --help")
    with closing(open_target(server)) if server else nullcontext() as target:
        manifest = adopt_folder(
            folder,
            open_vault(vault_uri),
            lambda line: echo(line, err=True),
            kind="reference" if kind == "reference" else "velociraptor",
            server=target,
        )
    for line in [capture_json(manifest)] if as_json else capture_lines(manifest):
        echo(line)
    if not as_json:
        add = ["recovery", "restore", "--vault", vault_uri, "--point", manifest.point]
        add += ["--to", server, "--strategy", "collections"]
        best = f"--strategy {best_strategy(manifest)}"
        words = f"add it with `{shlex.join(add)}`" if server else f"restore it with `{best}`"
        echo(words)
    raise typer.Exit(EXIT_FINDINGS if manifest.gaps else 0)


@vault.command()
def prune(
    vault_uri: VaultUri,
    last: Annotated[int, typer.Option(help="keep this many of the newest points")] = 3,
    daily: Annotated[int, typer.Option(help="keep one a day for so many days")] = 7,
    weekly: Annotated[int, typer.Option(help="keep one a week for so many weeks")] = 4,
    monthly: Annotated[int, typer.Option(help="keep one a month for so many months")] = 12,
    grace: Annotated[
        str, typer.Option(help="remove objects so long after nothing refers to them")
    ] = "2d",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say it, change nothing")] = False,
    as_json: AsJson = False,
) -> None:
    """Removes old recovery points, and later the objects that nothing refers to any more.

    The newest point, the newest without gaps, and unreadable ones always stay; so does
    what the storage keeps under object lock.

    Example:

      recovery vault prune --vault /vault --last 3 --daily 7 --weekly 4 --monthly 12 --dry-run
    """
    import json
    from dataclasses import asdict

    from recovery.cli.lengths import parse_age
    from recovery.vault.retention import Policy, carry_out, plan, utc_now
    from recovery.vault.store import open_vault

    held = open_vault(vault_uri)
    now = utc_now()
    made = plan(held, Policy(last, daily, weekly, monthly), parse_age(grace), now)
    if not dry_run:
        carry_out(held, made, now)
    if as_json:
        echo(json.dumps({**asdict(made), "dry_run": dry_run}, indent=1))
    else:
        for point, reasons in sorted(made.keep.items()):
            echo(f"keep    {point}  {', '.join(reasons)}")
        for point in made.remove:
            echo(f"remove  {point}")
        echo(
            f"{things(len(made.collect), 'object')} ({made.bytes / 1e6:.1f} MB) go, "
            f"{len(made.marked)} wait "
            f"for their grace time{' · nothing was changed' if dry_run else ''}"
        )
        for path in made.locked:
            echo(f"locked  {path}")
    raise typer.Exit(EXIT_FINDINGS if made.locked else 0)
