"""Options that several commands have: each said once, with one help text."""

from typing import Annotated

import typer

VaultUri = Annotated[
    str, typer.Option("--vault", help="the vault's folder or URI", envvar="RECOVERY_VAULT")
]
AsJson = Annotated[bool, typer.Option("--json", help="the result as JSON")]
OverRunningServer = Annotated[
    bool,
    typer.Option(
        "--over-running-server",
        help="also where a server with clients runs there: it is stopped and replaced",
    ),
]
Source = Annotated[
    str, typer.Option("--from", help="docker://NAME, ssh://HOST or local://: the server")
]
ConfigThere = Annotated[str, typer.Option("--config", help="the server's config, there")]
BinaryThere = Annotated[str, typer.Option("--binary", help="the server's binary, there")]
RepositoryUri = Annotated[
    str,
    typer.Option(
        "--repository",
        help="/path (there, where restic runs), s3://BUCKET/PREFIX?endpoint=URL, or "
        "sftp://user@host/path, after it if need be ?identity=FILE and &known_hosts=FILE",
        envvar="RECOVERY_REPOSITORY",
    ),
]
SyncEvery = Annotated[str, typer.Option("--every", help="a sync each so long")]
CheckEvery = Annotated[str, typer.Option(help="try the spare's copy each so long; 0s: never")]
PromoteAfter = Annotated[
    str, typer.Option(help="promote by itself when the server is ill for so long (3m)")
]
