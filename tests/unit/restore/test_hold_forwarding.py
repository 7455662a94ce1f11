"""What is forwarded is as before after an import, also where that was cut off in between."""

import json
from types import SimpleNamespace

import pytest

from recovery.commands import Result
from recovery.forwarding.kinds import KINDS
from recovery.forwarding.turn_on import table_with
from recovery.restore import hold_forwarding as module
from recovery.restore.hold_forwarding import hold_forwarding, release_forwarding

ELASTIC, SPLUNK = (kind.artifact for kind in KINDS.values())


def table(*artifacts, **parameters):
    made = {"artifacts": [], "specs": []}
    for name in artifacts:
        made = table_with(made, name, {"url": parameters.get(name.split(".")[0], "old")})
    return made


@pytest.fixture
def scene(monkeypatch):
    """A server with its tables, and the file that its machine keeps meanwhile."""
    tables, kept = {"root": table("Own.A", ELASTIC, SPLUNK, "Own.B"), "OX": table("Own.A")}, {}

    def run(argv, **_):
        if argv[0] == "rm":
            kept.clear()
        return Result(tuple(argv), 0, kept.get("file", b""), b"")

    monkeypatch.setattr(module, "get_table", lambda _api, org: json.loads(json.dumps(tables[org])))
    monkeypatch.setattr(module, "set_table", lambda _api, made, org: tables.update({org: made}))
    monkeypatch.setattr(module, "orgs_of", lambda _api: list(tables))
    monkeypatch.setattr(
        module,
        "find_forwarding",
        lambda _api: [
            SimpleNamespace(org=org, kind=kind)
            for org, held in tables.items()
            for kind in KINDS.values()
            if kind.artifact in held["artifacts"]
        ],
    )
    target = SimpleNamespace(run=run, put=lambda raw, _path, **_: kept.update(file=raw))
    context = SimpleNamespace(wants=lambda _part: True, api=lambda: None, target=target)
    return SimpleNamespace(tables=tables, kept=kept, context=context)


def test_the_tables_are_the_very_same_afterwards(scene):
    before = json.loads(json.dumps(scene.tables))
    hold_forwarding(scene.context)
    assert scene.tables["root"] == table("Own.A", "Own.B")
    assert release_forwarding(scene.context) == 1
    assert scene.tables == before
    assert not scene.kept


def test_cut_off_between_two_receivers_both_come_back(scene, monkeypatch):
    put, left = module.set_table, [None]

    def once(*given):
        left.pop()
        put(*given)

    monkeypatch.setattr(module, "set_table", once)
    with pytest.raises(IndexError):
        hold_forwarding(scene.context)
    assert scene.tables["root"] == table("Own.A", SPLUNK, "Own.B")
    monkeypatch.setattr(module, "set_table", put)
    hold_forwarding(scene.context)
    release_forwarding(scene.context)
    assert sorted(scene.tables["root"]["artifacts"]) == sorted(["Own.A", ELASTIC, SPLUNK, "Own.B"])
    assert len(scene.tables["root"]["specs"]) == 4


def test_what_was_changed_since_a_cut_off_run_stays(scene):
    hold_forwarding(scene.context)
    scene.tables["root"] = table("Own.C", ELASTIC, Elastic="new")  # by hand, months later
    hold_forwarding(scene.context)
    assert scene.tables["root"] == table("Own.C")
    scene.tables["root"] = table("Own.C", "Own.D")  # by hand, during the import
    release_forwarding(scene.context)
    assert scene.tables["root"] == table("Own.C", "Own.D", ELASTIC, SPLUNK, Elastic="new")
