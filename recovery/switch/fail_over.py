"""Sending the clients to another server, and back: looked at first, noted, then switched."""

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from recovery.errors import BadInputError, RecoveryError
from recovery.state_folder import state_folder
from recovery.switch.protocol import Switch
from recovery.switch.server_door import answers

_STEP = "fail over"
_INSTANCE = "i-"


@dataclass(frozen=True)
class Look:
    """What was seen before anything was changed. ``ttl`` in seconds; ``findings``: to be heard."""

    switch: str
    current: str
    ttl: int
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Switched:
    """What was done. ``changed``: False when the clients went there already."""

    switch: str
    before: str
    after: str
    ttl: int
    changed: bool
    findings: tuple[str, ...] = ()


def look(switch: Switch, max_ttl: int) -> Look:
    """Asks the switch where the clients go and for how long they would still go there.

    A TTL above ``max_ttl`` (seconds) is a finding: it can't be lowered after the loss, as
    resolvers keep what they were told before.
    """
    current, ttl = switch.current(), switch.ttl
    findings = []
    if ttl > max_ttl:
        findings.append(
            f"clients may go on to {current or 'the old address'} for {ttl} s after a switch, more "
            f"than {max_ttl} s: lower it before it is needed (`recovery failover --lower-ttl`; "
            "a target group: its deregistration delay)"
        )
    if "," in current:
        findings.append(f"clients are sent to several servers at once: {current}")
    return Look(switch.name, current, ttl, tuple(findings))


def fail_over(
    switch: Switch,
    address: str,
    *,
    port: int,
    max_ttl: int,
    say: Callable[[str], None] = lambda _line: None,
) -> Switched:
    """Switches to ``address`` after a look at both ends; safe to repeat.

    With ``port`` the server at ``address`` must answer TLS there, else nothing is switched
    (:class:`RecoveryError`); 0 asks it nothing. The address before is noted, for the way back.
    """
    seen = look(switch, max_ttl)
    say(f"{seen.switch}: clients go to {seen.current or 'nobody'}, TTL {seen.ttl} s")
    if port:
        check_answers(address, port)
        say(f"{address} answers on port {port}")
    changed = seen.current != address
    if changed:
        note(seen.switch, seen.current, address)
    switch.to(address)
    say(f"{seen.switch}: clients go to {address}; all of them at the latest in {seen.ttl} s")
    return Switched(seen.switch, seen.current, address, seen.ttl, changed, seen.findings)


def check_answers(address: str, port: int) -> None:
    """Raises :class:`RecoveryError` when nothing speaks TLS at ``address:port``."""
    if address.startswith(_INSTANCE):
        return
    trouble = answers(address, port)
    if trouble:
        raise RecoveryError(
            f"no server answers at {address}:{port}: {trouble}; nothing was switched",
            step=_STEP,
            target=address,
            hint="start it (`recovery restore`, `recovery standby promote`), then again; "
            "--unchecked switches without asking it",
        )


def read_address(text: str, option: str = "--to") -> str:
    """An IP address in its usual form, or an EC2 instance's id; :class:`BadInputError` if neither.

    (A switch takes no name: what a name resolves to on the day of the loss is not known.)
    """
    if text.startswith(_INSTANCE) and text[2:].isalnum():
        return text
    try:
        return str(ip_address(text))
    except ValueError:
        raise BadInputError(
            f"not an address: {text!r}", step=_STEP, target=option, hint=f"e.g. {option} 192.0.2.7"
        ) from None


def way_back(switch: Switch) -> str:
    """The address from which the last switch led here.

    Raises :class:`BadInputError` when none was noted here, or when another has switched since.
    """
    known = _load()
    last = known.get(switch.name)
    hint = "name the address: --to ADDRESS"
    if not last or not last["from"]:
        raise BadInputError(
            "no switch was noted on this machine", step=_STEP, target=switch.name, hint=hint
        )
    current = switch.current()
    if current not in (last["to"], last["from"]):
        raise BadInputError(
            f"clients go to {current or 'nobody'}, not to {last['to']} as this machine left it: "
            "somebody else switched since",
            step=_STEP,
            target=switch.name,
            hint=hint,
        )
    return last["from"]


def note(name: str, before: str, after: str) -> None:
    """Remembers a switch in the operator's state folder; written before it is made."""
    known = _load()
    at = datetime.now(UTC).isoformat(timespec="seconds")
    known[name] = {"from": before, "to": after, "at": at}
    path = _path()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, part = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "w") as out:
        json.dump(known, out, indent=1)
    Path(part).replace(path)


def _path() -> Path:
    return state_folder() / "switches.json"


def _load() -> dict[str, dict[str, str]]:
    try:
        return dict(json.loads(_path().read_bytes()))
    except (OSError, ValueError):
        return {}
