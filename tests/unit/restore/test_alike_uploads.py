"""Uploads of like names: which an import confuses, and what is said of one that can't be mended."""

import io
import zipfile
from types import SimpleNamespace

import pytest

from recovery.errors import CommandError
from recovery.restore.alike_uploads import place_alike
from recovery.restore.parcel import Parcel, alike

PLACE = ("C.1", "F.1")
FOLDER = "/ds/orgs/OA/clients/C.1/collections/F.1/uploads"


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["uploads/auto/a", "uploads/auto/b"], []),
        (["uploads/auto/A", "uploads/auto/a"], ["uploads/auto/a"]),
        (["uploads/auto/%C3%84", "uploads/auto/%c3%a4"], ["uploads/auto/%c3%a4"]),
        (["uploads/Auto/x/y", "uploads/auto/x/y"], ["uploads/auto/x/y"]),
        (["uploads/auto/a", "uploads/auto/a"], []),  # one file, sent twice
        (["results/A.json", "results/a.json"], []),
    ],
)
def test_those_that_differ_in_capital_letters_alone(names, found):
    assert alike(names, "uploads/") == found


class Machine:
    """Keeps what is put there, as long as there is space."""

    def __init__(self, *files, full=False):
        self.files, self.full, self.put_there = files, full, {}

    def run(self, argv, *, check=True):
        told = "\0".join(f"{FOLDER}/{file}" for file in self.files) if argv[0] == "find" else ""
        return SimpleNamespace(stdout=told.encode())

    def put(self, source, path, *, mode, owner):
        if self.full:
            raise CommandError("no space left on device")
        self.put_there[path.removeprefix(f"{FOLDER}/")] = source.read_bytes(), mode, owner


def placed(tmp_path, machine, **members):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    names = tuple(alike(members, "uploads/"))
    parcel = Parcel(*PLACE, "", (), 0, 0, 0, 0, content.getvalue(), alike=names)
    config = SimpleNamespace(files="/ds")
    context = SimpleNamespace(target=machine, config=config, folder=tmp_path)
    return place_alike(context, "OA", parcel)


def test_each_gets_its_own_content_under_the_name_that_the_server_gave_it(tmp_path):
    machine = Machine("auto/A%2Fb", "auto/a%2Fb")
    given = {"uploads/auto/A%2Fb": "one", "uploads/auto/a%2Fb": "two"}
    assert placed(tmp_path, machine, **given) == ""
    assert machine.put_there == {"auto/a%2Fb": (b"two", 0o600, "velociraptor:velociraptor")}


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        (Machine("auto/A", "auto/a", full=True), "auto/a (no space left on device)"),
        (Machine("auto/A"), "auto/a"),
    ],
)
def test_one_that_could_not_be_put_right_is_named(tmp_path, machine, said):
    told = placed(tmp_path, machine, **{"uploads/auto/A": "one", "uploads/auto/a": "two"})
    assert told == f"with the content of an upload of a like name: {said}"
