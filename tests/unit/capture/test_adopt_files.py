"""A folder that anybody may have filled: what can't be used is named, the rest goes on."""

import hashlib
import io
import json
import shutil
import zipfile
from pathlib import Path

import pytest
import yaml

from recovery.capture.adopt_files import sort_files
from recovery.capture.adopt_gaps import material_gaps as gaps_of
from recovery.capture.adopt_inventory import told_org
from recovery.capture.adopt_point import _fullest_flows, _fullest_hunts, orgs_named
from recovery.capture.adopt_point import _times as times_of
from recovery.vault.adopted_gaps import is_of_the_server

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


def hunt(ident, **folders):
    """``folders``: what each says in its record of a flow, beside the usual."""
    usual = {"client_id": "C.cad7afe0171b436e", "session_id": "F.1.H"}
    flows = {
        f"{name}/collection_context.json": json.dumps(usual | said if isinstance(said, dict) else 0)
        for name, said in folders.items()
    }
    return zip_of(**{"hunt_info.json": json.dumps({"hunt_id": ident})} | flows)


HOSTILE = {
    "slip.zip": (zip_of(**{"../../etc/cron.d/x": "*"}), "outside of where"),
    "bomb.zip": (zip_of(**{"orgs/root/hunts.json": bytes(300 << 20)}), "times its size"),
    "client.zip": (flow(client_id="../../x"), "no id of a client"),
    "flow.zip": (flow(session_id="F.1/../2"), "no id of a flow"),
    "nobody.zip": (flow(session_id=""), "did not exist"),
    "time.zip": (flow(active_time=10**30), "no time"),
    "deep.zip": (zip_of(**{"collection_context.json": "[" * 99999}), "did not exist"),
    "hunt.zip": (hunt("H../x"), "no id of a hunt"),
    "hunt1.zip": (hunt("H.1", a={}, b=None), "b/collection_context.json is no record of a flow"),
    "hunt2.zip": (hunt("H.1", a={"client_id": "C.cad7afe0171b436e-OX"}, b={}), "of several orgs"),
    "hunt3.zip": (hunt("H.1", a={"active_time": "x"}), "no time"),
    "hunt4.zip": (hunt("H.1", a={"session_id": "../x"}), "no id of a flow"),
    "org.zip": (zip_of(**{"orgs/.x/acls.json": ""}), "no id of an org"),
    "rows.zip": (zip_of(**{"orgs/root/acls.json": "{"}), "can't be understood"),
    "ping.zip": (zip_of(**{"orgs/root/client_info.json": '{"ping":[1]}'}), "can't be understood"),
    "empty.zip": (b"", "not a whole zip"),
    "text.yaml": (b"Client: [1]\n", "can't be understood"),
    "locked.zip": (zip_of(**{"data.zip": "x"}), "unpack its data.zip first"),
    "collector.zip": (flow(client_id=""), "an offline collector's, which tells of no client"),
    "sealed.zip": (zip_of(**{"metadata.json": "[]", "data.zip": "x"}), "encrypted for the server"),
    "note.yaml": (b"O../x: nonce\n", "nor a note"),
    "org.json.db": (b'{"id":"O../x","nonce":"n"}', "nor a note"),
    "deep.json": (b"[" * 99999, "can't be understood"),
    "readme.txt": (b"call bob: or not", "nor a note"),
    "asked.txt": (b"OACME: nonce? ask bob", "nor a note"),
    "pack.zip": (zip_of(**{"Custom.A.yaml": "name: Custom.A"}), "a pack of artifacts"),
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
    assert found.left.keys() == {*HOSTILE, "link.zip"}
    assert [one.path.name for one in found.backups] == ["backup_root_before_disaster.zip"]
    assert [one.path.name for one in found.flows] == ["flow_custom_artifact.zip"]
    assert found.hunts == []


@pytest.mark.parametrize("name", ["backup_truncated.zip", "backup_damaged_member_hunts.zip"])
def test_real_damage_is_named(tmp_path, name):
    shutil.copy(REAL / name, tmp_path)
    found = sort_files(tmp_path)
    assert found.backups == []
    assert name in found.left


def test_the_orgs_folder_of_a_datastore_tells_the_org_of_a_collection_on_the_server(tmp_path):
    for name, folder in {
        "a.zip": "orgs/OACME/downloads/server/F.1",
        "b.zip": "downloads/server/F.2",
        "c.zip": "kept",
    }.items():
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / name).write_bytes(flow(client_id="server", session_id=f"F.{name[0]}"))
        (tmp_path / folder / "a.json.db").write_text('{"total_bytes":1}')
    found = sort_files(tmp_path)
    assert {one.path.name: (one.org, one.told) for one in found.flows} == {
        "a.zip": ("OACME", True),
        "b.zip": ("root", True),
        "c.zip": ("root", False),
    }
    assert found.left == {"kept/a.json.db": "not a package, config, backup or export"}


def test_an_index_of_exports_tells_the_org_of_what_does_not_say_it_itself(tmp_path):
    contents = {
        "a": (flow(client_id="server", session_id="F.a"), "OACME"),
        "b": (hunt("H.b"), "OACME"),
        "c": (hunt("H.c"), "../x"),
        "d": (hunt("H.d"), None),
    }
    entries = [
        {"org": org, "size": len(raw), "sha256": hashlib.sha256(raw).hexdigest(), "file": "gone"}
        for raw, org in contents.values()
        if org
    ]
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "index.json").write_text(json.dumps({"archives": entries}))
    (tmp_path / "index.json").write_text('{"archives":[{"org":"OX","size":"x","sha256":1}]}')
    for name, (raw, _) in contents.items():
        (tmp_path / f"renamed {name}.zip").write_bytes(raw)
    found = sort_files(tmp_path)
    assert [(one.org, one.told) for one in found.flows] == [("OACME", True)]
    orgs = {str(one.info["hunt_id"]): told_org(one, {}) for one in found.hunts}
    assert orgs == {"H.b": "OACME", "H.c": "", "H.d": ""}
    assert found.left == {}


def test_the_folder_tells_the_org_of_a_client_whose_id_does_not(tmp_path):
    """A real server's import makes such clients in other orgs; a flow may be in two orgs then."""
    where = {"a": "orgs/OACME/downloads/C.1", "b": "downloads/C.1", "c": "orgs/OACME/downloads/C.2"}
    for name, folder in where.items():
        (tmp_path / folder).mkdir(parents=True)
        client = "C.1-OTWO" if name == "c" else "C.1"
        (tmp_path / folder / f"{name}.zip").write_bytes(flow(client_id=client))
    context = json.dumps({"client_id": "C.1", "session_id": "F.H1.H"})
    members = {"hunt_info.json": '{"hunt_id":"H.1"}', "vm/collection_context.json": context}
    (tmp_path / where["a"] / "h.zip").write_bytes(zip_of(**members))
    found = sort_files(tmp_path)
    assert {one.path.name: one.org for one in _fullest_flows(found.flows)} == {
        "a.zip": "OACME",
        "b.zip": "root",
        "c.zip": "OTWO",
    }
    assert [told_org(one, {}) for one in found.hunts] == ["OACME"]


def test_a_hunt_without_clients_of_which_nothing_tells_the_org_is_a_gap(tmp_path):
    shutil.copy(REAL / "flow_custom_artifact.zip", tmp_path)
    (tmp_path / "h.zip").write_bytes(hunt("H.b"))
    found = sort_files(tmp_path)

    def gaps(orgs):
        return [gap for gap in gaps_of(found, {}, [], [], orgs) if "H.b" in gap]

    assert gaps({"root"}) == []  # there is no other
    said = gaps_of(found, {}, ["OACME"], [], {"root", "OACME"})
    assert [gap for gap in said if not is_of_the_server(gap)] == gaps({"root", "OACME"})
    (gap,) = gaps({"root", "OACME"})
    assert gap.startswith("root: H.b: a hunt without any client, and nothing tells of which org")


@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("client.OACME.config.yaml", ["OACME"]),
        ("client.OAC.config.yaml", ["OAC"]),
        ("clientOACMEconfig.yaml", ["OACME"]),
        ("client.Acme.1.yaml", ["Acme.1"]),
        ("client.OACMEX.yaml", []),
        ("OAC and OACME.yaml", ["OAC", "OACME"]),
        ("OACME or Acme.yaml", ["Acme", "OACME"]),
    ],
)
def test_a_file_is_called_after_an_org_and_not_after_its_prefix(file, named):
    assert orgs_named(file, ["Acme", "Acme.1", "OAC", "OACME"]) == named
    assert orgs_named("client.OACME.config.yaml", ["OAC"]) == []


def test_a_clients_config_tells_its_deployment(tmp_path):
    shutil.copy(REAL / "client.OACME.config.yaml", tmp_path)
    (client,) = sort_files(tmp_path).clients
    ca = yaml.safe_load((REAL / "server.config.yaml").read_text())["Client"]["ca_certificate"]
    assert client.ca.strip() == ca.strip()
    assert client.nonce


def test_an_impossible_time_of_a_client_does_not_cost_the_backup(tmp_path):
    row = json.dumps({"client_id": "C.1", "ping": 10**30})
    (tmp_path / "old.zip").write_bytes(zip_of(**{"orgs/root/client_info.json": row}))
    found = sort_files(tmp_path)
    assert [backup.orgs for backup in found.backups] == [("root",)]


def test_a_backup_whose_rows_can_not_be_counted_is_named(tmp_path):
    row = '{"Principal":{},"Policy":{}}'
    (tmp_path / "odd.zip").write_bytes(zip_of(**{"orgs/root/acls.json": row}))
    found = sort_files(tmp_path)
    assert found.backups == []
    assert "can't be understood" in found.left["odd.zip"]


def test_an_orgs_own_record_is_a_note_of_its_name_and_nonce(tmp_path):
    (tmp_path / "OACME.json.db").write_text('{"name":"Acme","nonce":"bm9uY2U=","id":"OACME"}')
    (tmp_path / "nonces.txt").write_text("OBETA: b3RoZXI=\n")
    found = sort_files(tmp_path)
    assert found.nonces == {"OACME": "bm9uY2U=", "OBETA": "b3RoZXI="}
    assert found.names == {"OACME": "Acme"}


def test_a_record_of_an_org_counts_whatever_its_id(tmp_path):
    (tmp_path / "acme.json.db").write_text('{"name":"Acme","nonce":"bm9uY2U=","id":"acme-1"}')
    (tmp_path / "note.txt").write_text("acme: bm9uY2U=\n")
    found = sort_files(tmp_path)
    assert found.nonces == {"acme-1": "bm9uY2U="}
    assert found.left == {"note.txt": "not a config, nor a note of nonces (ORG: NONCE)"}


def test_a_long_text_is_no_note_and_costs_nothing(tmp_path):
    (tmp_path / "log.txt").write_text("OACME: bm9uY2U=\n" * 4097)
    (tmp_path / "note.txt").write_text("OBETA: bm9uY2U=\n" + "# why\n" * 9000)
    found = sort_files(tmp_path)
    assert found.left == {"log.txt": "not a package, config, backup or export"}
    assert found.nonces == {"OBETA": "bm9uY2U="}


def test_an_upload_that_is_called_like_a_record_is_no_flow_of_a_hunt(tmp_path):
    members = {"hunt_info.json": '{"hunt_id": "H.1"}', "h/uploads/x/collection_context.json": "x"}
    (tmp_path / "h.zip").write_bytes(zip_of(**members))
    found = sort_files(tmp_path)
    assert (found.left, found.hunts[0].members) == ({}, ())


def test_a_hunt_that_ran_on_a_client_once_more_is_known_with_both_flows(tmp_path):
    """A server puts a client's flows into one folder of a hunt's export (seen on 0.77.2)."""
    path = tmp_path / "h.zip"
    path.write_bytes(hunt("H.1", vm={}))
    again = {"client_id": "C.cad7afe0171b436e", "session_id": "F.2"}
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("vm/collection_context.json", json.dumps(again))
    found = sort_files(tmp_path)
    (one,) = found.hunts
    assert {member["session_id"] for member in one.members} == {"F.1.H", "F.2"}
    assert found.left == {}


def test_a_hunt_of_several_orgs_is_one_in_each(tmp_path):
    """Started in several orgs at once, a hunt has one id in all of them (seen on 0.77.2)."""
    (tmp_path / "less.zip").write_bytes(hunt("H.1"))
    (tmp_path / "root.zip").write_bytes(hunt("H.1", vm={}))
    (tmp_path / "acme.zip").write_bytes(hunt("H.1", vm={"client_id": "C.cad7afe0171b436e-OACME"}))
    found = sort_files(tmp_path)
    kept = {told_org(one, {}): one.path.name for one in _fullest_hunts(found.hunts, {})}
    assert kept == {"root": "root.zip", "OACME": "acme.zip"}


def test_a_link_is_not_followed_and_named(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "h.zip").symlink_to("/etc/passwd")
    (tmp_path / "more").symlink_to("/etc", target_is_directory=True)
    assert sort_files(tmp_path / ".").left == {
        "in/h.zip": "a link: put there what it points to",
        "more": "a link: put there what it points to",
    }


def test_what_tells_no_time_is_not_of_today(tmp_path):
    """Old exports adopted today would pass for newer than yesterday's capture."""
    at = 1_795_415_761_551_770
    (tmp_path / "a.zip").write_bytes(flow())
    (tmp_path / "b.zip").write_bytes(hunt("H.1", a={"create_time": str(at)}))
    found = sort_files(tmp_path)
    told = times_of([], found.flows, found.hunts)
    assert [round(time.timestamp() * 1e6) for time in told] == [at]
