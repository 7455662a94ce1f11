"""The verbs `build` and `inspect`: options in, lines or JSON out, an exit code."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from server_deb.errors import PackageError
from server_deb.request import BuildRequest, BuiltPackage

app = typer.Typer(
    help="Build and look into server packages (.deb).", no_args_is_help=True, rich_markup_mode=None
)
PREFIX = "RECOVERY_PACKAGE_"
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
BUILD_EXAMPLES = """
Build a server package from a binary and a config.

Everything is checked first; bad input is refused with exit code 64 and nothing is written. Equal
input gives equal bytes; SOURCE_DATE_EPOCH sets the time in it.

\b
Examples:
  recovery package build --binary ./velociraptor --config server.config.yaml --output dist
  sops -d server.config.enc.yaml | recovery package build --binary ./velociraptor --config -
  RECOVERY_PACKAGE_CONFIG_CONTENT="$SECRET" recovery package build --binary ./velociraptor --json
"""
INSPECT_EXAMPLES = """
Show what is in a server package, made here or by Velociraptor itself.

Needs no dpkg and writes nothing. Private keys and nonces are never printed.

\b
Examples:
  recovery package inspect velociraptor-server_0.77.2-1_amd64.deb
  recovery package inspect --json velociraptor-server-0.77.2.amd64.deb | jq .certificates
"""


@app.command(help=BUILD_EXAMPLES)
def build(  # noqa: PLR0917  typer gives them by name
    binary: Annotated[
        Path | None, typer.Option(help="The server's executable.", envvar=f"{PREFIX}BINARY")
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            help="Path of server.config.yaml, or - for standard input. Its content may come by "
            f"{PREFIX}CONFIG_CONTENT instead.",
            envvar=f"{PREFIX}CONFIG",
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option(help="Folder for the package.", envvar=f"{PREFIX}OUTPUT")
    ] = Path(),
    version: Annotated[
        str | None,
        typer.Option(help="Version; asked of the binary if left out.", envvar=f"{PREFIX}VERSION"),
    ] = None,
    release: Annotated[
        str, typer.Option(help="Release of the package.", envvar=f"{PREFIX}RELEASE")
    ] = "1",
    arch: Annotated[
        str | None,
        typer.Option(help="Refuse a binary for another one, e.g. amd64.", envvar=f"{PREFIX}ARCH"),
    ] = None,
    compression: Annotated[
        str,
        typer.Option(
            help="zstd, or for systems before Debian 12: xz, gzip.", envvar=f"{PREFIX}COMPRESSION"
        ),
    ] = "zstd",
    allow_expired: Annotated[
        bool,
        typer.Option(
            "--allow-expired", help="Accept an expired certificate that the server reissues."
        ),
    ] = False,
    as_json: AsJson = False,
) -> BuiltPackage:
    """See BUILD_EXAMPLES. Returns what was built, for whoever mounts this verb elsewhere."""
    from server_deb.build import build_package
    from server_deb.inputs import config_content, given_binary, source_date_epoch

    with _reported(as_json=as_json):
        content, name = config_content(config, os.environ)
        built = build_package(
            BuildRequest(
                binary=given_binary(binary),
                config=content,
                config_name=name,
                output=output,
                version=version,
                release=release,
                architecture=arch,
                compression=compression,
                source_date_epoch=source_date_epoch(os.environ),
                allow_expired=allow_expired,
            )
        )
        for warning in built.warnings:
            typer.echo(f"warning: {warning}", err=True)
    if as_json:
        _print_json({**asdict(built), "path": str(built.path)})
    else:
        typer.echo(f"package     {built.path}")
        typer.echo(f"sha256      {built.sha256}")
        typer.echo(f"version     {built.version} for {built.architecture}, {built.size} bytes")
        typer.echo(f"config      {built.config_fingerprint}")
        typer.echo(f"deployment  {built.deployment_fingerprint}")
    return built


@app.command(help=INSPECT_EXAMPLES)
def inspect(
    package: Annotated[Path, typer.Argument(help="The server package.")], as_json: AsJson = False
) -> None:
    """See INSPECT_EXAMPLES."""
    from server_deb.check import utc_now
    from server_deb.contents import read_package
    from server_deb.describe import describe

    with _reported(as_json=as_json):
        told = describe(read_package(package), now=utc_now())
        if as_json:
            _print_json(told)
            return
        for line in lines(told):
            typer.echo(line)


def lines(told: dict[str, Any]) -> Iterator[str]:
    """A described package as lines for a person."""
    yield f"{told['package']} {told['version']} for {told['architecture']}"
    yield f"  depends on   {told['depends'] or 'nothing'}"
    yield f"  config       {told['config_fingerprint']}"
    yield f"  deployment   {told['deployment_fingerprint'] or 'unknown: no CA certificate'}"
    kept = "kept" if told["config_is_conffile"] else "OVERWRITTEN"
    yield f"  config file  mode {told['config_mode']} in the package; edits are {kept} at upgrade"
    for certificate in told["certificates"]:
        ends = f"ends {certificate['not_after'][:10]} ({certificate['days_left']} days)"
        yield f"  certificate  {certificate['setting']}: {ends}, {certificate['subject']}"
    for url in told["public_urls"]:
        yield f"  url          {url}"
    for name, folder in told["folders"].items():
        yield f"  folder       {folder} ({name})"
    unit = told["unit"]
    total = len(unit["confined_by"]) + len(unit["not_confined_by"])
    yield f"  starts       {told['starts_at_install']} when installed"
    yield (
        f"  unit         runs as {unit['user']}, restarts after {unit['restart_seconds'] or '?'}, "
        f"uses {len(unit['confined_by'])} of {total} sandbox settings"
    )
    if unit["not_confined_by"]:
        yield f"               without {', '.join(unit['not_confined_by'])}"
    for note in told["notes"]:
        yield f"  note         {note}"
    for file in told["files"]:
        yield f"  {file['mode']} {file['owner']:<18} {file['size']:>10} {file['path']}"


@contextmanager
def _reported(*, as_json: bool) -> Iterator[None]:
    """Turn a PackageError into words on stderr (and JSON on stdout) and its exit code."""
    try:
        yield
    except PackageError as error:
        typer.echo(f"error: {error}", err=True)
        if as_json:
            _print_json({"error": {"what": error.what, "where": error.where, "hint": error.hint}})
        raise typer.Exit(error.exit_code) from error


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))
