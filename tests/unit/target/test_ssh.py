"""What ssh says when it doesn't connect, in words for a person."""

from recovery.target.ssh import explain

CHANGED = """@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
The fingerprint for the ED25519 key sent by the remote host is
SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8.
Please contact your system administrator.
Host key verification failed."""
UNKNOWN = """No ED25519 host key is known for 172.17.0.2 and you have requested strict checking.
Host key verification failed."""


def test_a_changed_host_key_is_named_by_its_fingerprint():
    message, hint = explain(CHANGED)
    assert message == (
        "no SSH connection: it shows a host key, SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8"
        ", not the known one (Host key verification failed)"
    )
    assert "someone in between" in hint


def test_an_unknown_host_key_is_not_called_a_changed_one():
    message, hint = explain(UNKNOWN)
    assert message == "no SSH connection: its host key is not known (Host key verification failed)"
    assert "from a source you trust" in hint


def test_anything_else_is_said_as_ssh_says_it():
    said = "ssh: connect to host 127.0.0.1 port 9: Connection refused"
    assert explain(said) == (f"no SSH connection: {said}", "")
