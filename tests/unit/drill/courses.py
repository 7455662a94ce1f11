"""Drills that have ended, as the verdict, the page and JUnit are given them; nothing is mocked."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from recovery.drill.clock import Clock, Moment, Phase
from recovery.drill.course import Course
from recovery.drill.loss import Loss
from recovery.drill.names import Run
from recovery.drill.options import DrillOptions
from recovery.restore.request import Outcome
from recovery.vault.manifest import Backup, Manifest, Package, Server, StoredObject
from recovery.velociraptor.inventory import Inventory
from recovery.verify.compare import FidelityLine
from recovery.verify.run_checks import Check

LOST_AT = datetime(2026, 11, 23, 17, 0, 30, tzinfo=UTC)
_STORED = StoredObject(sha256="0" * 64, size=1, name="x")


def line(item="flows", org="root", captured=3, lost=0, changed=0, added=0, **more):
    back = captured - lost - changed
    return FidelityLine(
        item=item,
        org=org,
        captured=captured,
        restored=back,
        lost=lost,
        changed=changed,
        added=added,
        **more,
    )


def check(name="network: dns", outcome="passed", detail=""):
    return Check(name=name, outcome=outcome, detail=detail, seconds=0.25)


def manifest(captured=LOST_AT - timedelta(seconds=4), backup=LOST_AT - timedelta(hours=30)):
    return Manifest(
        point="20261123T170026Z-abc123",
        captured_at=captured,
        finished_at=captured,
        parts=["redeploy", "backup", "state", "collections"],
        server=Server(
            kind="velociraptor", version="0.77.2", deployment="d", uri="docker://x", server_urls=[]
        ),
        package=Package(
            file=_STORED, version="0.77.2-1", config_fingerprint="f", origin="found on the server"
        ),
        config=_STORED,
        config_newer=False,
        backups=[Backup(org="root", file=_STORED, made_at=backup, fresh=False)],
        inventory=Inventory(orgs={}),
    )


def course(**changes):
    """A drill in which everything came back; ``changes`` replace its fields."""
    options = changes.pop("options", {})
    clock = Clock(started_at=LOST_AT - timedelta(seconds=30))
    clock.phases += [Phase("live on it", 0.0, 30.0), Phase("rebuild it", 30.0, 12.0)]
    clock.moments += [Moment("the server is lost", 30.0), Moment("the server listens", 37.5)]
    clock.moments += [Moment("all clients served", 39.3)]
    made = Course(
        Run("abc123"),
        DrillOptions(**{"image": "base", **options}),
        Path("/opt/velociraptor"),
        clock,
        lambda _line: None,
        "velociraptor",
        "0.77.2",
        manifest=manifest(),
        loss=Loss(LOST_AT, "drill-abc123-server-1", "10.64.0.2"),
        enrolled=5,
        expected={"root": ["C.1", "C.2", "C.3"], "OACME": ["C.4-OACME", "C.5-OACME"]},
        back=5,
        new_container="drill-abc123-server-2",
        new_address="10.64.0.8",
        steps=[("server", Outcome(step="install the package", status="done", seconds=2.2))],
        checks=[check(), check("service: running", detail="since 17:00")],
        fidelity=[line("clients"), line("flows", captured=20)],
    )
    for name, value in changes.items():
        assert hasattr(made, name), name
        setattr(made, name, value)
    return made


def without(made, *moments):
    """The same drill, in which those moments never came."""
    made.clock.moments = [one for one in made.clock.moments if one.name not in moments]
    return made
