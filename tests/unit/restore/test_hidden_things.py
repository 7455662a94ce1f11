"""What a point could hide from whoever looks at it: rights, hunts that run, artifacts, senders.

Each is told as a server would take it, by its own reading of a record (read in its source).
"""

import json
import tarfile
import zipfile

import pytest

from recovery.accounts.approve import approve
from recovery.accounts.read_accounts import accounts_in_backup, accounts_in_state, as_one_user
from recovery.accounts.review import review
from recovery.restore.artifact_text import artifact_text
from recovery.restore.material import (
    by_name,
    changed_artifacts,
    definitions_in_backup,
    definitions_in_state,
)
from recovery.restore.outgoing import outgoing, senders
from recovery.restore.state_files import Keep, copy_state, held_files, running_hunts
from tests.unit.restore.points import tar_with, zip_of

READER = b'{"readResults":true}'
ADMIN = b'{"roles":["administrator"]}'
# JSON to whoever takes blanks before a brace; to a server a message: a field of 123 bytes that it
# doesn't know, any_query, and another field that it doesn't know.
BOTH = b'\n{"readResults":"' + b"x" * 108 + b"P1" + b'","readResults":true}' + b" " * 25


def state(tmp_path, files, name="state.tar"):
    path = tmp_path / name
    path.write_bytes(tar_with(files))
    return path


@pytest.mark.parametrize(
    ("file", "record"),
    [
        ("acl/mallory.json.db", b'{"server_admin":true}'),
        ("acl/mallory.json.db", b"\x60\x01"),
        ("acl/mallory.db", b"\x4a\x0dadministrator"),
        ("acl/mallory.db", ADMIN),
        ("acl/mallory.json.db", BOTH),
    ],
    ids=["other spelling", "message", "old file", "JSON in an old file", "JSON and message"],
)
def test_an_administrator_is_seen_however_the_record_is_written(tmp_path, file, record):
    (account,) = accounts_in_state(state(tmp_path, {file: record}))
    assert account.key == ("root", "mallory")
    assert account.is_admin
    assert held_files(state(tmp_path, {file: record}), set()) == [file]


def test_a_record_that_reads_two_ways_is_what_the_server_takes():
    assert json.loads(BOTH) == {"readResults": True}


@pytest.mark.parametrize(
    "other", ["acl/%6Dallory.json.db", "acl/Mallory.json.db", "acl/mallory.db"]
)
@pytest.mark.parametrize("last", ["known rights", "new rights"])
def test_rights_in_a_second_record_of_a_known_user_are_new_rights(tmp_path, other, last):
    before = as_one_user(accounts_in_state(state(tmp_path, {"acl/mallory.json.db": READER})))
    files = {other: ADMIN, "acl/mallory.json.db": READER}
    if last == "new rights":
        files = dict(reversed(files.items()))
    now = as_one_user(accounts_in_state(state(tmp_path, files)))
    found = review(now, before)
    assert all(account.is_admin for account in now)
    assert approve("known", found, "d") == []


def test_one_record_of_a_user_stays_as_it_is(tmp_path):
    accounts = accounts_in_state(state(tmp_path, {"acl/ann.json.db": READER, "acl/bob.db": b""}))
    assert as_one_user(accounts) == accounts
    assert [account.name for account in accounts] == ["ann"]


@pytest.mark.parametrize(
    "policy", [{"serverAdmin": True}, {"server_admin": True}, {"roles": ["administrator"]}]
)
def test_rights_in_a_second_row_of_a_backup_count(tmp_path, policy):
    rows = [
        {"Principal": {"name": "ann"}, "Policy": policy},
        {"Principal": {"name": "ann"}, "Policy": {"read_results": True}},
    ]
    path = tmp_path / "backup.zip"
    path.write_bytes(zip_of({"orgs/root/acls.json": "\n".join(map(json.dumps, rows)).encode()}))
    (account,) = as_one_user(accounts_in_backup(path))
    assert account.is_admin
    assert account.policy["readResults"] is True


def test_a_record_of_a_user_by_the_servers_name_does_not_come_back(tmp_path):
    files = {"users/VelociraptorServer.db": b"x", "acl/VelociraptorServer.json.db": b"{}"}
    assert held_files(state(tmp_path, files), set()) == ["users/VelociraptorServer.db"]


@pytest.mark.parametrize(
    ("file", "record", "paused"),
    [
        ("hunts/H.1.json.db", b"\x40\x02", b"\x40\x02\x40\x01"),
        ("hunts/H.1.db", b"\x0a\x03H.1\x40\x02", b"\x0a\x03H.1\x40\x02\x40\x01"),
        ("orgs/O1/hunts/H.1.db", b'{"state":"RUNNING"}', b'{"state": "PAUSED"}'),
        ("hunts/H.1.json.db", b"\x40\x82\x80\x80\x80\x10", b"\x40\x82\x80\x80\x80\x10\x40\x01"),
        ("hunts/H.1.db", b"\x40\x02\x40\x03", b"\x40\x02\x40\x03"),
    ],
    ids=["message", "old file", "JSON in an old file", "33 bits", "stopped since"],
)
def test_a_hunt_that_would_run_is_paused_however_its_record_is_written(
    tmp_path, file, record, paused
):
    source = state(tmp_path, {file: record})
    with tarfile.open(tmp_path / "out.tar", "w") as out:
        count = copy_state(source, out, Keep.EVERYTHING)
    with tarfile.open(tmp_path / "out.tar") as tar:
        assert tar.extractfile(file).read() == paused
    assert count.paused == (record != paused)
    assert running_hunts(source) == ["H.1"] * count.paused


def test_an_artifact_behind_another_ones_name_is_shown(tmp_path):
    good, evil = b"name: Custom.A\n", b"name: Custom.A\nquery: execve()\n"
    before = definitions_in_state(state(tmp_path, {"artifact_definitions/Custom/A.yaml": good}))
    files = {
        "artifact_definitions/Custom/%41.yaml": evil,
        "artifact_definitions/Custom/A.yaml": good,
    }
    (change,) = changed_artifacts(definitions_in_state(state(tmp_path, files)), before)
    assert "+query: execve()" in change.diff


def test_an_artifact_behind_another_rows_name_of_a_backup_is_shown(tmp_path):
    rows = [
        {"artifact": "Custom.A", "filename": "artifacts/evil.yaml"},
        {"artifact": "Custom.A", "filename": "artifacts/Custom.A.yaml"},
    ]
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("orgs/root/custom_artifacts.json", "\n".join(map(json.dumps, rows)))
        archive.writestr("orgs/root/artifacts/evil.yaml", "name: Evil\n")
        archive.writestr("orgs/root/artifacts/Custom.A.yaml", "name: Custom.A\n")
    (found,) = definitions_in_backup(tmp_path / "b.zip").values()
    assert found == "name: Evil\n\n---\nname: Custom.A\n"


@pytest.mark.parametrize(
    ("file", "table"),
    [
        ("config/server_monitoring.json.db", b"\x0a\x08Custom.A"),
        ("config/server_monitoring.db", b"\x0a\x08Custom.A"),
        ("config/client_monitoring.json.db", b' {"artifacts":{"artifacts":["Custom.A"]}}'),
        ("config/client_monitoring.json.db", b'{"labelEvents":7}'),
        ("config/client_monitoring.json.db", b'{"artifacts":{"artifacts":["A"],"specs":["x"]}}'),
        ("config/client_monitoring.json.db", b'{"a":' + b"[" * 99999),
    ],
    ids=["message", "old file", "blank", "events", "specs", "deep"],
)
def test_a_monitoring_table_that_nobody_can_read_is_named(tmp_path, file, table):
    (found,) = outgoing(state(tmp_path, {file: table}), {})
    assert "a table that can't be read" in found.words


def test_every_setting_of_a_sender_tells_its_hosts(tmp_path):
    def spec(host):
        return {"artifact": "Custom.B", "parameters": {"env": [{"value": f"https://{host}/"}]}}

    table = {
        "artifacts": {
            "artifacts": ["Custom.B"],
            "specs": [spec("one.example"), spec("two.example")],
        },
        "labelEvents": [{"artifacts": {"artifacts": ["Custom.B"], "specs": [spec("x.example")]}}],
    }
    files = {"config/client_monitoring.json.db": json.dumps(table).encode()}
    sends = {("root", "Custom.B"): "query: SELECT * FROM http_client()"}
    (found,) = outgoing(state(tmp_path, files), sends)
    assert found.where == ("one.example", "two.example", "x.example")


def test_a_sender_is_known_by_the_name_inside_its_file_and_through_what_it_imports(tmp_path):
    definitions = {
        ("root", "Custom.Harmless"): "name: Custom.Evil\nimports:\n  - Custom.Lib\n",
        ("root", "Custom.Lib"): "name: Custom.Lib\nexport: LET f = http_client\n",
    }
    table = {"artifacts": ["Custom.Evil"]}
    files = {"config/server_monitoring.json.db": json.dumps(table).encode()}
    (found,) = outgoing(state(tmp_path, files), definitions)
    assert (found.artifact, found.by) == ("Custom.Evil", ("http_client",))


@pytest.mark.parametrize(
    "text",
    [
        "name: Custom.B\naliases: [Custom.Evil]\nsources: [{query: SELECT * FROM netcat()}]",
        'name: "Custom\\x2eEvil"\nsources: [{"query": "SELECT * FROM net\\u0063at()"}]',
        "? name\n: &x !!str Custom.Evil\nimports: [Custom.Lib]",
        "{description: x, name: Custom.Evil, export: LET f = netcat}",
        'description: "\nname: Custom.Harmless"\nname: !!str Custom.Evil\nexport: LET f = netcat',
    ],
    ids=["alias", "escapes", "flow imports", "flow", "a name within"],
)
def test_a_sender_is_known_in_whatever_way_its_yaml_is_written(tmp_path, text):
    definitions = {
        ("root", "Custom.Harmless"): text,
        ("root", "Custom.Lib"): "name: Custom.Lib\nexport: LET f = netcat\n",
    }
    table = {"artifacts": ["Custom.Evil"]}
    files = {"config/server_monitoring.json.db": json.dumps(table).encode()}
    (found,) = outgoing(state(tmp_path, files), definitions)
    assert (found.artifact, found.by) == ("Custom.Evil", ("netcat",))


def test_of_two_files_under_one_name_both_are_read():
    first = "name: Custom.A\naliases: [Custom.Evil]\n"
    merged = by_name([("root", "Custom.A", first), ("root", "Custom.A", "name: Custom.A\n")])
    assert artifact_text(merged["root", "Custom.A"]).names == {"Custom.A", "Custom.Evil"}


def test_artifacts_that_call_each_other_end(tmp_path):
    chain = {
        ("root", f"Custom.A{n}"): "".join(f"Artifact.Custom.A{m}() " for m in range(n + 3))
        for n in range(60)
    }
    chain["root", "Custom.A59"] += "http_client()"
    assert senders("Custom.A0", "root", chain) == ("http_client",)
