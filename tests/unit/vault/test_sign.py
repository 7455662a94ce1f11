import base64
import json

import pytest

from recovery.errors import BadInputError
from recovery.vault.sign import (
    NotTrustedError,
    load_public,
    load_signing_key,
    new_signing_key,
    public_text,
    sign,
    verify,
)

KIND = "application/x-test"
KEY = load_signing_key(new_signing_key())
PUBLIC = public_text(KEY)


def test_a_signed_payload_comes_back():
    assert verify(sign(b"payload", KIND, KEY), [KIND], [PUBLIC]) == (b"payload", KIND)


def test_one_of_several_trusted_keys_is_enough():
    other = public_text(load_signing_key(new_signing_key()))
    assert verify(sign(b"x", KIND, KEY), [KIND], [other, PUBLIC])[0] == b"x"


@pytest.mark.parametrize("trusted", [[], [public_text(load_signing_key(new_signing_key()))]])
def test_a_stranger_is_not_trusted(trusted):
    with pytest.raises(NotTrustedError, match="no trusted key"):
        verify(sign(b"x", KIND, KEY), [KIND], trusted)


def test_another_kind_of_document_is_refused():
    with pytest.raises(NotTrustedError, match="another kind"):
        verify(sign(b"x", "application/x-other", KEY), [KIND], [PUBLIC])


def test_a_kind_that_was_changed_afterwards_is_refused():
    values = json.loads(sign(b"x", "application/x-other", KEY))
    values["payloadType"] = KIND
    with pytest.raises(NotTrustedError):
        verify(json.dumps(values).encode(), [KIND], [PUBLIC])


def test_a_changed_payload_is_refused():
    values = json.loads(sign(b"payload", KIND, KEY))
    values["payload"] = base64.b64encode(b"Payload").decode()
    with pytest.raises(NotTrustedError):
        verify(json.dumps(values).encode(), [KIND], [PUBLIC])


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"null", b'{"payload": 1}', b"\xff"])
def test_what_is_no_envelope_is_refused(raw):
    with pytest.raises(NotTrustedError):
        verify(raw, [KIND], [PUBLIC])


def test_the_covered_bytes_are_dsses():
    # The example of the DSSE specification: PAE("http://example.com/HelloWorld", "hello world").
    envelope = json.loads(sign(b"hello world", "http://example.com/HelloWorld", KEY))
    covered = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    load_public(PUBLIC).verify(signature, covered)


@pytest.mark.parametrize("text", ["", "zz", "ab" * 31])
def test_what_is_no_public_key_is_refused(text):
    with pytest.raises(BadInputError):
        load_public(text)


def test_what_is_no_signing_key_is_refused():
    with pytest.raises(BadInputError):
        load_signing_key("-----BEGIN PRIVATE KEY-----\n")
