import io
import os
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recovery.errors import BadInputError
from recovery.vault.retention import Policy, carry_out, choose, plan
from recovery.vault.shelf import LockedError
from recovery.vault.shelf_vault import ShelfVault

from .conftest import BEGIN, manifest_at

DAY = 24
GRACE = timedelta(days=2)
ONE = Policy(last=1, daily=0, weekly=0, monthly=0)


def objects(vault):
    return {entry.name for entry in vault.shelf.entries("objects")}


def age(vault, days):
    """As if everything had been put there so many days ago."""
    for entry in vault.shelf.entries("objects"):
        path = vault.shelf._folder / entry.name
        os.utime(path, (BEGIN.timestamp() - days * 86400,) * 2)


def run(vault, policy, now):
    fresh = ShelfVault(vault.shelf, vault.keys)
    return carry_out(fresh, plan(fresh, policy, GRACE, now), now)


def test_days_weeks_and_months(make_point):
    # Every six hours, from Monday 2026-11-23 06:00 to Friday 2027-01-22 00:00.
    points = [make_point(6 * n) for n in range(240)]
    kept = choose(points, Policy(last=2, daily=3, weekly=2, monthly=2))
    assert {name[:11] for name in kept} == {
        "20270122T00",  # the last, also newest of its day, week and month
        "20270121T18",
        "20270120T18",
        "20270117T18",  # Sunday: the week before
        "20261231T18",  # the month before
    }
    assert kept[points[-1].point] == ["last", "last without gaps", "daily", "weekly", "monthly"]


def test_of_two_of_one_time_the_one_made_later_stays(make_point):
    """A folder that was adopted twice; a restore takes the later one too."""
    point = make_point(0)
    again = point.model_copy(update={"point": f"{point.point}x"})
    assert list(choose([point, again], ONE)) == [again.point]


@given(
    st.lists(st.tuples(st.integers(0, 5000), st.booleans()), min_size=1, max_size=40),
    st.builds(
        Policy,
        last=st.integers(0, 4),
        daily=st.integers(0, 4),
        weekly=st.integers(0, 4),
        monthly=st.integers(0, 4),
    ),
)
def test_the_newest_and_the_last_good_one_always_stay(make_points_of, hours, policy):
    points = make_points_of(hours)
    kept = choose(points, policy)
    newest = max(points, key=lambda point: point.captured_at)
    good = [point for point in points if not point.gaps]
    assert newest.point in kept
    if good:
        assert max(good, key=lambda point: point.captured_at).point in kept


@pytest.fixture(scope="module")
def make_points_of():
    def make(hours):
        unique = dict(hours)
        return [manifest_at(hour, gaps=["x"] * gap) for hour, gap in sorted(unique.items())]

    return make


def test_nothing_to_keep_is_refused():
    for policy in (Policy(0, 0, 0, 0), Policy(-1, 1, 1, 1)):
        with pytest.raises(BadInputError):
            policy.checked()


def test_objects_go_only_after_their_grace_time(any_vault, store_point, tmp_path):
    store_point(any_vault, 0, "old", "shared")
    kept = store_point(any_vault, 5 * DAY, "new", "shared")
    age(any_vault, 30)
    before = objects(any_vault)
    first = run(any_vault, ONE, BEGIN)
    assert len(first.remove) == 1
    assert (first.collect, objects(any_vault)) == ([], before)
    early = run(any_vault, ONE, BEGIN + timedelta(days=1))
    assert (early.remove, early.collect) == ([], [])
    late = run(any_vault, ONE, BEGIN + timedelta(days=2))
    assert len(late.collect) == 1
    again = ShelfVault(any_vault.shelf, any_vault.keys)
    assert again.points() == [kept]
    for item in kept.objects():
        again.fetch(item, tmp_path / "out")
    assert len(objects(any_vault)) == len(before) - 1


def test_a_dry_run_changes_nothing(any_vault, store_point):
    store_point(any_vault, 0, "old")
    store_point(any_vault, DAY, "new")
    before = [(entry.name, entry.changed) for entry in any_vault.shelf.entries("")]
    made = plan(any_vault, ONE, GRACE, BEGIN)
    assert len(made.remove) == 1
    assert [(entry.name, entry.changed) for entry in any_vault.shelf.entries("")] == before


def test_an_object_that_is_used_again_stays(any_vault, store_point, tmp_path):
    store_point(any_vault, 0, "old")
    store_point(any_vault, DAY, "new")
    run(any_vault, ONE, BEGIN)
    newest = store_point(ShelfVault(any_vault.shelf, any_vault.keys), 2 * DAY, "old")
    age(any_vault, 30)
    run(any_vault, ONE, BEGIN + timedelta(days=5))
    run(any_vault, ONE, BEGIN + timedelta(days=9))
    vault = ShelfVault(any_vault.shelf, any_vault.keys)
    assert vault.fetch(newest.archives[0].file, tmp_path / "out").read_text() == "old"


def test_what_a_capture_under_way_has_stored_stays(any_vault, store_point, make_point):
    store_point(any_vault, 0)
    archive = make_point(0, "fresh").archives[0].model_copy(update={"fingerprint": "f"})
    any_vault.put(io.BytesIO(b"fresh"), "fresh")
    any_vault.remember([archive])
    age(any_vault, 30)
    for days in (0, 3):
        run(any_vault, ONE, BEGIN + timedelta(days=days))
    assert ShelfVault(any_vault.shelf, any_vault.keys).holds(archive.file)


def test_an_unreadable_point_stays_and_no_object_is_collected(any_vault, store_point):
    broken = store_point(any_vault, 0, "old")
    store_point(any_vault, DAY, "new")
    any_vault.shelf.write(f"points/{broken.point}.json", [b"broken"])
    any_vault.put(io.BytesIO(b"unreferenced"), "x")
    age(any_vault, 30)
    before = objects(any_vault)
    for days in (0, 3):
        made = run(any_vault, ONE, BEGIN + timedelta(days=days))
        assert made.keep[broken.point] == ["it can't be read"]
    assert objects(any_vault) == before


def test_what_the_storage_locks_is_reported_and_keeps_its_objects(
    any_vault, store_point, monkeypatch
):
    store_point(any_vault, 0, "old")
    store_point(any_vault, DAY, "new")
    age(any_vault, 30)

    def locked(name):
        raise LockedError(name)

    monkeypatch.setattr(any_vault.shelf, "remove", locked)
    before = objects(any_vault)
    made = run(any_vault, ONE, BEGIN)
    assert len(made.locked) == 1
    assert objects(any_vault) == before
    assert len(ShelfVault(any_vault.shelf, any_vault.keys).points()) == 2
