import pytest

from recovery.errors import BadInputError
from recovery.standby.guard import check_rhythm


@pytest.mark.parametrize(("guard", "every"), [(0, 3600), (60, 30), (180, 30), (180, 90)])
def test_a_rhythm_with_signs_of_life_enough(guard, every):
    check_rhythm(guard, every)


@pytest.mark.parametrize(("guard", "every"), [(60, 31), (180, 300), (0, 0), (60, 0)])
def test_a_rhythm_at_which_a_server_that_is_well_would_be_stopped(guard, every):
    with pytest.raises(BadInputError) as refused:
        check_rhythm(guard, every)
    assert refused.value.target == "--every"
