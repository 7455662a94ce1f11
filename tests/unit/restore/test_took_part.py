"""Who took part in a hunt, noted on the machine."""

import io
import tarfile
from pathlib import Path
from types import SimpleNamespace

from recovery.restore.archived_hunts import ArchivedHunt
from recovery.restore.mark_took_part import mark_took_part
from recovery.vault.manifest import Archive, StoredObject
from recovery.velociraptor import portions

FILE = StoredObject(sha256="0" * 64, size=1, name="x")


class Machine:
    def __init__(self):
        self.placed = []
        self.waits = []

    def run(self, argv, *, stdin, timeout):
        with tarfile.open(fileobj=io.BytesIO(stdin)) as tar:
            self.placed.append([member.name for member in tar])
        script, wait = argv[2], float(argv[-1])
        assert 'flock -w "$4"' in script
        assert argv[7] == argv[-1]
        self.waits.append((wait, timeout))


def marked(monkeypatch, size):
    machine = Machine()
    config = SimpleNamespace(datastore="/ds")
    hunts = {"H.Ab": ArchivedHunt(Path("x"), (), frozenset({"C.1-OACME", "C.2-OACME"}))}
    flow = Archive(kind="flow", org="OACME", file=FILE, client_id="C.1-OACME", flow_id="F.Ab.H")
    other = flow.model_copy(update={"client_id": "C.3-OACME"})
    plain = flow.model_copy(update={"flow_id": "F.Cd"})
    monkeypatch.setattr(portions.portions, "__defaults__", (size,))
    mark_took_part(
        SimpleNamespace(target=machine, config=config), "OACME", hunts, [flow, other, plain]
    )
    return machine


def test_each_client_of_each_hunt_once_however_many_messages(monkeypatch):
    marks = [f"orgs/OACME/hunt_index/h.ab/C.{number}-OACME.db" for number in (1, 2, 3)]
    assert marked(monkeypatch, 1 << 20).placed == [marks]
    assert marked(monkeypatch, 10).placed == [[mark] for mark in marks]


def test_a_command_that_waits_for_another_has_its_own_time_after_it(monkeypatch):
    """It was given up after 600 s while it waited 3000 s for what a dead recovery left at work."""
    ((wait, timeout),) = marked(monkeypatch, 1 << 20).waits
    assert timeout >= wait + 600
