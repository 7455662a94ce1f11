import pytest

from recovery.errors import BadInputError, RecoveryError, TargetError
from recovery.restore.request import parse_request
from recovery.restore.run_group import run_group
from recovery.restore.step import so_far
from tests.unit.restore.points import Point


@pytest.mark.parametrize(
    ("group", "so_far"),
    [
        ("server", "nothing was changed on the machine"),
        ("collections", "what is done stays; run the same command again"),
    ],
)
def test_a_failure_says_what_became_of_the_machine(tmp_path, group, so_far):
    point = Point(tmp_path / "vault")
    point.make()
    request = parse_request(
        target="ssh://root@127.0.0.1:1?identity=/no/such/key", vault=str(point.folder)
    )
    with pytest.raises(TargetError, match="there is no file /no/such/key") as failed:
        run_group(group, request, lambda _line: None)
    assert f"\n  so far: {so_far}" in str(failed.value)
    assert "next: is the path right?" in str(failed.value)


def test_what_a_hint_says_already_is_not_said_twice(tmp_path):
    point = Point(tmp_path / "vault")
    point.make()
    request = parse_request(
        target="local://", vault=str(point.folder), deployment="0" * 64, strategy=["redeploy"]
    )
    with pytest.raises(RecoveryError, match="no recovery point of deployment") as failed:
        run_group("server", request, lambda _line: None)
    assert str(failed.value).count("nothing was changed on the machine") == 1


@pytest.mark.parametrize(
    ("error", "first", "held", "said"),
    [
        (BadInputError("x"), True, True, "nothing was changed on the machine"),
        (BadInputError("x"), False, True, ""),
        (RecoveryError("x"), True, True, "what is done stays; run the same command again, and"),
        (RecoveryError("x", hint="nothing was changed there"), False, True, ""),
    ],
)
def test_bad_input_has_changed_nothing_also_on_a_machine_that_is_held(error, first, held, said):
    told = so_far(error, first=first, held=held)
    assert told.startswith(said)
    assert bool(told) == bool(said)


def test_a_vault_that_is_named_by_nothing_is_asked_for():
    """A script's unset variable."""
    with pytest.raises(BadInputError, match="a vault has to be named") as refused:
        run_group("server", parse_request(target="local://", vault=""), lambda _line: None)
    assert "give a folder's path" in refused.value.hint
