"""A capture after another one asks the server only of what changed, and misses nothing of it."""

import shutil
import time

import pytest

from recovery.capture import list_flows
from recovery.target import open_target
from recovery.velociraptor import inventory_entries as entries
from recovery.velociraptor.api import open_api
from recovery.velociraptor.take_inventory import count_uploads, take_inventory

from .conftest import ask, until

pytestmark = pytest.mark.slow

COLLECT = (
    'SELECT collect_client(client_id=C, artifacts="Custom.Test.Rows", env=dict()).flow_id AS Flow '
    "FROM scope()"
)
STATE = "SELECT state FROM flows(client_id=C, flow_id=F)"
DELETE = "SELECT * FROM delete_flow(client_id=C, flow_id=F, really_do_it=TRUE, sync=TRUE)"
SETTLED = 3.5  # two seconds after a change by a clock of whole seconds, and a little
"""Seconds after which a file's stamp counts (recovery.capture.flow_stamps)."""


@pytest.fixture(autouse=True)
def own_state_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def asked(monkeypatch):
    """The flows, ``client/flow``, that the server was asked for one by one."""
    keys = []
    real = list_flows.ask_flows

    def watched(api, org, wanted):
        keys.extend(wanted)
        return real(api, org, wanted)

    monkeypatch.setattr(list_flows, "ask_flows", watched)
    return keys


def collect(server):
    (row,) = server.query(COLLECT, C=server.client)
    return row["Flow"]


def finished(server, flow):
    rows = ask(server, STATE, C=server.client, F=flow)
    return rows and rows[0]["state"] == "FINISHED"


def archives(manifest):
    return {archive.flow_id: archive for archive in manifest.archives if archive.kind == "flow"}


def test_only_what_changed_is_asked_for_and_nothing_is_missed(server, tmp_path, asked):
    deleted = collect(server)
    until(lambda: finished(server, deleted))
    server.pause_clients()
    try:
        late = collect(server)
        time.sleep(SETTLED)
        first = server.capture(tmp_path / "vault")
        assert asked == [f"{server.client}/{late}"]  # once more before its export
        asked.clear()
        again = server.capture(tmp_path / "vault")
        assert set(asked) == {f"{server.client}/{late}"}
        assert again.inventory == first.inventory
        assert [late in gap for gap in again.gaps] == [True]
        assert archives(again) == archives(first)
    finally:
        server.pause_clients(go_on=True)
    until(lambda: finished(server, late))
    server.query(DELETE, C=server.client, F=deleted)
    new = collect(server)
    until(lambda: finished(server, new))
    asked.clear()
    third = server.capture(tmp_path / "vault")
    assert third.gaps == []
    assert set(asked) == {f"{server.client}/{flow}" for flow in (late, deleted, new)}
    before, now = archives(first), archives(third)
    assert before.keys() - now.keys() == {deleted}
    assert now.keys() - before.keys() == {new}
    assert (before[late].rows, now[late].rows, now[new].rows) == (0, 7, 7)
    assert third.inventory == with_all_flows(server, third, new)


def with_all_flows(server, manifest, new):
    """The inventory now. A real server's list of a client's flows lacks most of them for up to
    ten minutes after one was deleted; asked for one by one they are all there."""
    target = open_target("local://")
    with open_api(target, server.config) as api:
        now = take_inventory(api, target, server.config)
        flows = list(manifest.inventory.orgs["root"]["flows"])
        rows = list_flows.ask_flows(api, "root", flows)
        uploads = count_uploads(api, "root", rows)
    items = now.orgs["root"]
    assert f"{server.client}/{new}" in items["flows"]
    items |= {
        "flows": items["flows"] | entries.flows(rows),
        "uploads": items["uploads"] | uploads,
    }
    return now


def test_flows_of_a_client_that_the_list_lacks_are_a_gap(server, tmp_path):
    known = server.datastore / "clients" / server.client / "collections"
    lost = server.datastore / "clients" / "C.00000000000000ff"
    record = next(known.glob("F.*.json.db"))
    (lost / "collections").mkdir(parents=True)
    shutil.copy(record, lost / "collections")
    try:
        (gap,) = server.capture(tmp_path / "vault").gaps
        assert "1 flow of 1 client" in gap
        assert f"{lost.name}/{record.name.removesuffix('.json.db')}" in gap
    finally:
        shutil.rmtree(lost)
