"""``recovery aws``: what a stack on AWS needs to be allowed, and what it costs."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from recovery.settings import Settings

aws = typer.Typer(help="Permissions and price of a stack on AWS.", no_args_is_help=True)

ConfigFile = Annotated[
    Path, typer.Option("--config-file", help="the stack's configuration", show_default=True)
]
_DEFAULT = Path("Pulumi.aws.yaml")


@aws.command()
def policy(
    config_file: ConfigFile = _DEFAULT,
    stack: Annotated[str, typer.Option(help="the stack's name")] = "aws",
    vault_bucket: Annotated[
        str, typer.Option(help="instead: what the stack of the vault's bucket of this name needs")
    ] = "",
) -> None:
    """Prints the IAM policy that `pulumi up` and `pulumi destroy` of this stack need.

    Examples:

      recovery aws policy > policy.json

      recovery aws policy --vault-bucket BUCKET > vault-policy.json
    """
    from recovery.infra.aws.permissions import policy as needed
    from recovery.infra.aws.permissions import vault_policy

    if vault_bucket:
        typer.echo(json.dumps(vault_policy(vault_bucket, copied=True), indent=1))
        return
    document = needed(_settings(config_file), f"recovery-{stack}")
    typer.echo(json.dumps(document, indent=1))


@aws.command()
def cost(
    config_file: ConfigFile = _DEFAULT,
    as_json: Annotated[bool, typer.Option("--json", help="for machines")] = False,
) -> None:
    """Estimates what this stack costs a month, without traffic: list prices of us-east-1.

    Example:

      recovery aws cost --config-file Pulumi.aws.yaml
    """
    from recovery.infra.aws.cost import estimate, total

    lines = estimate(_settings(config_file))
    known, unknown = total(lines)
    if as_json:
        items = [{"item": line.item, "dollars": line.dollars} for line in lines]
        typer.echo(json.dumps({"lines": items, "dollars": known, "unknown": unknown}))
        return
    for line in lines:
        price = "not known here" if line.dollars is None else f"{line.dollars:9.2f} USD"
        typer.echo(f"{line.item:<50} {price:>14}")
    typer.echo(f"{'a month, without traffic':<50} {known:9.2f} USD")
    for item in unknown:
        typer.echo(f"not counted: {item}")


def _settings(config_file: Path) -> "Settings":
    """The plain settings of a stack's file; secrets and other namespaces are left out."""
    import yaml

    from recovery.errors import BadInputError
    from recovery.settings import parse_settings

    try:
        given: dict[str, Any] = yaml.safe_load(config_file.read_text()).get("config") or {}
    except (OSError, yaml.YAMLError, AttributeError) as wrong:
        raise BadInputError(
            f"not a stack's configuration: {wrong}",
            step="read the settings",
            target=str(config_file),
            hint="name it with --config-file, e.g. Pulumi.aws.yaml",
        ) from wrong
    own = "recovery:"
    flat = {
        key.removeprefix(own): str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in given.items()
        if key.startswith(own) and not isinstance(value, dict)
    }
    return parse_settings({"vault": "s3://the-vault", **flat})
