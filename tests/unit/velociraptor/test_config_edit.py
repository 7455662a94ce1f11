from pathlib import Path

import pytest
import yaml

from recovery.errors import BadInputError
from recovery.velociraptor.config_edit import diff_lines, set_value

REAL = Path("tests/fixtures/velociraptor-0.77.2/server.config.yaml").read_text()
PERIOD = ("defaults", "backup_period_seconds")
WRITE = ("Frontend", "resources", "client_info_write_time")


@pytest.mark.parametrize("path", [PERIOD, WRITE, ("new", "deep", "er"), ("security", "x")])
def test_a_real_config_gets_the_value_and_keeps_every_other_line(path):
    changed = set_value(REAL, path, 3600)
    value = yaml.safe_load(changed)
    for name in path:
        value = value[name]
    assert value == 3600
    diff = [line for line in diff_lines(REAL, changed, "c") if line[:3] not in {"---", "+++"}]
    removed = [line for line in diff if line.startswith("-")]
    assert removed in ([], ["-security: {}"])
    assert set_value(changed, path, 3600) == changed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("defaults:\n  # mine\n  a: 1 # one\n", "defaults:\n  # mine\n  b: 7\n  a: 1 # one\n"),
        ("defaults:\n  b: 5   # why\nx: 1\n", "defaults:\n  b: 7   # why\nx: 1\n"),
        ("defaults: {}\nx: 1\n", "defaults:\n  b: 7\nx: 1\n"),
        ("defaults:\nx: 1\n", "defaults:\n  b: 7\nx: 1\n"),
        ("defaults: null\nx: 1\n", "defaults:\n  b: 7\nx: 1\n"),
        ('defaults:\n    "b": "5"\n', 'defaults:\n    "b": 7\n'),
        ("x: ü\ndefaults: {b: 5, c: 6}\n", "x: ü\ndefaults: {b: 7, c: 6}\n"),
        ("x: 1", "defaults:\n  b: 7\nx: 1"),
    ],
)
def test_forms_that_people_write(text, expected):
    assert set_value(text, ("defaults", "b"), 7) == expected


@pytest.mark.parametrize("text", ["defaults: {c: 6}\n", "defaults: [1]\n", "defaults: 3\n"])
def test_what_cannot_be_changed_in_place_is_refused(text):
    with pytest.raises(BadInputError) as refused:
        set_value(text, ("defaults", "b"), 7)
    assert "by hand" in refused.value.hint


def test_a_diff_shows_no_secret():
    changed = set_value(REAL, PERIOD, 3600)
    shown = "\n".join(diff_lines(REAL, changed, "c"))
    values = yaml.safe_load(REAL)
    assert "backup_period_seconds: 3600" in shown
    assert "obfuscation_nonce: (not shown)" in shown
    assert values["obfuscation_nonce"] not in shown
    key = values["Frontend"]["private_key"].splitlines()
    below = set_value(REAL, ("Frontend", "zzz"), 1)
    assert not [line for line in key[1:-1] if line in "\n".join(diff_lines(REAL, below, "c"))]
