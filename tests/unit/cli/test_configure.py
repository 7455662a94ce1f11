"""`recovery configure`: what doesn't go together is refused before the server is asked."""

import pytest
from typer.testing import CliRunner

from recovery.cli import app
from recovery.errors import BadInputError


def refusal(*words):
    refused = CliRunner().invoke(app, ["configure", "--from", "ssh://nowhere.invalid", *words])
    assert isinstance(refused.exception, BadInputError)
    return refused.exception


@pytest.mark.parametrize("kind", [("--forward", "off"), ("--forward-test",)])
@pytest.mark.parametrize("other", [("--dry-run",), ("--restart",), ("--backup-period", "6h")])
def test_forwarding_has_no_dry_run_and_goes_with_nothing_else(kind, other):
    assert other[0] in refusal(*kind, *other).message


@pytest.mark.parametrize(
    ("option", "text", "hint"),
    [
        ("--backup-period", "often", "7d, 36h"),
        ("--backup-period", "1m", "300 s or more"),
        ("--client-info-write-time", "5s", "12 s or more"),
        ("--client-info-write-time", "off", "7d, 36h"),
    ],
)
def test_a_bad_length_names_its_option(option, text, hint):
    refused = refusal(option, text)
    assert refused.target == option
    assert hint in refused.hint
