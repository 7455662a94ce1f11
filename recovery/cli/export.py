"""``recovery export``: hunts and flows as zips, readable without Velociraptor."""

from pathlib import Path
from typing import Annotated

import typer

from recovery.cli.options import AsJson, ConfigThere, Source
from recovery.cli.terminal import echo
from recovery.counts import things
from recovery.errors import EXIT_FINDINGS
from recovery.velociraptor.paths import CONFIG_PATH


def export(
    source: Source,
    to: Annotated[str, typer.Option(help="a folder, or s3://BUCKET/PREFIX")],
    hunts: Annotated[str, typer.Option(help="all, none, or hunt ids by commas")] = "all",
    flows_since: Annotated[
        str, typer.Option(help="flows active within this time; all: every flow")
    ] = "7d",
    password_file: Annotated[
        Path | None, typer.Option(help="file with a password: encrypts the zips' content")
    ] = None,
    server_side_s3: Annotated[
        str, typer.Option(help="have the server upload, by this secret of its own (AWS S3 Creds)")
    ] = "",
    config: ConfigThere = CONFIG_PATH,
    as_json: AsJson = False,
) -> None:
    """Exports hunts and the last week's flows, of every org, with an index (JSON and CSV).

    No flow twice: one that a hunt's zip holds isn't exported by itself. A second export to
    the same place only adds what is new. Ends with 1 when something could not be exported.

    Examples:

      recovery export --from ssh://root@velociraptor.example --to /srv/exports

      recovery export --from local:// --to s3://exports/velo --server-side-s3 S3Token
    """
    import json
    from urllib.parse import urlsplit

    from recovery.capture.export_by_server import export_by_server
    from recovery.capture.export_only import export_to
    from recovery.capture.options import CaptureOptions, parse_hunts
    from recovery.cli.lengths import parse_age
    from recovery.errors import BadInputError
    from recovery.target import open_target
    from recovery.vault.keys import passphrase
    from recovery.vault.open import open_shelf

    options = CaptureOptions(
        hunts=parse_hunts(hunts),
        flows_since=None if flows_since == "all" else parse_age(flows_since, "--flows-since"),
        config_path=config,
    )
    password = passphrase(password_file.expanduser()) if password_file else ""
    parts = urlsplit(to)
    if server_side_s3 and not (parts.scheme == "s3" and parts.netloc):
        raise BadInputError(
            "--server-side-s3 needs a bucket", target=to, hint="--to s3://BUCKET/PREFIX"
        )
    shelf = None if server_side_s3 else open_shelf(to, "a place for exports")
    target = open_target(source)

    def say(line: str) -> None:
        echo(line, err=True)

    try:
        if shelf is None:
            prefix = parts.path.strip("/")
            done, gaps = export_by_server(
                target,
                options,
                say,
                secret=server_side_s3,
                bucket=parts.netloc,
                prefix=f"{prefix}/" if prefix else "",
                password=password,
            )
            number, size = len(done), sum(upload.size for upload in done)
        else:
            archives, gaps = export_to(target, shelf, options, say, password=password)
            number, size = len(archives), sum(archive.file.size for archive in archives)
    finally:
        target.close()
    if as_json:
        echo(json.dumps({"to": to, "archives": number, "bytes": size, "gaps": gaps}))
    else:
        echo(f"{things(number, 'archive')}, {size / 1e6:.1f} MB, in {to}")
        for gap in gaps:
            echo(f"gap: {gap}")
    raise typer.Exit(EXIT_FINDINGS if gaps else 0)
