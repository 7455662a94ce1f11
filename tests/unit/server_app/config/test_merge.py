import json

import pytest

from server_app.config import ConfigError
from server_app.config.merge import apply_merge, apply_patch

# Cases of RFC 7396, appendix A, whose target is an object.
RFC_7396 = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("target", "patch", "result"), RFC_7396)
def test_merge(target: dict, patch: dict, result: dict) -> None:
    before = json.dumps(target)
    assert apply_merge(target, json.dumps(patch)) == result
    assert json.dumps(target) == before


@pytest.mark.parametrize("text", ["", "[1]", "{", "5"])
def test_what_is_no_merge_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="Invalid merge patch"):
        apply_merge({}, text)


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        ({"op": "add", "path": "/b", "value": 2}, {"a": [1, 2], "b": 2}),
        ({"op": "add", "path": "/a/1", "value": 9}, {"a": [1, 9, 2]}),
        ({"op": "add", "path": "/a/-", "value": 9}, {"a": [1, 2, 9]}),
        ({"op": "remove", "path": "/a/0"}, {"a": [2]}),
        ({"op": "replace", "path": "/a", "value": 3}, {"a": 3}),
        ({"op": "replace", "path": "/a/0", "value": 3}, {"a": [3, 2]}),
        ({"op": "move", "from": "/a", "path": "/x~1y"}, {"x/y": [1, 2]}),
        ({"op": "copy", "from": "/a/0", "path": "/~0t"}, {"a": [1, 2], "~t": 1}),
        ({"op": "test", "path": "/a/0", "value": 1}, {"a": [1, 2]}),
    ],
)
def test_patch(operation: dict, result: dict) -> None:
    assert apply_patch({"a": [1, 2]}, json.dumps([operation])) == result


@pytest.mark.parametrize(
    "operations",
    [
        [{"op": "add", "path": "/b", "value": 1}, {"op": "test", "path": "/a", "value": 2}],
        [{"op": "add", "path": "/b", "value": 1}, {"op": "remove", "path": "/none"}],
        [{"op": "replace", "path": "/none", "value": 1}],
        [{"op": "add", "path": "no slash", "value": 1}],
        [{"op": "shout", "path": "/a"}],
        [{"path": "/a"}],
    ],
)
def test_a_patch_that_fails_changes_nothing(operations: list) -> None:
    assert apply_patch({"a": 1}, json.dumps(operations)) == {"a": 1}


def test_what_is_no_patch_is_refused() -> None:
    for text in ("{}", "nonsense"):
        with pytest.raises(ConfigError, match="Decoding JSON patch"):
            apply_patch({}, text)
