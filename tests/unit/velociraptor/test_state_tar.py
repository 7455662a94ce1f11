"""The one door to a state: every file is looked at, and few of them are kept in memory."""

import io
import tarfile
import tracemalloc

import pytest

from recovery.errors import BadInputError
from recovery.velociraptor.state_tar import deciding_files, deciding_paths, state_files

FEW = {
    "acl/ann.json.db": b"{}",
    "users/ann.db": b"u",
    "orgs/O1.json.db": b"o",
    "orgs/O1/acl/ann.json.db": b"{}",
    "orgs/O1/config/client_monitoring.json.db": b"m",
    "artifact_definitions/clients/notebooks.yaml": b"name: clients.notebooks",
    "hunts/H.1.json.db": b"h",
    "hunts/H.1/request.json.db": b"r",
}
MANY = {
    "clients/C.1/key.db": b"k",
    "client_info/snapshot.json": b"c",
    "hunt_index/H.1/x.db": b"i",
    "notebooks/N.1.json.db": b"n",
    "orgs/O1/clients/C.1/key.db": b"k",
    "orgs/O1/notebook_index/x.json.db": b"x",
    "lfn_hashes/x.db": b"l",
}


@pytest.fixture
def state(tmp_path):
    def make(files, *links):
        path = tmp_path / "state.tar"
        with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
            for name, data in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
            for name in links:
                member = tarfile.TarInfo(name)
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/shadow"
                tar.addfile(member)
        return path

    return make


def test_what_decides_is_all_but_what_there_is_of_each_client(state):
    tar = state({**MANY, **FEW})
    assert {file.path: file.read() for file in deciding_files(tar)} == FEW
    assert {file.path: file.read() for file in state_files(tar)} == MANY | FEW


@pytest.mark.parametrize("read", [deciding_files, state_files])
def test_a_file_of_a_client_is_looked_at_like_all_others(state, read):
    with pytest.raises(BadInputError, match="this state holds a link"):
        list(read(state({**FEW}, "clients/C.1/key.db"), "this state"))


def test_memory_does_not_grow_with_the_clients(state):
    tar = state(FEW | {f"clients/C.{number:016x}/key.db": b"" for number in range(1500)})
    tracemalloc.start()
    try:
        assert len(deciding_paths(tar)) == len(FEW)
        assert sum(1 for _ in state_files(tar)) == len(FEW) + 1500
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200 << 10
