import pytest

from recovery.capture.options import CaptureOptions
from recovery.capture.tie_copies import verify_copies
from recovery.cli.run_capture import run_capture
from recovery.errors import BadInputError
from recovery.target import open_target
from recovery.vault.open import open_vault


@pytest.mark.parametrize(
    ("repository", "password", "words"),
    [
        ("relative/path", "word", "not a whole path"),
        ("s3://bucket/p?endpoit=x", "word", "unknown option endpoit"),
        ("/srv/copies", "", "password is not given"),
    ],
)
def test_a_repository_is_judged_before_anything_is_asked_of_the_server(
    repository, password, words, monkeypatch, tmp_path
):
    monkeypatch.delenv("RESTIC_PASSWORD_FILE", raising=False)
    monkeypatch.setenv("RESTIC_PASSWORD", password)
    options = CaptureOptions(strategy=["datastore"], repository=repository)
    # A machine that can't be reached: whoever looks at it first fails in another way.
    with pytest.raises(BadInputError, match=words):
        run_capture("ssh://root@127.0.0.1:1", str(tmp_path / "vault"), options, as_json=False)
    assert not (tmp_path / "vault").exists()


@pytest.mark.parametrize("read", ["0%", "0.0%", "101%", "200%", "-5%", "5", "abc", ""])
def test_a_share_is_more_than_nothing_and_at_most_all(read, tmp_path):
    vault = open_vault(str(tmp_path / "vault"))
    with pytest.raises(BadInputError, match="not a share"):
        verify_copies(vault, "/srv/copies", open_target("local://"), read, print)
