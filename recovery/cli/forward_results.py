"""``recovery configure --forward``: the options' way to the forwarding, and its words."""

import os
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recovery.cli.terminal import echo
from recovery.counts import things
from recovery.errors import BadInputError

if TYPE_CHECKING:
    from recovery.forwarding.kinds import Receiver
    from recovery.forwarding.send_test import Arrival
    from recovery.target import Target

OFF = "off"
_BY_ENVIRONMENT = ("username", "password", "api_key", "token")
_OTHERS = 0o077
_BROKEN = ("unterminated", "unbalanced parenthesis", "nothing to repeat")


def read_receiver(kind: str, url: str, credentials: Path | None) -> "Receiver":
    """Credentials from a file that only its owner reads, else from ``RECOVERY_FORWARD_*``."""
    from recovery.forwarding.kinds import receiver

    return receiver(kind, url, _read_file(credentials) if credentials else _read_environment())


def _read_environment() -> dict[str, object]:
    found = {name: os.environ.get(f"RECOVERY_FORWARD_{name.upper()}") for name in _BY_ENVIRONMENT}
    return {name: value for name, value in found.items() if value}


def _read_file(path: Path) -> dict[str, object]:
    import yaml

    hint = "YAML: `password: …`, one a line; `chmod 600` it"
    try:
        if path.stat().st_mode & _OTHERS:
            raise BadInputError("others may read it", target=str(path), hint=f"chmod 600 {path}")
        values: Any = yaml.safe_load(path.read_text())
    except OSError as refused:
        why = refused.strerror
        raise BadInputError(f"can't read it: {why}", target=str(path), hint=hint) from refused
    except yaml.YAMLError:
        raise BadInputError("not YAML", target=str(path), hint=hint) from None  # it holds secrets
    if not isinstance(values, dict):
        raise BadInputError("no names and values", target=str(path), hint=hint)
    return {str(name): value for name, value in values.items()}


def forward(
    target: "Target",
    config_path: str,
    kind: str,
    receiver: "Receiver | None",
    *,
    artifacts: str,
    orgs: list[str],
    where: str,
) -> "list[Arrival]":
    """Sets it (``receiver``), takes it away (``off``), or only tries it (``kind`` empty)."""
    from recovery.forwarding.kinds import KINDS
    from recovery.forwarding.send_test import send_test
    from recovery.forwarding.turn_on import find_forwarding, orgs_of, turn_off, turn_on
    from recovery.velociraptor.api import open_api
    from recovery.velociraptor.read_config import read_config

    check_pattern(artifacts)
    server = read_config(target, config_path)
    with open_api(target, server) as api:
        if orgs and (unknown := sorted(set(orgs) - set(known := orgs_of(api)))):
            raise BadInputError(
                f"the server has no org {', '.join(unknown)}",
                target="--forward-org",
                hint=f"it has {', '.join(known)}",
            )
        if kind == OFF:
            count = sum(turn_off(api, one, orgs) for one in KINDS.values())
            echo(f"forwarding was taken out of {things(count, 'table')}", err=True)
            return []
        if receiver:
            on = turn_on(
                api,
                receiver,
                server.server_name,
                orgs=orgs,
                artifacts=artifacts,
                where="secret" if where == "secret" else "parameters",
            )
            for one in on:
                echo(f"{one.org}: {one.artifact} → {receiver.where}", err=True)
        else:
            on = find_forwarding(api, orgs)
            if not on:
                raise BadInputError(
                    "nothing is forwarded by this server", target=target.uri, hint="--forward KIND"
                )
        return send_test(api, on)


def check_pattern(pattern: str) -> None:
    """Refuses an expression that is none: with it a server forwards nothing, and says nothing.

    Only what is wrong in every dialect: the server's knows classes that Python's doesn't.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # [[:alpha:]] is right there
            re.compile(pattern)
    except re.error as wrong:
        if any(words in wrong.msg for words in _BROKEN):
            raise BadInputError(
                f"not a regular expression: {pattern!r}: {wrong.msg}",
                target="--forward-artifacts",
                hint="e.g. '^Custom[.]', or '.' for all",
            ) from wrong


def show_arrivals(arrivals: "list[Arrival]") -> int:
    """A line a test event; the exit code: 1 when one of them did not arrive."""
    for one in arrivals:
        how = f"taken after {one.seconds:g} s" if one.arrived else f"did not arrive: {one.says}"
        echo(f"{one.org}: test event for {one.kind}: {how}", err=True)
    return 0 if all(one.arrived for one in arrivals) else 1
