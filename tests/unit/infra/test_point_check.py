"""A recovery point that isn't there, or will not do, is refused before a machine is made."""

import shutil

import pytest

from recovery.errors import RecoveryError
from recovery.infra.engine_events import as_error
from recovery.infra.point_check import PointCheckProvider
from recovery.infra.recovery_steps import restore_request
from recovery.settings import parse_settings
from tests.unit.restore.points import Point

PROVIDER = PointCheckProvider()


def asked(made, /, **settings) -> dict:
    return {"request": restore_request(parse_settings({"vault": str(made.folder), **settings}))}


@pytest.fixture
def point(tmp_path):
    return Point(tmp_path / "vault")


def refusals(props, olds=None) -> list[str]:
    return [failure.reason for failure in PROVIDER.check(olds or {}, props).failures]


def test_a_good_one_passes_by_name_and_as_the_newest(point):
    manifest = point.make()
    assert refusals(asked(point)) == refusals(asked(point, point=manifest.point)) == []
    seen = PROVIDER.check({}, asked(point)).inputs
    shutil.rmtree(point.folder)  # looked at once: it is not asked again to make the resource
    assert PROVIDER.create(seen).outs["read"] is True


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"point": "20260101T000000Z-abcdef"}, "no recovery point '20260101T000000Z-abcdef'"),
        ({"deployment": "0" * 64}, "no recovery point of deployment"),
        ({"strategy": "datastore"}, "holds no complete copy"),
        ({"orgs": "ONONE"}, "holds nothing named 'ONONE'"),
    ],
)
def test_what_will_not_do_is_refused_with_what_to_do(point, settings, said):
    point.make()
    (reason,) = refusals(asked(point, **settings))
    assert said in reason
    assert "\n  next: " in reason
    error = as_error([f"dynamic/x:PointCheck resource 'point' has a problem: {reason}"], "s", "")
    assert (error.message + "\n  next: " + error.hint) == reason


def test_one_that_is_not_whole_is_refused(point):
    manifest = point.make()
    point.stored(manifest.state[0].tar).unlink()
    assert "state root.tar isn't in the vault" in refusals(asked(point, point=manifest.point))[0]
    assert "none of 1 readable recovery points is whole" in refusals(asked(point))[0]


def test_what_a_stack_was_recovered_from_may_leave_the_vault_and_the_vault_its_place(point):
    manifest = point.make()
    before = PROVIDER.check({}, asked(point, point=manifest.point)).inputs
    shutil.rmtree(point.folder)
    moved = asked(point, point=manifest.point, vault="/moved", readyTimeout="300")
    assert refusals(moved, before) == []
    assert not PROVIDER.diff("point", before, moved).changes
    other = asked(point, point="20260101T000000Z-abcdef")
    assert PROVIDER.diff("point", before, other).changes
    assert refusals(other, before)


def test_a_vault_that_is_out_of_reach_refuses_no_preview_but_an_update(point, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "")
    away = asked(point, vault="s3://b/p?endpoint=http://127.0.0.1:1&region=x")
    checked = PROVIDER.check({}, away)
    assert checked.failures == []
    with pytest.raises(RecoveryError, match="credentials"):
        PROVIDER.create(checked.inputs)
