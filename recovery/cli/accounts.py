"""``recovery accounts``: who would come back with a recovery point, and who may."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from recovery.cli.options import AsJson, VaultUri
from recovery.cli.terminal import echo
from recovery.counts import things

app = typer.Typer(
    help="Users and rights in a recovery point, before they come back.", no_args_is_help=True
)
_Point = Annotated[str, typer.Option(help="recovery point; default: the newest")]


@app.callback()
def accounts() -> None:
    """Users and rights in a recovery point, before they come back."""


@app.command()
def review(
    vault: VaultUri,
    point: _Point = "",
    everything: Annotated[bool, typer.Option("--all", help="also those that are the same")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """Shows accounts against the recovery point before: gained admin rights first.

    Passwords and identities that changed are told, where both points have state, also of users
    without any rights; an account that was unlocked may do more than before.

    Example:

      recovery accounts review --vault /vault
    """
    differences, powerless, _ = _differences(vault, point)
    shown = [item for item in differences if everything or item.change != "same"] + powerless
    if as_json:
        echo(json.dumps([_row(item) for item in shown], indent=1))
        return
    from rich.table import Table

    from recovery.cli.safe_console import safe_console

    table = Table("change", "user", "org", "rights", "before", box=None, header_style="bold")
    for item in shown:
        row = _row(item)
        mark = f"{row['change']} ADMIN" if item.gains_admin else row["change"]
        mark = ", ".join([mark, *row["sign_in"]])
        table.add_row(mark, row["user"], row["org"], row["rights"], row["before"])
    safe_console().print(table)
    same = len(differences) - len([item for item in differences if item.change != "same"])
    first = " (there is no point before: all come back)" if _is_first(differences) else ""
    echo(f"{things(len(differences), 'account')}, {same} the same as before{first}")


@app.command()
def approve(
    vault: VaultUri,
    out: Annotated[Path, typer.Option(help="the approval file to write (0600)")],
    point: _Point = "",
    policy: Annotated[
        str,
        typer.Option(
            help="unchanged since the point before (everybody if there is none), known to it, all, "
            "or a file of rules"
        ),
    ] = "unchanged",
    user: Annotated[list[str] | None, typer.Option(help="this user too; repeatable")] = None,
    without: Annotated[list[str] | None, typer.Option(help="not this user; repeatable")] = None,
    as_json: AsJson = False,
) -> None:
    """Writes down who may come back; give the file to `recovery restore --accounts FILE`.

    Before a recovery, or after one that held accounts back: the same command (or `pulumi up` with
    recovery:accounts) lets them in on the machine that serves already, passwords included where
    the point has state.

    An approval is bound to the rights it was given for: a changed account isn't approved.

    Examples:

      recovery accounts approve --vault /vault --out approval.json --user newcolleague

      recovery accounts approve --vault /vault --out approval.json --policy all --without mallory

    Rules for recoveries that nobody watches are a YAML file, given like an approval to
    `recovery restore --accounts FILE`: names (known, any, or a list), administrators (the same),
    changed_rights (true, false: may known names have more rights), deny (a list). What is left
    out is the strictest: known names only, never a new administrator, no right more than before.
    """
    from recovery.accounts.approve import ALL, KNOWN, UNCHANGED, write_approval
    from recovery.accounts.approve import approve as decide
    from recovery.errors import BadInputError

    differences, _, deployment = _differences(vault, point)
    if policy not in (ALL, KNOWN, UNCHANGED) and not Path(policy).is_file():
        raise BadInputError(
            f"no policy {policy!r}",
            target="--policy",
            hint="unchanged, known, all, or a file of rules",
        )
    present = [item.now for item in differences if item.now]
    for name in (*(user or ()), *(without or ())):
        if not any(account.is_called(name) for account in present):
            raise BadInputError(
                f"no such user in the point: {name}",
                hint="`recovery accounts review --all` shows them",
            )
    allowed = {account.key for account in decide(policy, differences, deployment)}
    kept = [
        account
        for account in present
        if (account.key in allowed or any(map(account.is_called, user or ())))
        and not any(map(account.is_called, without or ()))
    ]
    write_approval(out, kept, deployment)
    if as_json:
        told = {"file": str(out), "approved": _names(kept)}
        kept_keys = {account.key for account in kept}
        left = _names(account for account in present if account.key not in kept_keys)
        echo(json.dumps({**told, "held_back": left}, indent=1))
    else:
        echo(f"{len(kept)} of {things(len(present), 'account')} approved in {out}")


def _names(accounts: Iterable[Any]) -> list[dict[str, str]]:
    return [{"user": a.shown, "org": a.org, "rights": a.words} for a in accounts]


def _differences(vault: str, point: str) -> tuple[list[Any], list[Any], str]:
    """The accounts against the point before; users without rights that changed; the deployment."""
    from recovery.restore.context import Context
    from recovery.restore.let_in_by_config import let_in_by_config
    from recovery.restore.request import parse_request
    from recovery.restore.review_accounts import changed_without_rights, differences_of

    request = parse_request(target="local://", vault=vault, point=point)
    with Context(request, lambda line: echo(line, err=True)) as context:
        manifest = context.manifest
        for door in let_in_by_config(context.config):
            echo(door, err=True)
        powerless = changed_without_rights(context, manifest)
        return differences_of(context, manifest), powerless, manifest.server.deployment


def _is_first(differences: list[Any]) -> bool:
    return not any(item.before for item in differences)


def _row(item: Any) -> dict[str, Any]:
    return {
        "change": item.change,
        "user": item.account.shown,
        "org": item.account.org,
        "rights": item.now.words if item.now else "",
        "before": item.before.words if item.before else "",
        "gains_admin": item.gains_admin,
        "sign_in": item.sign_in,
    }
