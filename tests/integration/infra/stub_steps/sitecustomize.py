"""Loaded by every Python that finds this folder on its path: steps that only write down the call.

Pulumi starts the provider process itself, so a stub has to be there before it imports anything.
"""

import json
import os
import sys
import types
from pathlib import Path


def _published():
    """What the name server says at this moment about STUB_NAME."""
    if "STUB_NAME" not in os.environ:
        return []
    from recovery.infra.dns_update import Door, look_up

    found = look_up(Door(os.environ["STUB_SERVER"], "example.test"), os.environ["STUB_NAME"])
    return list(found.addresses) if found else []


def run_group(group, request, say):
    import packaging  # PyPI's must win over the folder of this name
    from recovery.errors import RecoveryError
    from recovery.restore.request import GroupResult, Outcome
    from recovery.target import open_target

    folder = Path(os.environ["STUB_STEPS"])
    target = open_target(request.target)
    hostname = target.run(["cat", "/etc/hostname"]).text
    target.close()
    say(f"{group} on {hostname}")
    call = {"group": group, "on": hostname, "name": _published(), **request.model_dump()}
    call["packaging"] = packaging.__file__
    with (folder / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps(call) + "\n")
    if (folder / f"fail-{group}").exists():
        raise RecoveryError(
            "it did not listen", step="start the server", target=hostname, hint="look at its log"
        )
    outcome = Outcome(step="look at the machine", status="done", detail=hostname)
    facts = {"report": str(folder / "report.json")} if group == "proof" else {}
    return GroupResult(group=group, outcomes=[outcome], facts=facts)


class Anywhere:
    """A machine that isn't there, and does whatever it is told."""

    uri = "ssh://nowhere"

    def run(self, argv, **_options):
        from recovery.commands import Result

        return Result(tuple(argv), 0, b"nowhere\n", b"")

    def close(self):
        pass


if "STUB_MACHINES" in os.environ:
    import recovery.target

    recovery.target.open_target = lambda _uri: Anywhere()
    # So is the vault: the real look at a point is tried where a vault is real.
    unseen = types.ModuleType("recovery.restore.check_point")
    unseen.check_asked = lambda _context: {}
    sys.modules["recovery.restore.check_point"] = unseen


if "STUB_STEPS" in os.environ:
    stub = types.ModuleType("recovery.restore.run_group")
    stub.run_group = run_group
    sys.modules["recovery.restore.run_group"] = stub
