"""What is taken over directly has to be what a message would have made of it."""

import json
import zipfile
from functools import cache
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server_app.datastore import message_classes, records
from server_app.datastore.plain_records import Unusual
from tests.unit.server_app.fuzzing import examples, fuzzed

KINDS = ("Flow", "Args", "QueryStats", "Hunt", "ClientInfo", "Cell", "Task", "User", "Tasks")
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 65), 1 << 65),
    st.floats(),
    st.sampled_from(["", "7", "-7", "07", " 7", "٧", "RUNNING", "nothing", "aGk=", "\ud800", "é"]),
    st.text(max_size=3),
    st.just([]),
    st.just({}),
    st.just({"k": 1}),
    st.just([None]),
    st.just(["x", 1]),
    st.just({"client_id": "C.1", "clientId": "C.2"}),
)


def usual(descriptor, depth=2):
    """Values that fit their fields, of both spellings, beside ones that don't."""

    def value(field):
        if field.message_type is not None:
            if depth == 0 or field.message_type.GetOptions().map_entry:
                return st.just({})
            inner = usual(field.message_type, depth - 1)
        elif field.enum_type is not None:
            inner = st.sampled_from([*(v.name for v in field.enum_type.values), 0, 1, 2])
        else:
            inner = {
                field.TYPE_STRING: st.text(max_size=4),
                field.TYPE_BOOL: st.booleans(),
                field.TYPE_FLOAT: st.sampled_from([0, 0.0, -0.0, 1, 2.0, 0.1, 16777217, 1e300]),
                field.TYPE_BYTES: st.just("aGk="),
            }.get(field.type, st.one_of(st.integers(0, 1 << 40), st.just("12")))
        inner = st.one_of(*[inner] * 8, ODD)
        return st.lists(inner, max_size=2) if field.is_repeated else inner

    chosen = {
        name: value(field) for field in descriptor.fields for name in {field.name, field.json_name}
    }
    return st.lists(st.sampled_from(sorted(chosen)), max_size=6, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: chosen[name] for name in names})
    )


def outcome(make, kind, source):
    """What it makes, in its order and with its types; or how it fails."""
    try:
        return repr(make(kind, source))
    except (ValueError, TypeError, AttributeError, KeyError, ArithmeticError) as error:
        return type(error)


def by_message(make, kind, source):
    with mock.patch.object(records, "taken", side_effect=Unusual):
        return outcome(make, kind, source)


@cache
def of_some_kind(kind):
    descriptor = message_classes.message_class(kind).DESCRIPTOR
    return st.tuples(st.just(kind), usual(descriptor))


@fuzzed
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], **examples(120))
@given(st.sampled_from(KINDS).flatmap(of_some_kind))
def test_directly_and_by_a_message_it_is_the_same(chosen):
    for make in (records.from_object, records.compact, records.full):
        assert outcome(make, *chosen) == by_message(make, *chosen)


@pytest.mark.parametrize("source", [1, {"hunt_id": {"a": 1}}])
def test_what_is_no_record_is_left_to_the_message(source):
    assert outcome(records.from_object, "Hunt", source) is records.RecordError


def test_a_whole_row_holds_lists_and_dicts_of_its_own():
    first, second = records.full("Flow", {}), records.full("Flow", {})
    first["query_stats"].append(1)
    first["request"]["artifacts"].append("x")
    assert second["query_stats"] == [] == second["request"]["artifacts"]


def test_recorded_flows_never_need_a_message(recorded):
    """The speed of a listing rests on it: a change that makes them unusual shows here."""
    for name in ("flow_custom_artifact.zip", "flow_with_upload.zip", "flow_from_hunt.zip"):
        with zipfile.ZipFile(recorded / name) as archive:
            found = json.loads(archive.read("collection_context.json"))
        with mock.patch.object(records, "_row", side_effect=AssertionError("by message")):
            flow = records.from_object("Flow", found)
            assert records.full("Flow", flow)["session_id"] == found["session_id"]
