"""Which strategy is enough, decided on numbers."""

from datetime import timedelta

import pytest

from recovery.choose.prices import GB, prices_of
from recovery.choose.recovery_time import Drill, Waits
from recovery.choose.sizes import UNKNOWN, Sizes
from recovery.choose.strategies import Asked, choose
from recovery.choose.wishes import read_wishes
from recovery.cli.lengths import parse_age

BIG = Sizes(
    "test",
    state=50_000_000,
    flows=200 * GB,
    flows_kept=20 * GB,
    flows_month=20 * GB,
    backup=5_000_000,
    total=260 * GB,
    changed_month=30 * GB,
    files=2_000_000,
    flow_count=100_000,
    flow_count_kept=10_000,
    package=30_000_000,
)
NAMES = {"labels": ["C.1"], "secrets": ["AWS S3 Creds/S3"], "hunts": ["H.1 (all)"]}
S3 = prices_of("s3://bucket/prefix", None, None)
WAITS = Waits(ttl=60, poll=90)


def ask(rpo, rto, keep, sizes=BIG, drills=(), waits=WAITS):
    asked = Asked(parse_age(rpo), parse_age(rto), read_wishes(keep, parse_age))
    choice = choose(asked, sizes, NAMES, S3, waits, drills)
    return choice, {row.strategy: row for row in choice.rows}


@pytest.mark.parametrize(
    ("rpo", "rto", "keep", "recommended"),
    [
        ("24h", "1h", "nothing", "redeploy"),
        ("24h", "1h", "clients,labels,notebooks", "backup"),
        ("24h", "1h", "labels,hunts,secrets", "state"),
        ("1h", "1h", "labels,hunts,collections:30d", "state,collections"),
        ("24h", "2h", "everything", "datastore"),
        ("24h", "5m", "everything", "hot spare"),
        ("3m", "1h", "everything", "hot spare"),
        ("3m", "1h", "labels", "hot spare"),
    ],
)
def test_the_least_that_is_enough(rpo, rto, keep, recommended):
    choice, _ = ask(rpo, rto, keep)
    assert (choice.recommended, choice.enough) == (recommended, True)


def test_where_none_is_enough_it_says_what_lacks():
    choice, rows = ask("10m", "1m", "everything")
    assert not choice.enough
    assert choice.recommended == "hot spare"
    assert rows["hot spare"].unmet == ("RTO of 60 s",)
    assert {"secrets", "files", "flows"} <= set(rows["backup"].unmet)


def test_what_is_lost_has_its_name():
    _, rows = ask("24h", "1h", "labels")
    assert rows["redeploy"].lost["labels"] == ["C.1"]
    assert rows["backup"].lost["secrets"] == ["AWS S3 Creds/S3"]
    assert "labels" not in rows["backup"].lost
    assert set(rows["datastore"].lost) == set()


def test_the_rpo_counts_the_captures_own_length():
    _, rows = ask("1h", "2h", "everything")
    for row in rows.values():
        if row.rpo is not None:
            assert row.every < row.rpo
    assert rows["state"].rpo <= timedelta(hours=1)
    assert rows["hot spare"].rpo < timedelta(minutes=5)


def test_what_is_stored_and_sent_grows_with_what_is_kept():
    _, rows = ask("24h", "1h", "labels")
    bills = {name: row.bill for name, row in rows.items()}
    assert bills["redeploy"].stored == BIG.package
    assert bills["state"].stored < bills["state,collections"].stored < bills["datastore"].stored
    assert bills["state,collections"].sent_a_month > BIG.flows_month
    assert bills["datastore"].dollars == pytest.approx(260.03 * 0.023, abs=0.01)
    assert bills["datastore"].stored_in_a_year > bills["datastore"].stored + 300 * GB
    assert bills["datastore"].dollars_to_recover == pytest.approx(260.03 * 0.09, abs=0.01)


def test_a_drill_of_the_very_strategy_gives_the_time_and_a_real_servers_goes_first():
    drills = [
        Drill(frozenset({"state"}), 20.0, "2026-11-20T00:00:00", "reference"),
        Drill(frozenset({"state"}), 40.0, "2026-11-01T00:00:00", "velociraptor"),
        Drill(frozenset({"state", "collections"}), 90.0, "2026-11-02T00:00:00", "reference"),
    ]
    _, rows = ask("24h", "1h", "labels", drills=drills)
    assert rows["state"].time.served == 60 + 40 + 60 + 90
    assert "velociraptor" in rows["state"].time.basis
    assert rows["state,collections"].time.served == 60 + 90 + 60 + 90
    assert rows["backup"].time.basis.startswith("no drill yet")


def test_nothing_measured_is_no_reason_not_to_choose():
    choice, _ = ask("24h", "1h", "labels", sizes=UNKNOWN)
    assert choice.recommended == "backup"


@pytest.mark.parametrize(
    ("vault", "stored"),
    [
        ("/vault", 0.0),
        ("s3://b/p", 0.023),
        ("s3://b/p?endpoint=https://s3.example", None),
        ("", None),
    ],
)
def test_a_price_is_known_or_said_not_to_be(vault, stored):
    assert prices_of(vault, None, None).stored == stored
    assert prices_of(vault, 0.01, None).stored == 0.01
