import io
import json
import tarfile

import pytest

from recovery.errors import BadInputError, NoPointError
from recovery.vault.diff_points import Change, add_roles, diff_points, quiet_counts
from recovery.vault.keys import VaultKeys
from recovery.vault.manifest import NamedFiles, OrgState
from recovery.vault.shelf_vault import ShelfVault
from recovery.vault.verify_points import last_verified, parse_sample, verify_points
from recovery.velociraptor.inventory import Inventory
from recovery.velociraptor.stored_names import shortened


def check(vault, names=(), share=1.0):
    said = []
    fresh = ShelfVault(vault.shelf, vault.keys)
    return verify_points(fresh, names, share, said.append, seed=1), said


def test_a_whole_vault_is_verified(any_vault, store_point):
    store_point(any_vault, 0, "a", "b")
    store_point(any_vault, 5, "b", "c")
    assert last_verified(any_vault.uri) == {}
    found, said = check(any_vault)
    assert (found.points, found.present, found.opened, found.damaged) == (2, 5, 5, [])
    assert found.whole
    assert "5/5 objects" in said[-1]
    assert last_verified(any_vault.uri)["whole"] is True


def test_a_sample_always_has_what_a_recovery_can_not_do_without(any_vault, store_point):
    store_point(any_vault, 0, *(str(number) for number in range(100)))
    found, _ = check(any_vault, share=0.05)
    assert (found.present, found.opened) == (102, 2 + 5)


def test_every_damage_is_named(any_vault, store_point, tmp_path):
    manifest = store_point(any_vault, 0, "a", "b")
    good = store_point(any_vault, 5, "c")
    vault = ShelfVault(any_vault.shelf, any_vault.keys)
    vault.points()
    (path,) = vault.object_names(manifest.archives[0].file)
    file = any_vault.shelf._folder / path
    raw = bytearray(file.read_bytes())
    raw[-1] ^= 1
    file.write_bytes(bytes(raw))
    any_vault.shelf.remove(vault.object_names(manifest.archives[1].file)[0])
    found, _ = check(any_vault)
    assert sorted({line.split()[0] for line in found.damaged}) == ["thing", "thing:"]
    assert len(found.damaged) == 3  # one is missing both by size and by content
    assert not found.whole
    assert check(any_vault, [good.point])[0].whole


def test_an_unreadable_manifest_is_damage(any_vault, store_point):
    manifest = store_point(any_vault, 0)
    any_vault.shelf.write(f"points/{manifest.point}.json", [b"{}"])
    found, _ = check(any_vault)
    assert manifest.point in found.damaged[0]


def test_what_could_not_be_opened_is_not_verified(vault, store_point, keys):
    store_point(vault, 0, "a")
    capturing = VaultKeys(recipients=keys.recipients, catalog=keys.catalog, signing=keys.signing)
    found, _ = check(ShelfVault(vault.shelf, capturing))
    assert (found.present, found.opened) == (3, 0)
    assert not found.whole


def test_an_empty_vault_is_refused(any_vault):
    with pytest.raises(NoPointError, match="no recovery point; there is no vault at this place"):
        check(any_vault)


def test_an_unknown_point_is_refused(any_vault, store_point):
    store_point(any_vault, 0)
    with pytest.raises(BadInputError, match="no recovery point x"):
        check(any_vault, ["x"])


@pytest.mark.parametrize("text", ["5", "0%", "101%", "x%", "-1%", "nan%", ""])
def test_what_is_no_share_is_refused(text):
    with pytest.raises(BadInputError):
        parse_sample(text)
    assert parse_sample("2.5%") == 0.025


def with_inventory(manifest, orgs, **more):
    return manifest.model_copy(update={"inventory": Inventory(orgs=orgs), **more})


def test_what_an_intruder_added_is_seen(make_point):
    old = with_inventory(
        make_point(0),
        {"root": {"users": {"admin": "1"}, "acls": {"admin": "1"}, "flows": {"F.1": "1"}}},
    )
    new = with_inventory(
        make_point(1),
        {
            "root": {
                "users": {"admin": "1", "mallory": "2"},
                "acls": {"admin": "2", "mallory": "3"},
                "flows": {"F.1": "1", "F.2": "2", "F.3": "3"},
            },
            "OEVIL": {"users": {}},
        },
    )
    changes = diff_points(old, new)
    assert changes == [
        Change("OEVIL", "orgs", "OEVIL", "added"),
        Change("root", "users", "mallory", "added"),
        Change("root", "acls", "admin", "changed"),
        Change("root", "acls", "mallory", "added"),
        Change("root", "flows", "F.2", "added"),
        Change("root", "flows", "F.3", "added"),
    ]
    assert quiet_counts(changes) == {"flows": 2}
    assert [change.how for change in diff_points(new, old)].count("removed") == 5
    assert diff_points(new, new) == []


def test_a_changed_config_and_the_files_that_it_names_are_listed(make_point):
    old, new = make_point(0), make_point(1)
    tar = old.config
    old = old.model_copy(update={"named": NamedFiles(tar=tar, digests={"/d/a.yaml": "1"})})
    config = tar.model_copy(update={"sha256": "1" * 64})
    named = NamedFiles(tar=tar, digests={"/d/a.yaml": "2", "/d/evil.yaml": "3"})
    new = new.model_copy(update={"named": named, "config": config, "package": old.package})
    assert [(c.item, c.key, c.how) for c in diff_points(old, new)] == [
        ("config", tar.name, "changed"),
        ("named_files", "/d/a.yaml", "changed"),
        ("named_files", "/d/evil.yaml", "added"),
    ]


def state_with(vault, policies):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for user, policy in policies.items():
            raw = json.dumps(policy).encode()
            entry = tarfile.TarInfo(f"acl/{user}.json.db")
            entry.size = len(raw)
            tar.addfile(entry, io.BytesIO(raw))
    return [
        OrgState(
            org="root",
            tar=vault.put(file, "state root.tar"),
            files=len(policies),
            client_list="written by the server",
        )
    ]


def test_roles_are_shown_before_and_after(any_vault, make_point):
    old = with_inventory(
        make_point(0),
        {"root": {"acls": {"admin": "1"}}},
        state=state_with(any_vault, {"admin": {"roles": ["reader"]}}),
    )
    new = with_inventory(
        make_point(1),
        {"root": {"acls": {"admin": "2"}}},
        state=state_with(any_vault, {"admin": {"roles": ["administrator"], "super_user": True}}),
    )
    (change,) = add_roles(any_vault, old, new, diff_points(old, new))
    assert change.detail == "reader → administrator, super_user"


def test_a_user_whose_name_files_have_shortened_is_called_by_the_whole_name(any_vault, make_point):
    """Only the digest was shown, of which nobody knows whose it is, and no role with it."""
    long = "eve." * 70
    short = shortened(long)
    old = with_inventory(make_point(0), {"root": {}}, state=state_with(any_vault, {}))
    new = with_inventory(
        make_point(1),
        {"root": {"users": {long: "1"}, "user_options": {short: "2"}, "acls": {short: "3"}}},
        state=state_with(any_vault, {short: {"roles": ["administrator"]}}),
    )
    changes = add_roles(any_vault, old, new, diff_points(old, new))
    assert {(change.item, change.key) for change in changes} == {
        ("users", long),
        ("user_options", long),
        ("acls", long),
    }
    assert [c.detail for c in changes if c.item == "acls"] == ["- → administrator"]


def test_a_user_who_is_called_like_a_shortened_name_is_not_taken_for_the_other(make_point):
    long = "eve." * 70
    short = shortened(long)
    old = with_inventory(make_point(0), {"root": {}})
    new = with_inventory(
        make_point(1), {"root": {"users": {long: "1", short: "2"}, "acls": {short: "3"}}}
    )
    assert [c.key for c in diff_points(old, new) if c.item == "acls"] == [short]
