"""Scripted questions, whose answers a real server gave: both binaries have to give them again."""

import os
from pathlib import Path

import pytest

from tests.integration.conformance.answers import compare_answers, kept
from tests.integration.conformance.asking import answers
from tests.integration.conformance.exceptions import EXCEPTIONS
from tests.integration.conformance.script import SCRIPTS, read_script

AT_LEAST = 0.95
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(
    scope="module", params=["reference", pytest.param("real", marks=pytest.mark.velociraptor)]
)
def binary(request):
    """Name and command of a binary."""
    if request.param == "reference":
        return "reference", None
    path = os.environ.get("RECOVERY_SERVER_BINARY")
    if not path:
        pytest.skip("RECOVERY_SERVER_BINARY names no real server")
    return "real", [str(Path(path).resolve())]


@pytest.mark.parametrize("script", SCRIPTS)
def test_answers(binary, script, tmp_path, object_store):
    """All agree but those listed, each with its reason."""
    name, argv = binary
    steps = [step for step in SCRIPTS[script] if step.asks]
    recorded, given = kept(script), answers(script, argv, tmp_path, object_store)
    assert len(recorded) == len(given) == len(steps), "record the answers anew"
    differing = {
        number: found
        for number, triple in enumerate(zip(steps, recorded, given, strict=True))
        if (found := compare_answers(*triple))
    }
    print(f"{name}, {script}: {len(steps)} answers, not: {list(differing)}")  # noqa: T201
    listed = EXCEPTIONS[name].get(script, {})
    unexpected = {number: found for number, found in differing.items() if number not in listed}
    assert not unexpected, "\n\n".join(
        "\n    ".join([f"{script} {number}: {steps[number].text}", *found])
        for number, found in unexpected.items()
    )


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_at_least_95_percent_have_to_agree(name):
    questions = sum(step.asks for steps in SCRIPTS.values() for step in steps)
    excepted = sum(map(len, EXCEPTIONS[name].values()))
    assert 1 - excepted / questions >= AT_LEAST


def test_a_directive_that_is_none_is_refused():
    with pytest.raises(ValueError, match="no such directive"):
        read_script("@ explode now")


def test_a_script_is_read_paragraph_by_paragraph():
    steps = read_script(
        "# words\n@ org OACME\n@ sort\nSELECT 1\nFROM scope()\n\n$ version\n\n@ restart"
    )
    assert [(step.kind, step.text, step.org, step.sort) for step in steps] == [
        ("query", "SELECT 1\nFROM scope()", "OACME", True),
        ("command", "version", "OACME", False),
        ("restart", "", "", False),
    ]
