"""Result sets of like names: each gets its own rows and their index."""

import io
import struct
import zipfile
from types import SimpleNamespace

import pytest

from recovery.errors import CommandError
from recovery.restore.alike_uploads import place_alike
from recovery.restore.parcel import Parcel, alike

FOLDER = "/ds/orgs/OA"
AT = "orgs/OA/clients/C.1/artifacts/Custom.A"
MEMBERS = {
    "results/Custom.A%2FRows.json": '{"a":1}\n{"a":2}\n',
    "results/Custom.A%2Frows.json": '{"b":1}\n{"bb":22}\n{"cut',
    "results/custom.a%2Frows.csv": "b\n1\n",
}


class Machine:
    """Has these result sets, and keeps what is put there as long as there is space."""

    def __init__(self, *files, full=False):
        self.files, self.full, self.put_there = files, full, {}

    def run(self, argv, *, stdin=b"", timeout=60):
        asked = stdin.decode().split("\0")
        told = "".join(f"9 {name}\n" for name in asked if name in self.files)
        return SimpleNamespace(text=told)

    def put(self, source, path, *, mode, owner):
        if self.full:
            raise CommandError("no space left on device")
        self.put_there[path.removeprefix("/ds/")] = source.read_bytes(), mode, owner


def placed(tmp_path, machine):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in MEMBERS.items():
            archive.writestr(name, text)
    found = tuple(alike([name for name in MEMBERS if name.endswith("json")], "results/"))
    parcel = Parcel("C.1", "F.1", "", (), 0, 0, 0, 0, content.getvalue(), alike_results=found)
    config = SimpleNamespace(files="/ds")
    context = SimpleNamespace(target=machine, config=config, folder=tmp_path)
    return place_alike(context, "OA", parcel)


def test_each_gets_its_own_rows_and_an_index_of_them(tmp_path):
    machine = Machine(f"{AT}/F.1/Rows.json", f"{AT}/F.1/rows.json")
    assert placed(tmp_path, machine) == ""
    rows = b'{"b":1}\n{"bb":22}\n'
    index = struct.pack("<QQ", 1 << 40, 8 | 1 << 40)
    owned = (0o600, "velociraptor:velociraptor")
    assert machine.put_there == {
        f"{AT}/F.1/rows.json": (rows, *owned),
        f"{AT}/F.1/rows.json.index": (index, *owned),
    }


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        (Machine(f"{AT}/F.1/rows.json", full=True), "Custom.A/rows (no space left on device)"),
        (Machine(), "Custom.A/rows"),
    ],
)
def test_one_that_could_not_be_put_right_is_named(tmp_path, machine, said):
    assert placed(tmp_path, machine) == f"with the rows of a result set of a like name: {said}"
