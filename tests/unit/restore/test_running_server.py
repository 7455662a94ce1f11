"""What a server that runs holds, in numbers, and how much of it a point can't have."""

import json
import os
import subprocess

import pytest
import yaml

from recovery.commands import Result
from recovery.errors import BadInputError
from recovery.restore import running_server as module
from recovery.restore.context import Context
from recovery.restore.journal import Journal
from recovery.restore.request import parse_request
from recovery.restore.running_server import Holds, refuse_a_running_server, words
from tests.unit.restore.points import CONFIG, Point
from tests.unit.restore.test_journal import Machine

_POINT = 1_000_000_000


def count(folder) -> Holds:
    argv = ["sh", "-c", module._SCRIPT, "count", str(folder), str(_POINT)]
    done = subprocess.run(argv, capture_output=True, check=True, text=True)
    return Holds(*map(int, done.stdout.split()))


def put(folder, path, age) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    os.utime(file, (_POINT + age, _POINT + age))


def test_clients_flows_and_hunts_of_every_org_are_counted_and_what_is_newer(tmp_path):
    for path, age in (
        ("clients/C.1/key.db", -9),
        ("clients/C.1/collections/F.1.json.db", -9),
        ("clients/C.1/collections/F.1/task.db", 9),  # no flow of its own
        ("clients/C.1/collections/F.2.json.db", 9),
        ("clients/server/collections/F.3.json.db", 9),  # a server makes some by itself
        ("clients/C.2/metadata.json.db", 9),  # known by a backup: it has not enrolled yet
        ("orgs/OA/clients/C.3-OA/key.db", 9),
        ("orgs/OA/hunts/H.1.json.db", 9),
        ("orgs/OA/hunts/H.1/request.json.db", 9),
        ("hunts/H.2.json.db", -9),
        ("hunts/index.json", 9),
    ):
        put(tmp_path, path, age)
    assert count(tmp_path) == Holds(3, 1, 2, 1, 2, 1, keys=2)


def test_nothing_is_counted_where_there_is_nothing(tmp_path):
    assert count(tmp_path) == Holds()


def test_the_words_name_what_is_newer_and_nothing_else():
    said = words(Holds(2, 0, 12, 1, 0, 0))
    assert said == "2 clients, 12 flows, 0 hunts (written since the point was captured: 1 flow)"
    assert words(Holds(1, 0, 0, 0, 0, 0)).endswith("(written since the point was captured: none)")


ENROLLED = Holds(clients=2, flows=3, hunts=1, keys=1)
IMPORTED = Holds(clients=2, new_clients=0, flows=3, new_flows=3, hunts=1, new_hunts=1)
PACKAGE = ("P", "install the package", "")
RECORDS = ("place the state", "org records: 1 file, 0 running hunts paused")
STATE = ("place the state", "state: 55 files, 0 running hunts paused")
BACKUP = ("restore the backup", "")


class Serving(Machine):
    """A server that runs, with what it holds, of the config's own deployment."""

    uri = "simulated://"

    def __init__(self, text, holds, config):
        super().__init__(text)
        self.holds, self.config = holds, config

    def get(self, _path):
        return self.config

    def run(self, argv, **more):
        if argv[3:4] == ["count"]:
            return Result(tuple(argv), 0, " ".join(map(str, self.holds)).encode(), b"")
        return super().run(argv, **more)


def noted(*lines):
    keys = ("point", "step", "detail")
    return "".join(json.dumps(dict(zip(keys, line, strict=True))) + "\n" for line in lines)


def look(tmp_path, lines, holds, config=CONFIG):
    """What :func:`refuse_a_running_server` does before the recovery of the point ``P``."""
    point = Point(tmp_path / "vault")
    point.make()
    request = parse_request(target="simulated://", vault=str(point.folder))
    with Context(request, lambda _line: None) as context:
        context.__dict__["target"] = Serving(noted(*lines), holds, config)
        context.__dict__["journal"] = Journal(context.target, "P")
        refuse_a_running_server(context)


@pytest.mark.parametrize(
    "lines",
    [
        [PACKAGE],
        [PACKAGE, ("P", *RECORDS), ("P", *BACKUP)],
        [("Q", *PACKAGE[1:]), ("Q", *RECORDS), PACKAGE],
    ],
)
def test_what_archives_alone_have_brought_is_recovered_over(tmp_path, lines):
    look(tmp_path, lines, IMPORTED)


@pytest.mark.parametrize(
    ("lines", "holds"),
    [
        ([], IMPORTED),
        ([PACKAGE, ("P", *RECORDS)], ENROLLED),
        ([PACKAGE, ("Q", *STATE)], IMPORTED),
        ([PACKAGE, ("Q", *BACKUP)], IMPORTED),
    ],
    ids=["no recovery's", "clients have enrolled", "a state", "another's backup"],
)
def test_what_cannot_be_brought_again_is_not(tmp_path, lines, holds):
    with pytest.raises(BadInputError, match="2 clients, 3 flows, 1 hunt"):
        look(tmp_path, lines, holds)


def test_nor_a_server_of_another_deployment(tmp_path):
    other = yaml.safe_load(CONFIG)
    other["Client"]["ca_certificate"] = other["Frontend"]["certificate"]
    with pytest.raises(BadInputError, match="2 clients, 3 flows, 1 hunt"):
        look(tmp_path, [PACKAGE, ("P", *RECORDS)], IMPORTED, yaml.safe_dump(other).encode())


def test_where_its_datastore_is_not_found_it_may_hold_anything(tmp_path):
    """It runs by a config of another place, so that the one that is read tells of none."""
    with pytest.raises(BadInputError, match="what it holds can't be told"):
        look(tmp_path, [PACKAGE], ())
