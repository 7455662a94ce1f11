"""The steps of a recovery that concern forwarding, on a running server.

(The state that brings table and secret back is captured and placed by tests of their own.)
"""

from types import SimpleNamespace

import pytest

from recovery.forwarding.kinds import receiver as to
from recovery.forwarding.turn_on import find_forwarding, get_table, turn_off, turn_on
from recovery.restore import hold_forwarding as hold
from recovery.restore.hold_forwarding import hold_forwarding
from recovery.restore.try_forwarding import try_forwarding
from recovery.target import open_target
from recovery.velociraptor.inventory import Inventory
from recovery.velociraptor.inventory_entries import server_monitoring


@pytest.fixture
def context(api, tmp_path, monkeypatch):
    """What the two steps ask of a recovery's context, on this server."""
    monkeypatch.setattr(hold, "PATH", str(tmp_path / "held.json"))
    return SimpleNamespace(
        has_point=True,
        manifest=SimpleNamespace(inventory=Inventory(orgs={})),
        target=open_target("local://"),
        api=lambda: api,
        wants=lambda _part: True,
        wants_org=lambda _org: True,
    )


@pytest.fixture
def forwarding(api, server, receiver):
    given = {"username": receiver.user, "password": receiver.password}
    on = turn_on(api, to("elastic", receiver.url, given), server.config.server_name)
    yield on
    turn_off(api, on[0].kind)


def as_captured(api, context):
    orgs = {
        org: {"server_monitoring": server_monitoring(get_table(api, org))}
        for org in ("root", "OACME")
    }
    context.manifest = SimpleNamespace(inventory=Inventory(orgs=orgs))


def test_held_through_a_kill_and_as_before_afterwards(api, context, forwarding, receiver):
    as_captured(api, context)
    tables = {org: get_table(api, org) for org in ("root", "OACME")}

    assert "held in 2 orgs" in hold_forwarding(context).detail
    assert find_forwarding(api) == []
    assert hold_forwarding(context).skipped, "as after a kill: held already"
    report = try_forwarding(context)

    assert report.findings == []
    assert "2 of 2 test events" in report.detail
    assert {org: get_table(api, org) for org in tables} == tables
    assert receiver.messages() == ["recovery: a test event"] * 2


def test_what_was_held_is_on_again_though_the_point_knows_of_none(api, context, forwarding):
    """Exports out of a folder, added to a server that serves: it forwarded nothing from then on."""
    tables = {org: get_table(api, org) for org in ("root", "OACME")}
    hold_forwarding(context)
    report = try_forwarding(context)
    assert report.detail == "on again in 2 orgs, as before the archives"
    assert not report.skipped
    assert {org: get_table(api, org) for org in tables} == tables


def test_what_was_on_and_is_off_is_a_finding(api, context, forwarding):
    as_captured(api, context)
    turn_off(api, forwarding[0].kind)
    report = try_forwarding(context)
    assert [finding.split(":")[0] for finding in report.findings] == ["root", "OACME"]
    assert "recovery configure" in report.findings[0]


def test_where_nothing_was_forwarded_nothing_is_sent(context, receiver):
    assert try_forwarding(context).skipped
    assert hold_forwarding(context).skipped
    assert receiver.documents == []
