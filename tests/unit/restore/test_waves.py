"""In what order a batch is imported: no client is met by two imports before the server knows it."""

from hypothesis import given
from hypothesis import strategies as st

from recovery.restore.import_flows import waves

CLIENTS = "abcde"
ITEMS = st.lists(
    st.tuples(st.sampled_from(CLIENTS), st.integers()).map(
        lambda pair: {"Client": pair[0], "Flow": pair[1]}
    ),
    min_size=1,
)


@given(ITEMS, st.sets(st.sampled_from(CLIENTS)), st.sets(st.integers()))
def test_no_two_flows_go_at_once_to_a_client_that_the_server_does_not_know(items, known, refused):
    """``refused``: flows that leave their client unknown."""
    met, seen = set(known), []
    for wave in waves(items, met):
        assert wave
        unknown = [item["Client"] for item in wave if item["Client"] not in met]
        assert len(unknown) == len(set(unknown))
        assert not unknown or len(unknown) == len(wave)
        met |= {item["Client"] for item in wave if item["Flow"] not in refused}
        seen += wave
    assert sorted(map(id, seen)) == sorted(map(id, items))


@given(ITEMS)
def test_where_none_is_refused_there_are_two_waves_at_most(items):
    met, found = set(), []
    for wave in waves(items, met):
        met |= {item["Client"] for item in wave}
        found.append(wave)
    assert len(found) <= 2
    assert {item["Client"] for item in found[0]} == {item["Client"] for item in items}
