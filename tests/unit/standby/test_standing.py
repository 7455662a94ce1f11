from datetime import UTC, datetime, timedelta

import pytest

from recovery.standby.pull import ACTIVE, SPARE
from recovery.standby.standing import Standing, standing
from recovery.standby.status import LastSync
from recovery.vault.lease import Lease

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def terms(*holders):
    return [
        Lease(epoch=n, deployment="d", holder=holder, taken_at=NOW + timedelta(hours=n))
        for n, holder in enumerate(holders, 1)
    ]


def copied(epoch):
    return LastSync(began=1, ended=2, age=1, files=9, epoch=epoch)


def test_a_spare_with_a_copy_of_the_present_term_is_current():
    assert standing("b", SPARE, copied(1), terms("a")).current
    assert standing("b", SPARE, copied(3), terms("a", "b", "a")).current


def test_a_promotion_that_was_cut_off_is_gone_on_with_from_either_side_of_its_start():
    assert standing("b", SPARE, copied(1), terms("a", "b")).current
    assert standing("b", ACTIVE, copied(1), terms("a", "b")).serves


def test_one_that_never_had_a_copy_is_none():
    why = "it never had a whole sync"
    assert standing("b", SPARE, None, terms("a")) == Standing(why=why)


@pytest.mark.parametrize("role", [ACTIVE, SPARE])
def test_one_that_was_replaced_ends_where_its_term_ended(role):
    found = standing("a", role, None, terms("a", "b"))
    assert found == Standing(ended=NOW + timedelta(hours=2), why=found.why)


def test_a_copy_from_before_its_own_term_is_no_copy():
    """It followed, served and was replaced: the record of its last sync is older than all that."""
    found = standing("b", SPARE, copied(2), terms("a", "b", "a"))
    assert not found.current
    assert found.ended == NOW + timedelta(hours=3)


def test_a_return_that_was_cut_off_ends_where_it_did_before():
    assert standing("a", SPARE, None, terms("a", "b", "a")).ended == NOW + timedelta(hours=2)
    assert standing("a", ACTIVE, None, terms("a", "b", "a")).serves
