"""The state of 100,000 clients, from the vault into a new server's datastore: seconds."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from benchmarks import bulk_point
from recovery.drill.conduct import server_binary
from recovery.infra.docker_engine import Wanted, create, remove
from recovery.restore.request import RestoreRequest
from recovery.restore.run_group import run_group
from recovery.settings import base_image
from recovery.vault.store import open_vault

CLIENTS = 100_000
LIMIT = 60.0


def run(rounds: int, binary: Path | None) -> list[str]:
    """The steps' seconds; `rounds` isn't used, one takes long enough."""
    del rounds
    found = server_binary(binary)
    with tempfile.TemporaryDirectory(prefix="bench-state-") as name:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        vault = open_vault(str(folder / "vault"))
        config = bulk_point.make_config(found, folder)
        manifest = bulk_point.make_point(vault, found, config, folder, 0, CLIENTS)
        machine = create(Wanted(image=base_image(""), prefix="bench-state"))
        try:
            request = RestoreRequest(
                target=f"docker://{machine.name}",
                vault=str(folder / "vault"),
                point=manifest.point,
                strategy=["state"],
            )
            outcomes = run_group("server", request, lambda _line: None).outcomes
        finally:
            remove(machine.name)
    seconds = {outcome.step: outcome.seconds for outcome in outcomes}
    placed = seconds["place the state"]
    fits = "" if placed <= LIMIT else ": TOO SLOW"
    check, start = seconds["check the recovery point"], seconds["start the server"]
    return [
        f"state of {CLIENTS} clients placed: {placed:.1f} s (wanted at most {LIMIT:.0f}){fits}",
        f"the point checked before: {check:.1f} s; the server started with it: {start:.1f} s",
    ]
