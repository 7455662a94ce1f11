"""The state placed again by another policy of accounts, after an attempt that was cut off."""

import io
import json
import tarfile

import yaml

from recovery.commands import Result
from recovery.restore.context import Context
from recovery.restore.journal import Journal
from recovery.restore.ledger import Ledger
from recovery.restore.place_state import place_state
from recovery.restore.request import parse_request
from recovery.velociraptor.inventory import Inventory
from tests.unit.restore.points import CONFIG, Point, tar_with, user_record
from tests.unit.restore.test_journal import Machine

READER = json.dumps({"roles": ["reader"]}).encode()
STATE = {
    f"{folder}/{name}{end}": content
    for name in ("ann", "eve")
    for folder, end, content in (
        ("acl", ".json.db", READER),
        ("users", ".db", user_record(name)),
    )
}


class Placing(Machine):
    """What is unpacked there, and what is taken away."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.unpacked = self.removed = b""
        self.folders = {}

    def run(self, argv, *, stdin=None, **more):
        if argv[0] == "systemctl":
            return Result(tuple(argv), 3, b"", b"")  # nothing runs there
        if argv[3:4] == ["place"]:
            self.unpacked, stdin = stdin.read(), None
            with tarfile.open(fileobj=io.BytesIO(self.unpacked)) as tar:
                self.folders[argv[4]] = set(tar.getnames())
        elif argv[3:4] == ["remove"]:
            self.removed, stdin = stdin, None
        return super().run(argv, stdin=stdin, **more)


def test_whom_a_cut_off_attempt_let_in_and_this_one_does_not_is_taken_away_again(tmp_path):
    point = Point(tmp_path / "vault")
    point.state = tar_with(STATE)
    made = point.make()
    noted = {"point": made.point, "step": "accounts", "anew": True}
    noted["accounts"] = [["root", "ann"], ["root", "eve"]]
    machine = Placing(json.dumps(noted) + "\n")
    request = parse_request(
        target="simulated://", vault=str(point.folder), point=made.point, strategy=["state"]
    )
    with Context(request, lambda _line: None) as context:
        context.__dict__["target"] = machine
        context.allowed = {("root", "ann")}
        place_state(context)
    assert b"acl/ann.json.db" in machine.unpacked
    assert b"eve" not in machine.unpacked
    assert set(machine.removed.split(b"\0")) == {b"acl/eve.json.db", b"users/eve.db"}
    assert Journal(machine, made.point).accounts == {("root", "ann")}


def test_imported_clients_that_the_states_list_has_not_got_are_named(tmp_path):
    """Archives of another point came first, whose list of clients goes."""
    point = Point(tmp_path / "vault")
    point.state = tar_with(STATE)
    made = point.make()
    keys = ("org", "client", "flow", "state")
    imported = [("root", client, "F.1", "done") for client in ("C.1", "C.2", "server")]
    ledger = Machine("".join(json.dumps(dict(zip(keys, one, strict=True))) for one in imported))
    ledger.text = ledger.text.replace("}{", "}\n{") + "\n"
    request = parse_request(
        target="simulated://", vault=str(point.folder), point=made.point, strategy=["state"]
    )
    with Context(request, lambda _line: None) as context:
        context.__dict__["target"] = Placing("")
        context.__dict__["ledger"] = Ledger(ledger)
        known = Inventory(orgs={"root": {"clients": {"C.1": "x"}}})
        context.__dict__["manifest"] = made.model_copy(update={"inventory": known})
        findings = place_state(context).findings
    assert [line.split(":")[1].split()[0] for line in findings] == ["C.2"]


def test_records_and_files_each_go_to_their_folder(tmp_path):
    values = yaml.safe_load(CONFIG)
    values["Datastore"] |= {"location": "/srv/records", "filestore_directory": "/srv/files"}
    point = Point(tmp_path / "vault")
    point.config = yaml.safe_dump(values).encode()
    files = {"artifact_definitions/Custom/A.yaml": b"name: Custom.A\n"}
    point.state = tar_with({**STATE, **files})
    made = point.make()
    request = parse_request(
        target="simulated://", vault=str(point.folder), point=made.point, strategy=["state"]
    )
    with Context(request, lambda _line: None) as context:
        context.__dict__["target"] = machine = Placing("")
        place_state(context)
    assert machine.folders == {"/srv/records": {*STATE}, "/srv/files": {*files}}
