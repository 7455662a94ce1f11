"""``recovery aws``: what a stack on AWS needs to be allowed, and what it costs."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recovery.cli.terminal import echo

if TYPE_CHECKING:
    from recovery.settings import Settings

aws = typer.Typer(help="Permissions and price of a stack on AWS.", no_args_is_help=True)

Stack = Annotated[str, typer.Option(help="the stack's name")]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config-file", help="the stack's configuration; default: Pulumi.STACK.yaml"),
]
_ANYBODY = "192.0.2.0/24"
"""Stands for the administrators' ranges, on which neither rights nor price depend."""


@aws.command()
def policy(
    stack: Stack = "aws",
    config_file: ConfigFile = None,
    vault_bucket: Annotated[
        str, typer.Option(help="instead: what the stack of the vault's bucket of this name needs")
    ] = "",
) -> None:
    """Prints the IAM policy that `pulumi up` and `pulumi destroy` of this stack need.

    It holds for this stack alone (its name is in the tags), its vault and its DNS name: set them
    first.

    Examples:

      recovery aws policy --stack aws2 > policy.json

      recovery aws policy --vault-bucket BUCKET > vault-policy.json
    """
    from recovery.infra.aws.permissions import policy as needed
    from recovery.infra.aws.permissions import vault_policy

    if vault_bucket:
        echo(json.dumps(vault_policy(vault_bucket, copied=True), indent=1))
        return
    settings = _settings(stack, config_file, {"awsAdminsFrom": _ANYBODY})
    document = needed(settings, f"recovery-{stack}")
    echo(json.dumps(document, indent=1))


@aws.command()
def cost(
    stack: Stack = "aws",
    config_file: ConfigFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="for machines")] = False,
) -> None:
    """Estimates what this stack costs a month, without traffic: list prices of us-east-1.

    Example:

      recovery aws cost --stack aws2
    """
    from recovery.infra.aws.cost import estimate, total

    unset = {"awsAdminsFrom": _ANYBODY, "vault": "s3://VAULT", "name": "NAME", "dnsZone": "ZONE"}
    lines = estimate(_settings(stack, config_file, unset))
    known, unknown = total(lines)
    if as_json:
        items = [{"item": line.item, "dollars": line.dollars} for line in lines]
        echo(json.dumps({"lines": items, "dollars": known, "unknown": unknown}))
        return
    for line in lines:
        price = "not known here" if line.dollars is None else f"{line.dollars:9.2f} USD"
        echo(f"{line.item:<50} {price:>14}")
    echo(f"{'a month, without traffic':<50} {known:9.2f} USD")
    for item in unknown:
        echo(f"not counted: {item}")


def _settings(stack: str, given_file: Path | None, unset: dict[str, str]) -> "Settings":
    """The plain settings of a stack's file; secrets and other namespaces are left out.

    ``unset``: what stands for settings that are not there yet.
    """
    import yaml

    from recovery.errors import BadInputError
    from recovery.settings import parse_settings

    config_file = given_file or Path(f"Pulumi.{stack}.yaml")
    try:
        given: dict[str, Any] = yaml.safe_load(config_file.read_text()).get("config") or {}
    except (OSError, yaml.YAMLError, AttributeError) as wrong:
        raise BadInputError(
            f"not a stack's configuration: {wrong}",
            step="read the settings",
            target=str(config_file),
            hint="name the stack with --stack, or its file with --config-file",
        ) from wrong
    own = "recovery:"
    flat = {
        key.removeprefix(own): str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in given.items()
        if key.startswith(own) and not isinstance(value, dict)
    }
    return parse_settings({**unset, **flat})
