"""What an operator wants back: files, archives and expectations agree with each other."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from recovery.accounts.read_accounts import Account
from recovery.restore import promise
from recovery.restore.choice import Choice
from recovery.restore.narrow import narrowed, narrowed_to
from recovery.restore.promise import without_held
from recovery.restore.request import parse_request
from recovery.vault.manifest import Archive, FlowRecord, Manifest
from recovery.velociraptor.inventory import Inventory
from tests.unit.restore.points import Point

NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
LONG = 45 * "ü"
LONG_ON_DISK = "#23dd5e779e211c10bc5333d925c8233f746b0653"
OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("choice", "path", "wanted"),
    [
        ({}, "orgs/OACME/acl/x.json.db", True),
        ({"orgs": ["OACME"]}, "orgs/OACME.json.db", True),
        ({"orgs": ["OACME"]}, "orgs/OTHER.json.db", False),
        ({"orgs": ["OACME"]}, "orgs/OTHER/acl/x.json.db", False),
        ({"orgs": ["OACME"]}, "acl/x.json.db", True),
        ({"providers": ["hunts"]}, "users/ann.db", False),
        ({"providers": ["hunts"]}, "hunts/H.A1.json.db", True),
        ({"providers": ["hunts"]}, "hunt_index/x", True),
        ({"providers": ["hunts"]}, "orgs/OACME/hunts/H.A1/request.json.db", True),
        ({"providers": ["hunts"]}, "config/install_time.json.db", True),
        ({"providers": ["hunts"]}, "config/client_monitoring.json.db", False),
        ({"providers": ["monitoring"]}, "config/server_monitoring.json.db", True),
        ({"providers": ["clients"]}, "clients/C.1/key.db", True),
        ({"providers": ["clients"]}, "client_info/snapshot.json", True),
        ({"providers": ["clients"]}, "clients/server/metadata.json.db", False),
        ({"providers": ["metadata"]}, "clients/server/metadata.json.db", True),
        ({"providers": ["secrets"]}, "config/secrets/AWS/x.json.db", True),
        ({"hunts": ["H.A1"]}, "hunts/H.A1.json.db", True),
        ({"hunts": ["H.A1"]}, "hunts/H.B2.json.db", False),
        ({"hunts": ["H.A1"]}, "hunts/H.B2/request.json.db", False),
        ({"artifacts": ["Custom.A*"]}, "artifact_definitions/Custom/Abc.yaml", True),
        ({"artifacts": ["Custom.A*"]}, "artifact_definitions/Custom/B.yaml", False),
    ],
)
def test_files(choice, path, wanted):
    assert Choice(**choice).file(path) is wanted


def test_a_user_whose_name_is_shortened_on_the_disk_is_chosen_by_the_whole_name():
    chosen = Choice(users=[LONG])
    assert chosen.user(LONG)
    assert chosen.user(LONG_ON_DISK)
    assert not chosen.user("ann")
    assert not Choice(users=["ann"]).user(LONG_ON_DISK)


@pytest.mark.parametrize(
    ("choice", "flow", "active", "wanted"),
    [
        ({}, "F.1", OCTOBER, True),
        ({"flows_since": NOVEMBER}, "F.1", OCTOBER, False),
        ({"flows_since": NOVEMBER}, "F.1", NOVEMBER, True),
        ({"flows_until": OCTOBER}, "F.1", NOVEMBER, False),
        ({"flows_since": NOVEMBER}, "F.1", None, True),
        ({"providers": ["hunts"]}, "F.1", None, False),
        ({"providers": ["hunts"]}, "F.A1.H", None, True),
        ({"hunts": ["H.A1"]}, "F.B2.H", None, False),
        ({"hunts": ["H.A1"]}, "F.A1.H", None, True),
        ({"hunts": ["H.A1"], "providers": ["flows"]}, "F.A1.H", None, False),
        ({"hunts": ["H.A1"]}, "F.1", None, True),
        ({"providers": ["users"]}, "F.1", None, False),
    ],
)
def test_flows(choice, flow, active, wanted):
    assert Choice(**choice).flow(flow, active) is wanted


def test_a_user_with_rights_only_in_an_org_left_out_is_left_out_with_it(tmp_path):
    people = {"Ann": "1", "bob": "2", "carl": "3", "retired": "4"}
    made = Point(tmp_path / "vault").make()
    orgs = {
        "root": {"users": people, "passwords": people, "acls": {"carl": "1"}},
        "OACME": {"acls": {"ann": "1", "carl": "1"}},
        "OACME2": {"acls": {"bob": "1", "carl": "1"}},
    }
    manifest = made.model_copy(update={"inventory": Inventory(orgs=orgs)})
    found, left = narrowed(manifest, Choice(orgs=["OACME"]))
    assert set(found.orgs["root"]["users"]) == {"Ann", "carl", "retired"}
    assert set(found.orgs["root"]["passwords"]) == {"Ann", "carl", "retired"}
    assert left == {"users": 1, "passwords": 1, "acls": 2}


def test_a_flow_without_an_archive_of_its_own_is_left_out_by_the_time_of_its_record(tmp_path):
    """Those that only hunts' exports hold were imported by their times, and held to none."""
    micros = round(OCTOBER.timestamp() * 1e6)
    items = {"flows": {"C.1/F.A1.H": "1", "C.2/F.A1.H": "2"}}
    items["hunt_results"] = {f"H.A1/{key}": "1" for key in items["flows"]}
    record = FlowRecord("", "", "", micros, 0, 0, [], "")
    manifest = Point(tmp_path / "vault").make()
    manifest = manifest.model_copy(
        update={
            "inventory": Inventory(orgs={"root": items}),
            "archives": [],
            "flow_records": {"root": {"C.1/F.A1.H": record}},
        }
    )
    found, left = narrowed(manifest, Choice(flows_since=NOVEMBER))
    assert found.orgs["root"]["flows"] == {"C.2/F.A1.H": "2"}
    assert found.orgs["root"]["hunt_results"] == {"H.A1/C.2/F.A1.H": "1"}
    assert left == {"flows": 1, "hunt_results": 1}
    assert narrowed(manifest, Choice(flows_until=NOVEMBER))[1] == {}
    # The first run left it out, a later one with a wider choice brought it.
    first, wider = Choice(flows_since=NOVEMBER), Choice()
    assert narrowed_to(manifest, first, [first])[1] == {"flows": 1, "hunt_results": 1}
    assert narrowed_to(manifest, first, [first, wider]) == (manifest.inventory, {})


def test_what_is_left_out_is_counted_and_not_promised(tmp_path):
    point = Point(tmp_path / "vault")
    made = point.make()
    items = {
        "orgs": {"root": "1", "OACME": "2"},
        "acls": {"ann": "1", "bob": "2"},
        "users": {"ann": "1", "bob": "2"},
        "hunts": {"H.A1": "1", "H.B2": "2"},
        "hunt_results": {"H.A1/C.1/F.A1.H": "1", "H.B2/C.1/F.B2.H": "2"},
        "flows": {"C.1/F.A1.H": "1", "C.1/F.B2.H": "2", "C.1/F.1": "3"},
        "uploads": {"C.1/F.1/a/b": "3"},
        "labels": {"C.1/x": "1"},
    }
    old = Archive(
        kind="flow",
        org="root",
        file=made.config,
        client_id="C.1",
        flow_id="F.1",
        active_at=OCTOBER,
    )
    manifest = made.model_copy(
        update={
            "inventory": Inventory(orgs={"root": items, "OACME": {"labels": {"C.2/y": "1"}}}),
            "archives": [old],
        }
    )
    whole, left = narrowed(manifest, Choice())
    assert (whole, left) == (manifest.inventory, {})
    chosen = Choice(orgs=["root"], users=["ann"], hunts=["H.A1"], flows_since=NOVEMBER)
    found, left = narrowed(manifest, chosen)
    assert found.orgs == {
        "root": {
            "orgs": {"root": "1"},
            "acls": {"ann": "1"},
            "users": {"ann": "1"},
            "hunts": {"H.A1": "1"},
            "hunt_results": {"H.A1/C.1/F.A1.H": "1"},
            "flows": {"C.1/F.A1.H": "1"},
            "uploads": {},
            "labels": {"C.1/x": "1"},
        }
    }
    assert left == {
        "orgs": 1,
        "acls": 1,
        "users": 1,
        "hunts": 1,
        "hunt_results": 1,
        "flows": 2,
        "uploads": 1,
        "labels": 1,
    }


def test_held_back_accounts_are_not_promised():
    inventory = Inventory(
        orgs={
            "root": {
                "users": {"ann": "1", "eve": "2", "nobody": "3"},
                "passwords": {"ann": "1", "eve": "2"},
                "acls": {"ann": "1", "eve": "2"},
            },
            "O1": {"acls": {"ann": "3"}},
        }
    )
    found = without_held(inventory, {("root", "ann")})
    assert found.orgs == {
        "root": {
            "users": {"ann": "1", "nobody": "3"},
            "passwords": {"ann": "1"},
            "acls": {"ann": "1"},
        },
        "O1": {"acls": {}},
    }


class Noted:
    """A machine's journal that says who was let in, and what was wanted."""

    def __init__(self, accounts=None, **wanted):
        self.accounts = accounts
        self._wanted = wanted

    def wanted(self, steps):
        return self._wanted.get("placed" if "place the state" in steps else "imported", [])


def held_to(journal, **more):
    items = {
        "root": {
            "orgs": {"root": "1", "O1": "2"},
            "labels": {"C.1/x": "1"},
            "flows": {"C.1/F.A1.H": "1", "C.1/F.1": "2", "C.1/F.B2.H": "3"},
            "uploads": {"C.1/F.1/a": "1"},
        },
        "O1": {"labels": {"C.2-O1/y": "1"}, "flows": {"C.2-O1/F.2": "1"}},
    }
    manifest = Manifest.model_construct(inventory=Inventory(orgs=items), archives=[])
    context = SimpleNamespace(manifest=manifest, journal=journal)
    found, _, left = promise.promised_to(context, "", **more)
    return found.inventory.orgs, left


def test_a_server_is_held_to_what_its_recovery_was_asked_for():
    everything, left = held_to(Noted())
    assert left == {}
    partial = Noted(placed=[{"orgs": ["root"]}], imported=[{"orgs": ["root"]}])
    found, left = held_to(partial)
    assert list(found) == ["root"]
    assert found["root"] == everything["root"] | {"orgs": {"root": "1"}}
    assert left == {"orgs": 1, "labels": 1, "flows": 1}
    assert held_to(partial, everything=True) == (everything, {})


def test_archives_of_every_import_are_promised_and_the_rest_as_it_was_placed():
    only = {"orgs": ["root"], "hunts": ["H.A1"], "providers": ["hunts"]}
    more = only | {"hunts": ["H.B2"]}
    found, left = held_to(Noted(placed=[only], imported=[only, more]))
    assert found["root"] == {
        "orgs": {"root": "1"},
        "labels": {},
        "flows": {"C.1/F.A1.H": "1", "C.1/F.B2.H": "3"},
        "uploads": {},
    }
    assert left == {"orgs": 1, "labels": 2, "flows": 2, "uploads": 1}


@pytest.mark.parametrize(
    ("policy", "journal", "held"),
    [
        ("", None, []),
        ("", {("root", "ann")}, ["eve in O1: reader", "eve: administrator"]),
        ("all", {("root", "ann")}, []),
        ("known", None, ["ann: reader", "eve in O1: reader", "eve: administrator"]),
    ],
)
def test_a_server_is_held_to_whom_its_recovery_let_in_or_to_a_policy(
    monkeypatch, policy, journal, held
):
    accounts = [
        Account("root", "ann", {"roles": ["reader"]}),
        Account("root", "eve", {"roles": ["administrator"]}),
        Account("O1", "eve", {"roles": ["reader"]}),
    ]
    everybody = {account.key for account in accounts}
    by_policy = {"all": everybody, "known": set(), "": everybody}
    monkeypatch.setattr(promise, "accounts_of", lambda *_: accounts)
    monkeypatch.setattr(promise, "allowed_accounts", lambda _: by_policy[policy])
    inventory = Inventory(orgs={"root": {"acls": {"ann": "1", "eve": "2"}}, "O1": {}})
    manifest = Manifest.model_construct(inventory=inventory)
    context = SimpleNamespace(manifest=manifest, journal=Noted(journal))
    found, shown, left = promise.promised_to(context, policy)
    assert (shown, left) == (held, {})
    rights = found.inventory.orgs["root"]["acls"]
    assert set(rights) == {"ann", "eve"} - {name.split(":")[0] for name in held}


def test_velociraptors_own_names_and_times_without_a_zone_are_understood():
    request = parse_request(
        target="local://",
        providers=["ACL", "Repository", "clientinfo", "flows"],
        flows_since="2026-11-01",
    )
    assert request.providers == ["users", "artifacts", "clients", "flows"]
    assert request.flows_since == NOVEMBER
    assert request.choice.flows_since == NOVEMBER


def test_another_choice_is_another_word():
    def asked(**more):
        return parse_request(target="local://", **more).asked_for

    assert asked() == asked(strategy=["state"])
    assert asked() != asked(strategy=["backup", "collections"])
    assert asked() != asked(orgs=["O1"])
    assert asked() == asked(accounts="known") == asked(users=["ann"])  # let in later, too
