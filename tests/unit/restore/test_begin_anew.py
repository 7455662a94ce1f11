"""A journal is believed for as long as there is what it tells of."""

import os
import subprocess
from types import SimpleNamespace

import pytest

from recovery.restore import begin_anew as module
from recovery.restore import journal as journal_module
from recovery.restore.begin_anew import begin_anew
from recovery.restore.journal import Journal
from recovery.restore.request import Outcome
from recovery.target import open_target


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine on which a point's state was placed; ``done`` tells what its journal says."""
    folder, datastore = tmp_path / "recovery", tmp_path / "datastore"
    (datastore / "config").mkdir(parents=True)
    (datastore / "config" / "install_time.json.db").write_text("{}")
    monkeypatch.setattr(module, "FOLDER", str(folder))
    monkeypatch.setattr(journal_module, "PATH", str(folder / "journal.jsonl"))
    target = open_target("local://")
    said: list[str] = []
    forgotten: list[bool] = []
    context = SimpleNamespace(
        has_point=True,
        target=target,
        say=said.append,
        config=SimpleNamespace(folders=(str(datastore),)),
        journal=Journal(target, "P1"),
        forget_what_was_done=lambda: forgotten.append(True),
    )
    context.journal.add(Outcome(step="install", status="done"))
    yield SimpleNamespace(
        context=context,
        said=said,
        forgotten=forgotten,
        folder=folder,
        file=datastore / "config" / "install_time.json.db",
        done=lambda: Journal(target, "P1").is_done("install"),
    )
    target.close()


def test_a_datastore_that_is_there_keeps_its_journal(machine):
    machine.context.journal.add(Outcome(step="place", status="done"))
    begin_anew(machine.context, "install")
    assert machine.done()
    assert machine.said == machine.forgotten == []


def test_so_does_one_that_is_a_link_to_another_disk(machine, tmp_path):
    (tmp_path / "datastore").rename(tmp_path / "disk")
    (tmp_path / "datastore").symlink_to(tmp_path / "disk")
    machine.context.journal.add(Outcome(step="place", status="done"))
    begin_anew(machine.context, "install")
    assert machine.done()


def test_a_datastore_that_is_gone_is_recovered_anew(machine):
    machine.context.journal.add(Outcome(step="place", status="done"))
    (machine.folder / "ledger.jsonl").write_text("{}\n")
    machine.file.unlink()
    begin_anew(machine.context, "install")
    assert not machine.done()
    assert machine.forgotten  # by this run as well
    assert "gone from this machine" in machine.said[0]
    kept = sorted(path.name.rpartition(".")[0] for path in machine.folder.iterdir())
    assert kept == ["journal.jsonl", "ledger.jsonl"]


def test_before_anything_was_placed_an_empty_datastore_is_none_that_is_gone(machine):
    machine.file.unlink()
    begin_anew(machine.context, "install")
    assert machine.done()


def test_a_machine_that_dies_while_they_are_put_aside_doubts_its_ledger_still(tmp_path):
    folder, programs = tmp_path / "recovery", tmp_path / "programs"
    folder.mkdir()
    programs.mkdir()
    for name in ("journal.jsonl", "ledger.jsonl", "hunts.jsonl", "forwarding-held.json"):
        (folder / name).touch()
    (programs / "mv").write_text('#!/bin/sh\n/bin/mv "$@"; kill -9 $PPID\n')
    (programs / "mv").chmod(0o755)
    argv = ["sh", "-c", module._ASIDE, "aside", str(folder), "now"]
    path = {"PATH": f"{programs}:{os.environ['PATH']}"}
    left = []
    while (folder / "journal.jsonl").exists():
        left.append(sorted(one.name for one in folder.iterdir() if one.name.endswith("l")))
        subprocess.run(argv, env=path, check=False)
    assert left[-1] == ["journal.jsonl"]
