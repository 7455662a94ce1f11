"""A folder that anybody may have filled: what can't be used is named, the rest goes on."""

import io
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from recovery.capture.adopt_files import sort_files

REAL = Path(__file__).parents[2] / "fixtures" / "velociraptor-0.77.2"


def zip_of(**members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def flow(**changed):
    context = {"client_id": "C.cad7afe0171b436e", "session_id": "F.1"} | changed
    return zip_of(**{"collection_context.json": json.dumps(context)})


def hunt(ident):
    return zip_of(**{"hunt_info.json": json.dumps({"hunt_id": ident})})


HOSTILE = {
    "slip.zip": (zip_of(**{"../../etc/cron.d/x": "*"}), "outside of where"),
    "bomb.zip": (zip_of(**{"orgs/root/hunts.json": bytes(300 << 20)}), "times its size"),
    "client.zip": (flow(client_id="../../x"), "no id of a client"),
    "flow.zip": (flow(session_id="F.1/../2"), "no id of a flow"),
    "nobody.zip": (flow(session_id=""), "did not exist"),
    "time.zip": (flow(active_time=10**30), "no time"),
    "deep.zip": (zip_of(**{"collection_context.json": "[" * 99999}), "did not exist"),
    "hunt.zip": (hunt("H../x"), "no id of a hunt"),
    "org.zip": (zip_of(**{"orgs/.x/acls.json": ""}), "no id of an org"),
    "rows.zip": (zip_of(**{"orgs/root/acls.json": "{"}), "can't be understood"),
    "ping.zip": (zip_of(**{"orgs/root/client_info.json": '{"ping":[1]}'}), "can't be understood"),
    "empty.zip": (b"", "not a whole zip"),
    "text.yaml": (b"Client: [1]\n", "can't be understood"),
    "locked.zip": (zip_of(**{"data.zip": "x"}), "unpack its data.zip first"),
    "note.yaml": (b"O../x: nonce\n", "nor a note"),
}


def test_hostile_files_are_named_and_the_good_ones_found(tmp_path):
    for name, (content, _) in HOSTILE.items():
        (tmp_path / name).write_bytes(content)
    shutil.copy(REAL / "backup_root_before_disaster.zip", tmp_path)
    shutil.copy(REAL / "flow_custom_artifact.zip", tmp_path)
    (tmp_path / "index.json").write_text("{}")  # of `recovery export`
    (tmp_path / "link.zip").symlink_to("/etc/shadow")
    found = sort_files(tmp_path)
    for name, (_, said) in HOSTILE.items():
        assert said in found.left[name], (name, found.left[name])
    assert found.left.keys() == HOSTILE.keys()
    assert [one.path.name for one in found.backups] == ["backup_root_before_disaster.zip"]
    assert [one.path.name for one in found.flows] == ["flow_custom_artifact.zip"]
    assert found.hunts == []


@pytest.mark.parametrize("name", ["backup_truncated.zip", "backup_damaged_member_hunts.zip"])
def test_real_damage_is_named(tmp_path, name):
    shutil.copy(REAL / name, tmp_path)
    found = sort_files(tmp_path)
    assert found.backups == []
    assert name in found.left
