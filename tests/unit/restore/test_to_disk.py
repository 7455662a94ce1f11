"""What a step wrote is on the machine's disks before the journal calls it done."""

import json
import subprocess

import pytest

from recovery.errors import CommandError
from recovery.restore.context import Context
from recovery.restore.request import parse_request
from recovery.restore.step import Report, Step, run_steps
from recovery.restore.to_disk import _SCRIPT
from tests.unit.restore.points import Point
from tests.unit.restore.test_journal import Machine


class Disk(Machine):
    """A machine that tells in which order it was asked, and may refuse to write."""

    uri = "simulated://"

    def __init__(self, *, full=False):
        super().__init__("")
        self.order, self.full = [], full

    def run(self, argv, *, stdin=None, **more):
        if argv[3:4] == ["to-disk"]:
            self.order.append(("disk", *argv[4:]))
            if self.full:
                raise CommandError("sync: Input/output error", target=self.uri)
        elif stdin is not None:
            self.order.append(("noted", json.loads(stdin)["step"]))
        return super().run(argv, stdin=stdin, **more)


@pytest.fixture
def context(tmp_path, monkeypatch):
    point = Point(tmp_path / "vault")
    made = point.make()
    request = parse_request(target="simulated://", vault=str(point.folder), point=made.point)
    with Context(request, lambda _line: None) as context:
        monkeypatch.setattr(context, "hold", lambda: None)
        context.__dict__["target"] = Disk()
        yield context


def steps(**how):
    return [Step("place it", lambda _context: Report("placed", **how))]


def test_files_are_on_the_disk_before_their_step_is_noted(context):
    run_steps(steps(), context)
    disk, noted = context.target.order
    assert disk[0] == "disk"
    assert {*context.config.folders, "/etc/velociraptor/server.config.yaml", "/"} <= {*disk}
    assert noted == ("noted", "place it")


def test_a_step_whose_files_the_disk_does_not_take_is_not_done(context):
    context.__dict__["target"] = Disk(full=True)
    with pytest.raises(CommandError, match="Input/output error"):
        run_steps(steps(), context)
    assert not context.journal.is_done("place it")


def test_a_step_that_had_nothing_to_do_forces_nothing(context):
    run_steps(steps(skipped=True), context)
    assert context.target.order == []


def force(tmp_path, status, *paths):
    """The script's status, and what it asked of a ``sync`` that ends with ``status``."""
    asked = tmp_path / "asked"
    (tmp_path / "sync").write_text(f'#!/bin/sh\necho "$*" >> {asked}\nexit {status}\n')
    (tmp_path / "sync").chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(["sh", "-c", _SCRIPT, "to-disk", *map(str, paths)], env=env, check=False)
    return done.returncode, asked.read_text().splitlines()


def test_each_disk_is_asked_once_and_what_is_not_there_is_left_out(tmp_path):
    paths = [tmp_path, tmp_path / "none", tmp_path / "sync", "/proc"]
    assert force(tmp_path, 0, *paths) == (0, [f"-f -- {tmp_path}", "-f -- /proc"])


def test_a_disk_that_refuses_is_told(tmp_path):
    status, asked = force(tmp_path, 1, tmp_path, "/proc")
    assert status == 1
    assert len(asked) == 1


def test_the_machines_own_command_takes_what_is_asked_of_it(tmp_path):
    argv = ["sh", "-c", _SCRIPT, "to-disk", str(tmp_path)]
    subprocess.run(argv, check=True)
