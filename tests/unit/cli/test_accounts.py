import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recovery.cli import app
from recovery.velociraptor.inventory import ITEMS, Inventory
from tests.unit.restore.points import STATE, Point, tar_with


@pytest.fixture
def vault(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    for name in ("RECOVERY_KEYS", "RECOVERY_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)
    point = Point(tmp_path / "vault")
    point.state = tar_with({**STATE, "acl/ann.json.db": b'{"roles": ["reader"]}'})
    point.make()
    return str(point.folder)


def run(*words):
    done = CliRunner().invoke(app, ["accounts", *words])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_first_points_accounts_are_new_and_come_back_all_the_same(vault):
    assert "1 account, 0 the same as before (there is no point before: all come back)" in (
        run("review", "--vault", vault)
    )


def test_an_approval_as_json_names_who_is_held_back(vault, tmp_path):
    out = tmp_path / "approval.json"
    words = ["approve", "--vault", vault, "--out", str(out), "--without", "ann", "--json"]
    told = json.loads(run(*words))
    assert told["file"] == str(out)
    assert (told["approved"], [row["user"] for row in told["held_back"]]) == ([], ["ann"])


def test_a_notice_is_no_part_of_the_json(vault):
    newer = Point(Path(vault))
    newer.state = tar_with({**STATE, "acl/ann.json.db": b'{"roles": ["reader"]}'})
    items = {item: {} for item in ITEMS}
    counted = {"root": {**items, "acls": {"ann": "1"}, "flows": {"C.1/F.A": "1"}}}
    newer.changes = {
        "point": "20990101T000000Z-bbbbbb",
        "archives": [],
        "parts": ["redeploy", "state"],
        "inventory": Inventory(orgs=counted),
    }
    newer.make()
    done = CliRunner().invoke(app, ["accounts", "review", "--vault", vault, "--all", "--json"])
    assert "holds no archives of collections" in done.stderr
    assert [row["user"] for row in json.loads(done.stdout)] == ["ann"]
