"""Is the spare's copy usable? A copy of it is really started, where nobody can reach it.

A second copy of the datastore (hard disks are cheap, a spare that doesn't start is not) under
another folder and other ports, in a network namespace of its own where the machine allows one, is
asked for its clients, orgs and flows, and removed again. What it says is kept on the spare and
told by every status.
"""

import json
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import yaml

from recovery.commands import Result
from recovery.counts import things
from recovery.errors import TargetError
from recovery.standby.pair import Pair, who_serves
from recovery.standby.places import CHECKED
from recovery.standby.reach import opened
from recovery.standby.status import last_sync
from recovery.standby.trial import (
    BUSY,
    COPY_SECONDS,
    NO_ROOM,
    START_SECONDS,
    TRIAL,
    trial_argv,
)
from recovery.target import Target
from recovery.vault.shelf_vault import ShelfVault
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.read_config import read_config

Say = Callable[[str], None]
_PORTS = {"Frontend": 18000, "API": 18001, "GUI": 18889, "Monitoring": 18003}


def trial_config(config: ServerConfig) -> bytes:
    """A trial's configuration: loopback and other ports only, its own folder, no backups. Pure.

    It asks nobody outside, as it reaches nobody: no identity provider, no Let's Encrypt, without
    whose answer, or whose cache, a server ends at its start (seen; read in its source).
    """
    values: dict[str, Any] = json.loads(json.dumps(config.values, default=str))
    for section, port in _PORTS.items():
        part = values.setdefault(section, {})
        part |= {"bind_address": "127.0.0.1", "bind_port": port}
    values["GUI"]["authenticator"] = {"type": "Basic"}
    values.pop("autocert_cert_cache", None)
    values["Frontend"].pop("run_as_user", None)
    values["Datastore"] |= {"location": f"{TRIAL}/ds", "filestore_directory": f"{TRIAL}/ds"}
    values["Logging"] = {"output_directory": f"{TRIAL}/logs"}
    values.setdefault("defaults", {})["backup_period_seconds"] = -1
    values["Client"]["server_urls"] = [f"https://127.0.0.1:{_PORTS['Frontend']}/"]
    values["API"]["hostname"] = "127.0.0.1"
    return yaml.safe_dump(values).encode()


def try_copy(vault: ShelfVault, pair: Pair, say: Say) -> dict[str, Any]:
    """Starts a copy of the spare's copy and asks it; what came of it, as it was noted there.

    Syncs go on meanwhile; a promotion ends it. ``usable`` False is a result, not an error. Raises
    :class:`RecoveryError` when the trial itself could not be made (no room, no spare, another one
    at work).
    """
    _, active = who_serves(vault, pair)
    with ExitStack() as stack:
        spare = opened(stack, pair.other(active))
        last = last_sync(spare)
        if last is None:
            raise TargetError(
                "the spare has no copy yet", target=spare.uri, hint="`recovery standby sync`"
            )
        config = read_config(spare)
        say("check: copying the copy, and starting a server on that …")
        tried = spare.run(
            trial_argv(pair.datastore),
            stdin=trial_config(config),
            timeout=COPY_SECONDS + START_SECONDS + 60,
            check=False,
        )
        return _note(spare, judge(tried, last.clients, spare.uri))


def judge(tried: Result, wanted: int, target: str) -> dict[str, Any]:
    """What a trial's output says of the copy; ``wanted``: clients that its list should have. Pure.

    Rows are its last word: what becomes of the unit after them is no matter of the copy's.
    Raises :class:`TargetError` where it says nothing of the copy: it never came to a start.
    """
    lines = tried.text.splitlines()
    rows = [json.loads(line) for line in lines if line.startswith("{")]
    # A unit that was stopped ends with 0, as one that came to its end does.
    ended = not tried.returncode and not rows
    if ended or "copied" not in lines:
        hints = {
            NO_ROOM: "make room there: a trial takes the datastore's size without uploads",
            BUSY: "wait for it; `recovery standby status` has what it found",
        }
        words = "a promotion, or a person, ended it" if ended else tried.error_text
        raise TargetError(
            f"the copy could not be tried: {words}",
            step="try the copy",
            target=target,
            hint=hints.get(tried.returncode, "`recovery standby check` tries it again"),
        )
    if not rows:
        return {"usable": False, "says": tried.error_text, "clients": 0}
    clients = sum(int(row.get("Clients", 0)) for row in rows)
    usable = clients > 0 or wanted == 0
    says = f"a copy of it starts and answers: {things(clients, 'client')} of the root org"
    return {
        "usable": usable,
        "says": says if usable else "it starts, and has no clients",
        "clients": clients,
        "isolated": "private yes" in lines,
    }


def _note(spare: Target, told: dict[str, Any]) -> dict[str, Any]:
    now = float(spare.run(["date", "+%s.%N"]).text)
    noted = {"at": now, **told}
    spare.put(json.dumps(noted).encode(), CHECKED, mode=0o600)
    return noted
