"""Two inventories in, the lines of the report out."""

from hypothesis import given
from hypothesis import strategies as st

from recovery.velociraptor.inventory import ITEMS, Inventory
from recovery.velociraptor.stored_names import shortened
from recovery.verify.compare import NAMES_SHOWN, compare
from recovery.verify.expected import brought, expected_loss


def inventory(**root):
    return Inventory(orgs={"root": root})


def test_equal_servers_have_no_shortfall():
    same = inventory(clients={"C.1": "a"}, flows={"C.1/F.1": "b"})
    lines = compare(same, same, ["state", "collections"])
    assert [(line.item, line.captured, line.restored) for line in lines] == [
        ("clients", 1, 1),
        ("flows", 1, 1),
    ]
    assert not any(line.falls_short for line in lines)
    assert all(line.note == "" for line in lines)


def test_lost_changed_and_added_are_told_apart():
    captured = inventory(hunts={"H.1": "a", "H.2": "b", "H.3": "c"})
    restored = inventory(hunts={"H.1": "a", "H.2": "other", "H.4": "d"})
    (line,) = compare(captured, restored, ["state"])
    assert (line.captured, line.restored, line.lost, line.changed, line.added) == (3, 1, 1, 1, 1)
    assert line.missing == ["H.3", "H.2 (changed)"]
    assert line.unknown == ["H.4"]
    assert line.falls_short


def test_users_are_called_by_their_whole_names_whatever_their_files_are_called():
    long = "eve." * 70
    short = shortened(long)
    captured = inventory(users={long: "1"}, acls={short: "a"})
    lines = {line.item: line for line in compare(captured, inventory(users={long: "1"}), ["state"])}
    assert lines["acls"].missing == [long]
    (users, acls) = compare(captured, inventory(), ["backup"])
    assert (users.missing, acls.missing) == ([long], [long])
    assert not users.expected  # a backup has whoever has rights


def test_a_loss_that_the_strategy_tells_is_named_but_no_shortfall():
    (line,) = compare(inventory(secrets={"AWS/t": "a"}), inventory(), ["backup"])
    assert line.lost == 1
    assert line.expected
    assert not line.falls_short
    assert "no backup holds them" in line.note


def test_of_tags_a_backup_promises_those_of_custom_artifacts():
    tags = {"Custom.A": "x", "Generic.Client.Info": "y"}
    captured = inventory(artifacts={"Custom.A": "a"}, artifact_tags=tags)
    kept = inventory(artifacts={"Custom.A": "a"}, artifact_tags={"Custom.A": "x"})
    (line,) = (line for line in compare(captured, kept, ["backup"]) if line.lost)
    assert (line.item, line.missing, line.falls_short) == (
        "artifact_tags",
        ["Generic.Client.Info"],
        False,
    )
    assert "built-in" in line.note
    for restored, strategy in ((kept, ["state"]), (inventory(), ["backup"])):
        found = {line.item: line for line in compare(captured, restored, strategy)}
        assert found["artifact_tags"].falls_short


def test_of_users_a_backup_promises_those_with_rights_in_some_org():
    people = {"Ann": "x", "retired": "y"}
    captured = Inventory(orgs={"root": {"users": people}, "O1": {"acls": {"ann": "r"}}})
    kept = Inventory(orgs={"root": {"users": {"Ann": "x"}}, "O1": {"acls": {"ann": "r"}}})
    (line,) = (line for line in compare(captured, kept, ["backup"]) if line.lost)
    assert (line.item, line.missing, line.falls_short) == ("users", ["retired"], False)
    assert "may do something" in line.note
    for restored, strategy in ((kept, ["state"]), (inventory(), ["backup"])):
        found = {(line.org, line.item): line for line in compare(captured, restored, strategy)}
        assert found["root", "users"].falls_short


def test_an_expected_loss_that_did_not_happen_is_noted():
    same = inventory(secrets={"AWS/t": "a"})
    (line,) = compare(same, same, ["redeploy"])
    assert not line.expected
    assert line.note.startswith("came back whole")


def test_a_whole_org_that_is_missing_has_lost_everything():
    captured = Inventory(
        orgs={"root": {}, "O1": {"clients": {"C.1-O1": "a"}, "labels": {"x": "y"}}}
    )
    lines = compare(captured, inventory(), ["state"])
    assert [(line.org, line.item, line.lost) for line in lines] == [
        ("O1", "clients", 1),
        ("O1", "labels", 1),
    ]


def test_root_comes_first_and_items_in_the_order_of_the_report():
    both = {"flows": {"f": "1"}, "clients": {"c": "1"}}
    full = Inventory(orgs={"A": both, "root": both})
    lines = compare(full, full, ["datastore"])
    assert [(line.org, line.item) for line in lines] == [
        ("root", "clients"),
        ("root", "flows"),
        ("A", "clients"),
        ("A", "flows"),
    ]


def test_names_are_bounded_and_counts_are_not():
    captured = inventory(flows={f"C.1/F.{number:04}": "x" for number in range(1000)})
    (line,) = compare(captured, inventory(), ["collections"])
    assert line.lost == 1000
    assert line.missing == [f"C.1/F.{number:04}" for number in range(NAMES_SHOWN)]


def test_state_and_collections_promise_everything():
    assert brought(["state", "collections"]) == frozenset(ITEMS)
    assert brought(["datastore"]) == frozenset(ITEMS)


def test_the_package_alone_promises_nothing_and_says_why_for_each_item():
    assert brought(["redeploy"]) == frozenset()
    assert all(expected_loss(item, ["redeploy"]) for item in ITEMS)


def test_backup_promises_what_the_facts_grant_it():
    lost = {item for item in ITEMS if expected_loss(item, ["backup"])}
    assert lost == {
        "passwords",
        "user_options",
        "client_metadata",
        "server_metadata",
        "hunt_parameters",
        "hunt_results",
        "flows",
        "uploads",
        "client_monitoring",
        "server_monitoring",
        "secrets",
        "tools",
        "served_files",
    }


def test_archives_bring_hunts_only_where_their_artifacts_are_back():
    assert "hunt_parameters" in brought(["backup", "collections"])
    assert "hunt_parameters" not in brought(["collections"])


entries = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.sampled_from("xy"))


@given(entries, entries)
def test_every_captured_key_is_counted_exactly_once(captured, restored):
    lines = compare(inventory(users=captured), inventory(users=restored), ["state"])
    for line in lines:
        assert line.captured == line.restored + line.lost + line.changed == len(captured)
        assert line.added == len(restored.keys() - captured.keys())
    assert bool(lines) == bool(captured or restored)
