"""What an S3 vault says before anything is asked of the storage."""

import io

import pytest

from recovery.errors import BadInputError
from recovery.vault.s3_shelf import _Pieces, open_s3


@pytest.mark.parametrize("option", ["endpoint", "region", "kms_key"])
def test_an_option_without_a_value_is_refused(option):
    with pytest.raises(BadInputError, match=f"{option} is empty") as refused:
        open_s3(f"s3://bucket/velo?{option}=")
    assert "not set" in refused.value.hint


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "Error performing GET http://s/x in 6ms - status code: 403 Forbidden: <?xml?>",
            "the storage refuses these credentials (403 Forbidden)",
        ),
        (
            "S3 error: status code: 404 Not Found: <?xml?>",
            "there is no such bucket (404 Not Found)",
        ),
        ("S3 error: status code: 503 Slow Down: <?xml?>", "the storage answers 503 Slow Down"),
        (
            "Error performing GET http://s/ in 7ms - HTTP error: error sending request",
            "the storage does not answer",
        ),
    ],
)
def test_what_the_storage_says_comes_without_a_librarys_trace(said, words):
    shelf = open_s3("s3://bucket/velo?endpoint=http://127.0.0.1:9&region=us-east-1")
    assert shelf.failure("read", "vault.json", OSError(said)).message == (
        f"can't read vault.json: {words}"
    )


def test_missing_credentials_are_named_as_such():
    shelf = open_s3("s3://bucket/velo?endpoint=http://127.0.0.1:9&region=us-east-1")
    asked = "Error performing PUT http://169.254.169.254/latest/api/token: connection refused"
    error = shelf.failure("read", "vault.json", OSError(asked))
    assert "no credentials" in error.message
    assert "AWS_ACCESS_KEY_ID" in error.hint
    assert "no credentials" not in shelf.failure("read", "vault.json", OSError("403")).message


def test_an_unknown_options_value_is_not_repeated():
    with pytest.raises(BadInputError, match="unknown option secret_access_key") as refused:
        open_s3("s3://bucket/p?secret_access_key=topsecret")
    assert "topsecret" not in str(refused.value)


@pytest.mark.parametrize(
    "uri",
    ["s3://AKIA:topsecret@bucket/p", "s3://bucket/p?endpoint=https://user:topsecret@storage:9000"],
)
def test_credentials_in_the_address_are_refused_and_not_repeated(uri):
    with pytest.raises(BadInputError, match="credentials in it") as refused:
        open_s3(uri)
    assert "topsecret" not in str(refused.value)


def test_an_object_that_comes_in_pieces_of_any_size_is_read_whole():
    pieces = iter([b"", b"abc", b"", b"defgh", b"i"])
    with io.BufferedReader(_Pieces(pieces, None, "x"), 4) as stream:
        assert stream.read(2) == b"ab"
        assert stream.read() == b"cdefghi"
        assert stream.read() == b""
