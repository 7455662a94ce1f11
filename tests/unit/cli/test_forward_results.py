import pytest

from recovery.cli.forward_results import check_pattern
from recovery.errors import BadInputError


@pytest.mark.parametrize(
    "pattern", [".", "^Custom[.]", r"^A\z", r"\pL", "[[:alpha:]]", "(?i)custom"]
)
def test_what_the_server_may_understand_is_taken(pattern):
    check_pattern(pattern)


@pytest.mark.parametrize("pattern", ["(", "a)", "[a", "*a", "(?P<a"])
def test_what_is_broken_in_every_dialect_is_refused(pattern):
    with pytest.raises(BadInputError, match="not a regular expression"):
        check_pattern(pattern)
