"""What a server that runs holds, in numbers, and how much of it a point can't have."""

import os
import subprocess

from recovery.restore import running_server as module
from recovery.restore.running_server import Holds, words

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
    assert count(tmp_path) == Holds(3, 1, 2, 1, 2, 1)


def test_nothing_is_counted_where_there_is_nothing(tmp_path):
    assert count(tmp_path) == Holds()
    assert count(tmp_path / "none") == Holds()


def test_the_words_name_what_is_newer_and_nothing_else():
    said = words(Holds(2, 0, 12, 1, 0, 0))
    assert said == "2 clients, 12 flows, 0 hunts (written since the point was captured: 1 flow)"
    assert words(Holds(1, 0, 0, 0, 0, 0)).endswith("(written since the point was captured: none)")
