"""Who was locked out stays out, and who comes in by the config alone is named."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from recovery.accounts.approve import write_approval
from recovery.restore.accounts_of import accounts_of
from recovery.restore.context import Context
from recovery.restore.let_in_by_config import let_in_by_config
from recovery.restore.request import parse_request
from recovery.restore.review_accounts import review_accounts
from recovery.velociraptor.config import ServerConfig
from tests.unit.restore.points import BACKUP, CONFIG, Point, tar_with, unzipped, user_record, zip_of

LOCKED = b"\x40\x01"
"""Field 8 of a user's record (read in the server's source)."""


@pytest.fixture(autouse=True)
def own_state(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def states(mallory: bytes):
    reader = b'{"roles":["reader"]}'
    files = {"acl/ann.json.db": reader, "acl/mallory.json.db": reader}
    records = {"users/ann.db": user_record("ann"), "users/mallory.db": mallory}
    return tar_with({**files, **records})


@pytest.fixture
def point(tmp_path):
    made = Point(tmp_path / "vault")
    rows = (
        json.dumps({"Principal": {"name": name}, "Policy": {"roles": ["reader"]}})
        for name in ("ann", "Mallory")
    )
    made.backup = zip_of({**unzipped(BACKUP), "orgs/root/acls.json": "\n".join(rows).encode()})
    made.state = states(user_record("mallory") + LOCKED)
    return made


def reviewed(point, strategy, **more):
    said: list[str] = []
    request = parse_request(
        target="docker://nobody", vault=str(point.folder), strategy=strategy, **more
    )
    with Context(request, said.append) as context:
        report = review_accounts(context)
        return {name for _, name in context.allowed}, report.findings, said


@pytest.mark.parametrize("policy", ["unchanged", "all"])
def test_a_backup_does_not_bring_back_whom_the_state_beside_it_has_locked(point, policy):
    point.make()
    allowed, (finding,), _ = reviewed(point, ["backup"], accounts=policy)
    assert "ann" in allowed
    assert "Mallory" not in allowed
    assert "account held back: Mallory (" in finding
    assert "locked, which no backup keeps; reader)" in finding
    allowed, findings, _ = reviewed(point, ["state"], accounts=policy)
    assert (allowed, findings) == ({"ann", "mallory"}, [])  # the state has the lock itself


def test_the_point_before_tells_where_this_one_has_no_state(point):
    before = datetime.now(UTC) - timedelta(days=1)
    point.changes = {"point": f"{before:%Y%m%dT%H%M%SZ}-bbbbbb", "captured_at": before}
    point.make()
    point.state = states(user_record("mallory"))
    point.changes = {"state": [], "parts": ["redeploy", "backup"]}
    point.make()
    allowed = reviewed(point, ["backup"])[0]
    assert "ann" in allowed
    assert "Mallory" not in allowed


def test_who_was_unlocked_since_comes_back(point):
    before = datetime.now(UTC) - timedelta(days=1)
    point.changes = {"point": f"{before:%Y%m%dT%H%M%SZ}-bbbbbb", "captured_at": before}
    point.make()
    point.state = states(user_record("mallory"))
    point.changes = {}
    point.make()
    assert "Mallory" in reviewed(point, ["backup"], accounts="all")[0]


def test_an_approval_lets_in_and_says_that_the_lock_is_lost(point, tmp_path):
    manifest = point.make()
    request = parse_request(target="docker://nobody", vault=str(point.folder), strategy=["backup"])
    with Context(request, print) as context:
        accounts = accounts_of(context, manifest)
    file = tmp_path / "approval.json"
    write_approval(file, accounts, manifest.server.deployment)
    allowed, (finding,), _ = reviewed(point, ["backup"], accounts=str(file))
    assert "Mallory" in allowed
    assert finding.startswith("account let in")
    assert finding.endswith("Mallory: it was locked, which no backup keeps")


def with_authenticator(values) -> bytes:
    config = yaml.safe_load(CONFIG)
    config["GUI"]["authenticator"] = values
    return yaml.safe_dump(config, sort_keys=False).encode()


CERTS = {"type": "Certs", "default_roles_for_unknown_user": ["reader", "administrator"]}
SAML = {"type": "saml", "saml_user_roles": ["investigator"]}


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        (CERTS, ["as reader, administrator"]),
        (
            {"type": "Multi", "sub_authenticators": [SAML, CERTS, None]},
            ["investigator", "istrator"],
        ),
        ({"type": "Multi", "sub_authenticators": "x"}, []),
        ({"type": "Basic", "default_roles_for_unknown_user": ["reader"]}, []),
        ({"type": "Certs", "default_roles_for_unknown_user": []}, []),
        ({"type": "Certs", "saml_user_roles": ["reader"]}, []),
        ("Certs", []),
        (None, []),
    ],
)
def test_whom_the_config_lets_in_by_itself(values, ends):
    found = let_in_by_config(ServerConfig.parse(with_authenticator(values)))
    assert len(found) == len(ends)
    assert all(door.endswith(end) for door, end in zip(found, ends, strict=True))


def test_it_is_said_always_and_a_finding_where_somebody_is_held_back(point):
    point.config = with_authenticator(CERTS)
    point.make()
    _, findings, said = reviewed(point, ["state"])
    assert findings == []
    assert any("GUI.authenticator (default_roles_for_unknown_user)" in line for line in said)
    _, findings, _ = reviewed(point, ["backup"])
    assert findings[-1].endswith("as reader, administrator: those held back, too")
