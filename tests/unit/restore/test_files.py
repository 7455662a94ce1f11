"""The pure parts of a restore, on what a real 0.77.2 server wrote."""

import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from recovery.errors import BadInputError
from recovery.restore.check_state import check_state
from recovery.restore.check_zip import check_zip
from recovery.restore.restore_backup import restorable
from recovery.restore.state_files import Keep, copy_state, pause_hunt
from recovery.velociraptor.archive_file import (
    by_folder,
    flow_for_import,
    flows_inside,
    hunt_alone,
    hunt_of_flow,
)
from recovery.velociraptor.backup_file import orgs_in, read_rows, result_set, rewrite_hunts

REAL = Path(__file__).parents[2] / "fixtures" / "velociraptor-0.77.2"
BACKUP = REAL / "backup_root_before_disaster.zip"
HUNT = REAL / "hunt_H.DC1TTKB0VNFA8.zip"


def test_result_set_index_is_the_real_one() -> None:
    with zipfile.ZipFile(BACKUP) as archive:
        lines = archive.read("orgs/root/acls.json")
        rows = read_rows(archive, "orgs/root/acls.json")
        real = archive.read("orgs/root/acls.json.index")
    text = b"".join(line + b"\n" for line in lines.splitlines())
    assert text == lines
    _, index = result_set(rows)
    # Our JSON escapes differently ("<" against "\\u003c"), so offsets are compared by count
    # and, for a set whose text is equal, exactly.
    assert len(index) == len(real)
    plain = [{"a": 1}, {"a": 22}]
    assert result_set(plain)[1] == (1 << 40).to_bytes(8, "little") + (
        len(b'{"a":1}\n') | 1 << 40
    ).to_bytes(8, "little")
    assert real[:8] == (1 << 40).to_bytes(8, "little")
    second = lines.index(b"\n") + 1
    assert real[8:16] == (second | 1 << 40).to_bytes(8, "little")


def test_rewritten_backup_pauses_and_drops_hunts(tmp_path: Path) -> None:
    def keep(org: str, hunt: dict[str, object]) -> dict[str, object] | None:
        if hunt["hunt_id"] == "H.DC1TTKF82N3M2":
            return None
        return {**hunt, "state": 1}

    new = rewrite_hunts(BACKUP, tmp_path / "new.zip", keep)
    with zipfile.ZipFile(BACKUP) as before, zipfile.ZipFile(new) as after:
        assert after.testzip() is None
        assert orgs_in(after) == ["root", "O10Q0", "OACME"]
        assert [hunt["hunt_id"] for hunt in read_rows(after, "orgs/root/hunts.json")] == [
            "H.DC1TTKB0VNFA8"
        ]
        assert read_rows(after, "orgs/root/hunts.json")[0]["state"] == 1
        assert after.namelist() == before.namelist()
        assert after.read("orgs/root/acls.json") == before.read("orgs/root/acls.json")


def test_flow_for_import_leaves_out_client_info_only(tmp_path: Path) -> None:
    source = REAL / "flow_with_upload.zip"
    new = tmp_path / "flow.zip"
    with zipfile.ZipFile(source) as content:
        flow_for_import(content, content.infolist(), new)
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(new) as after:
        assert set(before.namelist()) - set(after.namelist()) == {"client_info.json"}
        assert after.testzip() is None
        for name in after.namelist():
            assert after.read(name) == before.read(name)


@pytest.mark.parametrize(
    ("flow", "hunt"),
    [("F.DC1.H", "H.DC1"), ("F.DC1", ""), ("F.DC1.M", ""), ("F..H", "H."), ("", ""), (".H", "")],
)
def test_a_hunts_own_flow_tells_its_hunt(flow, hunt):
    assert hunt_of_flow(flow) == hunt


def test_a_hunt_archive_falls_into_hunt_and_flows(tmp_path: Path) -> None:
    with zipfile.ZipFile(HUNT) as content:
        flows = flows_inside(content, HUNT.name)
        hunt = hunt_alone(content, tmp_path / "hunt.zip")
        folder = flows[0].folder
        made = tmp_path / "flow.zip"
        flow_for_import(content, by_folder(content)[folder], made, folder)
    assert [(flow.client_id, flow.flow_id, flow.hostname) for flow in flows] == [
        ("C.cad7afe0171b436e", "F.DC1TTKB0VNFA8.H", "vm")
    ]
    with zipfile.ZipFile(hunt) as archive:
        assert archive.namelist() == ["hunt_info.json"]
        assert json.loads(archive.read("hunt_info.json"))["hunt_id"] == "H.DC1TTKB0VNFA8"
    with zipfile.ZipFile(made) as archive:
        assert "collection_context.json" in archive.namelist()
        assert "results/Custom.Server.Marker.json" in archive.namelist()
        assert "client_info.json" not in archive.namelist()


@pytest.mark.parametrize("name", ["backup_truncated.zip", "backup_damaged_member_hunts.zip"])
def test_damaged_zip_is_refused(name: str) -> None:
    with pytest.raises(BadInputError, match=name) as refused:
        check_zip(REAL / name, name)
    assert refused.value.exit_code == 64
    assert "nothing was changed" in refused.value.hint


def test_a_file_that_was_uploaded_twice_is_no_fault(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "f.zip", "w") as archive:
        archive.writestr("uploads/auto/a", b"one")
        archive.writestr("uploads/auto/b", b"twice")
    raw = (tmp_path / "f.zip").read_bytes().replace(b"uploads/auto/b", b"uploads/auto/a")
    (tmp_path / "f.zip").write_bytes(raw)
    assert check_zip(tmp_path / "f.zip", "f.zip")["uploads/auto/a"].size == 3


def test_empty_file_is_refused(tmp_path: Path) -> None:
    """A backup made on a full disk has 0 bytes (facts: disk full)."""
    (tmp_path / "e.zip").touch()
    with pytest.raises(BadInputError, match=r"e\.zip"):
        check_zip(tmp_path / "e.zip", "e.zip")


def _tar(path: Path, *members: tarfile.TarInfo, data: bytes = b"x") -> Path:
    with tarfile.open(path, "w") as tar:
        for member in members:
            member.size = len(data) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(data))
    return path


def _link(name: str, to: str, kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, to
    return member


@pytest.mark.parametrize(
    "member",
    [
        tarfile.TarInfo("/etc/passwd"),
        tarfile.TarInfo("users/../../etc/passwd"),
        _link("users", "/etc", tarfile.SYMTYPE),
        _link("users/a.db", "/etc/shadow", tarfile.LNKTYPE),
        _link("config/dev", "", tarfile.CHRTYPE),
    ],
    ids=["absolute", "dotdot", "symlink", "hardlink", "device"],
)
def test_hostile_state_is_refused(tmp_path: Path, member: tarfile.TarInfo) -> None:
    with pytest.raises(BadInputError, match=r"root\.tar"):
        check_state(_tar(tmp_path / "t.tar", member), "root.tar")


def test_truncated_state_is_refused(tmp_path: Path) -> None:
    whole = _tar(tmp_path / "t.tar", tarfile.TarInfo("users/a.db"), data=b"y" * 5000)
    whole.write_bytes(whole.read_bytes()[:3000])
    with pytest.raises(BadInputError, match=r"root\.tar"):
        check_state(whole, "root.tar")


def test_running_hunts_are_paused_in_any_org(tmp_path: Path) -> None:
    names = ["hunts/H.1.json.db", "orgs/OACME/hunts/H.2.json.db", "hunts/H.1/request.json.db"]
    source = _tar(
        tmp_path / "s.tar",
        *(tarfile.TarInfo(name) for name in names),
        data=b'{"hunt_id":"H","state":"RUNNING"}',
    )
    with tarfile.open(tmp_path / "o.tar", "w") as out:
        count = copy_state(source, out, Keep.EVERYTHING)
    assert (count.files, count.paused) == (3, 2)
    with tarfile.open(tmp_path / "o.tar") as tar:
        states = [json.loads(tar.extractfile(name).read())["state"] for name in names]  # type: ignore[union-attr]
        assert states == ["PAUSED", "PAUSED", "RUNNING"]
        assert {member.mode for member in tar} == {0o600}


def test_the_servers_own_list_of_hunts_is_never_placed(tmp_path: Path) -> None:
    lists = ["hunts/index.json", "hunts/index.json.index", "orgs/OACME/hunts/index.json"]
    kept = ["hunts/H.A/request.json.db", "hunts/H.A.json", "orgs/OACME/hunts/H.index.json.db"]
    source = _tar(tmp_path / "s.tar", *(tarfile.TarInfo(name) for name in lists + kept))
    with tarfile.open(tmp_path / "o.tar", "w") as out:
        copy_state(source, out, Keep.EVERYTHING)
    with tarfile.open(tmp_path / "o.tar") as tar:
        assert tar.getnames() == kept


def test_only_org_records_are_kept_when_asked(tmp_path: Path) -> None:
    names = ["orgs/OACME.json.db", "orgs/OACME/users/x.db", "users/a.db", "orgs/O1.json.db"]
    source = _tar(tmp_path / "s.tar", *(tarfile.TarInfo(name) for name in names))
    with tarfile.open(tmp_path / "o.tar", "w") as out:
        assert copy_state(source, out, Keep.ORG_RECORDS).files == 2
    with tarfile.open(tmp_path / "o.tar") as tar:
        assert tar.getnames() == ["orgs/OACME.json.db", "orgs/O1.json.db"]


@pytest.mark.parametrize(
    ("record", "paused"),
    [
        (b'{"state":2}', (b'{"state": 1}', True)),
        (b'{"state":1}', (b'{"state":1}', False)),
        (b'{"state":"STOPPED"}', (b'{"state":"STOPPED"}', False)),
        (b"not json", (b"not json", False)),
        (b"[1]", (b"[1]", False)),
    ],
)
def test_pause_hunt(record: bytes, paused: tuple[bytes, bool]) -> None:
    assert pause_hunt(record) == paused


def test_a_restored_hunt_keeps_its_condition_and_does_not_run() -> None:
    with zipfile.ZipFile(BACKUP) as archive:
        hunts = {h["hunt_id"]: h for h in read_rows(archive, "orgs/root/hunts.json")}
    limited = restorable(hunts["H.DC1TTKF82N3M2"])
    assert limited["condition"] == {"labels": {"label": ["prod"]}}
    assert limited["state"] == 1
    assert restorable(hunts["H.DC1TTKB0VNFA8"])["state"] == 1
    assert restorable({"hunt_id": "H", "state": 3}) == {"hunt_id": "H", "state": 3}
    both = {"excluded_labels": {"label": ["x"]}, "UnionField": {"Labels": {"label": ["a"]}}}
    assert restorable({"hunt_id": "H", "condition": both})["condition"] == {
        "excluded_labels": {"label": ["x"]},
        "labels": {"label": ["a"]},
    }
