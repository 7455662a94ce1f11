"""Whom a config makes an administrator at the first start: held back like everybody else."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from recovery.restore.context import Context
from recovery.restore.initial_users import held_initial_users, tells_time, without_users
from recovery.restore.request import parse_request
from recovery.velociraptor.config_edit import set_list
from tests.unit.restore.points import BACKUP, CONFIG, STATE, Point, tar_with, unzipped, zip_of

INSTALLED = {"config/install_time.json.db": b'{"installTime":"1"}'}


@pytest.fixture(autouse=True)
def own_state(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def config_of(*names):
    values = yaml.safe_load(CONFIG)
    values["GUI"]["initial_users"] = [{"name": name, "password_hash": "00"} for name in names]
    return yaml.safe_dump(values, sort_keys=False).encode()


def backup_of(**roles):
    rows = [
        json.dumps({"Principal": {"name": name}, "Policy": {"roles": [role]}})
        for name, role in roles.items()
    ]
    return zip_of({**unzipped(BACKUP), "orgs/root/acls.json": "\n".join(rows).encode()})


def held(point, strategy, **more):
    request = parse_request(
        target="docker://nobody", vault=str(point.folder), strategy=strategy, **more
    )
    with Context(request, lambda _line: None) as context:
        return held_initial_users(context)


@pytest.fixture
def point(tmp_path):
    made = Point(tmp_path / "vault")
    made.config = config_of("ann", "mallory")
    return made


def test_with_a_backup_only_whom_it_knows_as_administrators(point):
    point.backup = backup_of(Ann="administrator", mallory="reader")
    point.make()
    assert held(point, ["backup"]) == ["mallory"]
    assert held(point, ["backup"], accounts="known") == ["ann", "mallory"]
    assert held(point, ["backup"], users=["mallory*", "Ann"]) == ["mallory"]


def test_with_a_backup_that_knows_nobody_as_with_the_package_alone(point):
    members = unzipped(BACKUP)
    del members["orgs/root/acls.json"]
    point.backup = zip_of(members)
    point.make()
    assert held(point, ["backup"]) == []
    assert held(point, ["backup"], accounts="known") == ["ann", "mallory"]


def test_with_a_state_nobody_where_its_server_was_started_before(point):
    point.state = tar_with({**STATE, "acl/ann.json.db": b'{"execve":true}'})
    point.make()
    assert held(point, ["state"]) == ["mallory"]
    point.state = tar_with({**STATE, **INSTALLED, "acl/ann.json.db": b'{"execve":true}'})
    point.changes = {"point": "20300101T000000Z-bbbbbb"}
    point.make()
    assert held(point, ["state"]) == []


def test_a_state_without_a_time_of_its_first_start_counts_as_none(point):
    admin = {"acl/ann.json.db": b'{"execve":true}'}
    empty = {"config/install_time.db": b""}
    for number, record in enumerate([dict.fromkeys(INSTALLED, b"{}"), INSTALLED | empty]):
        point.state = tar_with({**STATE, **admin, **record})
        point.changes = {"point": f"20300101T00000{number}Z-bbbbbb"}
        point.make()
        assert held(point, ["state"]) == ["mallory"]


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (b'{"installTime":"1790000000"}', True),
        (b'{"install_time":1790000000}', True),
        (b"\x08\x80\xd8\xc5\xd5\x06", True),
        (b"{}", False),
        (b'{"installTime":"0"}', False),
        (b'{"installTime":"1790000000"', False),
        (b'{"installTime":true}', False),
        (b"\x08\x01\x08\x00", False),
        (b"\x10\x01", False),
        (b"", False),
    ],
)
def test_a_first_start_is_told_by_its_time(record, told):
    assert tells_time(record) is told


def test_with_the_package_alone_whom_the_config_before_has_not(point):
    old = Point(point.folder)
    old.config = config_of("ann")
    before = datetime.now(UTC) - timedelta(days=2)
    old.changes = {"point": f"{before:%Y%m%dT%H%M%SZ}-000000", "captured_at": before}
    old.make()
    point.make()
    assert held(point, ["redeploy"]) == ["mallory"]
    assert held(point, ["redeploy"], accounts="all") == []


def test_with_the_package_alone_and_no_point_before_it_is_as_captured(point):
    point.make()
    assert held(point, ["redeploy"]) == []
    assert held(point, ["redeploy"], accounts="known") == ["ann", "mallory"]


def test_they_go_and_every_other_byte_stays():
    text = without_users(CONFIG, ["admin"]).decode()
    assert text == CONFIG.decode().replace(
        "  initial_users:\n  - name: admin\n", "  initial_users: []\n"
    )
    assert without_users(CONFIG, []) == CONFIG


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("A:\n  u: [{name: a}]\n  x: 1\n", 'A:\n  u: [{"name": "b"}]\n  x: 1\n'),
        (
            "A:\n  x: 1\n  u:\n    - name: a\n\n# end\nB: 1\n",
            'A:\n  x: 1\n  u: [{"name": "b"}]\nB: 1\n',
        ),
        ('A:\n  "u":\n  - name: a', 'A:\n  "u": [{"name": "b"}]'),
    ],
)
def test_a_list_is_replaced_in_any_form(text, after):
    assert set_list(text, ("A", "u"), [{"name": "b"}]) == after
