"""`recovery export`: a wrong place is refused before the server is asked."""

import pytest
from typer.testing import CliRunner

from recovery.cli import app
from recovery.errors import BadInputError


@pytest.mark.parametrize(
    ("to", "words", "said"),
    [
        ("", (), "a place for exports has to be named"),
        ("http://bucket/x", (), "not a place for exports: 'http://bucket/x'"),
        ("folder", ("--server-side-s3", "Token"), "--server-side-s3 needs a bucket"),
        ("s3:", ("--server-side-s3", "Token"), "--server-side-s3 needs a bucket"),
    ],
)
def test_a_wrong_place(to, words, said):
    words = ["export", "--from", "local://", "--to", to, *words]
    refused = CliRunner().invoke(app, words).exception
    assert isinstance(refused, BadInputError)
    assert refused.message == said
