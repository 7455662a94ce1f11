"""Backups whose artifacts or users are more than one message to a server may hold (4 MiB)."""

import io
import json
import zipfile

import pytest

from recovery.errors import ServerError
from recovery.restore.zip_artifacts import set_artifacts
from recovery.restore.zip_users import create_users

MESSAGE = 4 << 20


class Server:
    """Takes what a message holds; `test_large_pack.py` (integration) asks real ones."""

    def __init__(self, lost=()):
        self.lost = set(lost)
        self.defined = []
        self.marked = {}
        self.users = []
        self.sent = []

    def query(self, vql, *, env, org, **_):
        assert org == "OACME"
        size = len(vql) + sum(len(value.encode()) for value in env.values())
        if size > MESSAGE:
            raise ServerError(f"RESOURCE_EXHAUSTED: {size} bytes")
        self.sent.append(size)
        if "Users" in env:
            users = json.loads(env["Users"])
            self.users += [user["Name"] for user in users]
            return [{"Created": user["Name"], "Granted": True} for user in users]
        rows = json.loads(env["Artifacts"])
        if "artifact_set_metadata(" in vql:
            self.marked |= {row["Name"]: (row["Hidden"], row["Tags"]) for row in rows}
            return [{"Marked": row["Name"]} for row in rows]
        names = [row["Definition"].splitlines()[0].removeprefix("name: ") for row in rows]
        self.defined += names
        return [{"Name": "" if name in self.lost else name} for name in names]


def backup(artifacts=(), users=()):
    """``artifacts``: (name, bytes of its YAML, metadata)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        rows = []
        for name, size, metadata in artifacts:
            begin = f"name: {name}\ndescription: "
            archive.writestr(f"orgs/OACME/artifacts/{name}.yaml", begin.ljust(size, "x"))
            row = {"artifact": name, "filename": f"artifacts/{name}.yaml", "metadata": metadata}
            rows.append(json.dumps(row))
        archive.writestr("orgs/OACME/custom_artifacts.json", "\n".join(rows))
        acls = [
            json.dumps(
                {"Principal": {"name": name}, "Policy": {"roles": ["reader"], "x": "y" * 90}}
            )
            for name in users
        ]
        archive.writestr("orgs/OACME/acls.json", "\n".join(acls))
    return zipfile.ZipFile(out)


def test_all_artifacts_come_in_several_messages_and_their_tags_without_the_yaml():
    pack = [(f"Pack.A{number}", 100_000, {"tags": ["sigma"]}) for number in range(60)]
    server, findings = Server(), []
    names = set_artifacts(server, backup([*pack, ("Plain.A", 50, {})]), "OACME", findings)
    assert server.defined == [*(name for name, _, _ in pack), "Plain.A"]
    assert server.marked == {name: (False, ["sigma"]) for name, _, _ in pack}
    assert names == ["Plain.A", *(name for name, _, _ in pack)]  # those with tags last
    assert findings == []
    assert len(server.sent) == 7
    assert server.sent[-1] < 10_000


def test_an_artifact_that_no_message_holds_is_named_and_the_others_come():
    pack = [
        ("A.Small", 100, {}),
        ("B.Huge", 5_000_000, {"hidden": True}),
        ("C.Large", 3_900_000, {"hidden": True}),
    ]
    server, findings = Server(), []
    assert set_artifacts(server, backup(pack), "OACME", findings) == ["A.Small", "C.Large"]
    assert server.marked == {"C.Large": (True, [])}
    (said,) = findings
    assert said.startswith("OACME: the artifact B.Huge (5.0 MB) did not come back")


def test_one_that_the_server_refuses_is_an_error_wherever_it_is():
    pack = [(f"Pack.A{number}", 600_000, {}) for number in range(3)]
    with pytest.raises(ServerError, match="2 of 3 artifacts were accepted"):
        set_artifacts(Server(lost=["Pack.A0"]), backup(pack), "OACME", [])


def test_nothing_chosen_asks_nothing():
    server = Server()
    assert set_artifacts(server, backup([("A", 9, {})]), "OACME", [], lambda _: False) == []
    assert create_users(server, backup(), "OACME") == 0
    assert server.sent == []


def test_very_many_users_come_in_several_messages():
    users = [f"user{number}@example.com" for number in range(30_000)]
    server = Server()
    assert create_users(server, backup(users=users), "OACME") == 30_000
    assert server.users == users
    assert len(server.sent) > 3
