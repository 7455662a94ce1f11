"""In what order a batch is imported: no client is met by two imports before the server knows it."""

from hypothesis import given
from hypothesis import strategies as st

from recovery.restore.import_flows import waves

ITEMS = st.lists(
    st.tuples(st.sampled_from("abcde"), st.integers()).map(
        lambda pair: {"Client": pair[0], "Flow": pair[1]}
    ),
    min_size=1,
)


@given(ITEMS)
def test_one_flow_of_each_client_comes_before_the_others(items):
    found = list(waves(items))
    assert len(found) <= 2
    assert all(found)
    clients = [item["Client"] for item in found[0]]
    assert sorted(clients) == sorted({item["Client"] for item in items})


@given(ITEMS, st.sets(st.sampled_from("abcde")))
def test_of_a_client_that_was_met_none_has_to_come_first(items, met):
    found = list(waves(items, met))
    firsts = [item for item in items if item["Client"] not in met]
    clients = [item["Client"] for item in found[0]] if firsts else []
    assert sorted(clients) == sorted({item["Client"] for item in firsts})
    assert len(found) == bool(firsts) + (len(items) > len(clients))


@given(ITEMS, st.sets(st.sampled_from("abcde")))
def test_every_flow_is_imported_once(items, met):
    found = [id(item) for wave in waves(items, met) for item in wave]
    assert sorted(found) == sorted(map(id, items))
