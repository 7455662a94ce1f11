import pytest

from recovery.datastore.repository import parse_repository, secrets_of
from recovery.errors import BadInputError


def test_a_folder_is_taken_as_it_is():
    repository = parse_repository("/mnt/copies")
    assert (repository.argv("/x"), repository.is_folder) == (["--repo", "/mnt/copies"], True)
    assert parse_repository("file:///mnt/copies").name == "/mnt/copies"


def test_s3_with_an_endpoint_of_its_own():
    repository = parse_repository("s3://bucket/some/where?endpoint=https://s3.example/&region=eu-1")
    assert repository.argv("/x") == [
        *("--repo", "s3:https://s3.example/bucket/some/where"),
        *("-o", "s3.region=eu-1", "-o", "s3.bucket-lookup=path"),
    ]
    assert not repository.is_folder


def test_sftp_by_a_key_and_a_known_host(tmp_path):
    (tmp_path / "key").write_text("k")
    (tmp_path / "hosts").write_text("h")
    files = f"identity={tmp_path}/key&known_hosts={tmp_path}/hosts"
    repository = parse_repository(f"sftp://copies@backup.example:2222/srv/velo?{files}")
    name, command = repository.argv("/there")[1], repository.argv("/there")[3]
    assert name == "sftp:copies@backup.example:/srv/velo"
    assert "StrictHostKeyChecking=yes" in command
    assert "IdentityFile=/there/identity" in command
    assert "UserKnownHostsFile=/there/known_hosts" in command
    assert command.endswith("-p 2222 -l copies backup.example -s sftp")
    # What goes into the recovery point names no file of this machine.
    assert repository.uri == "sftp://copies@backup.example:2222/srv/velo"


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "relative/folder",
        "ftp://x/y",
        "s3:///x",
        "s3://bucket?nonsense=1",
        "s3://bucket?endpoint=",
        "sftp://user:word@host/x",
        "sftp://host",
        "sftp://-oProxyCommand=x@host/x",
        "sftp://user@-oProxyCommand/x",
        "sftp://user@host/x?identity=/nowhere/at/all",
    ],
)
def test_what_is_none_is_refused(uri):
    with pytest.raises(BadInputError):
        parse_repository(uri)


def test_secrets_come_by_file_or_environment(tmp_path):
    file = tmp_path / "password"
    file.write_text("word\n")
    file.chmod(0o600)
    found = secrets_of({"RESTIC_PASSWORD_FILE": str(file), "AWS_SECRET_ACCESS_KEY": "s", "X": "y"})
    assert found == {"RESTIC_PASSWORD": "word", "AWS_SECRET_ACCESS_KEY": "s"}
    assert secrets_of({"RESTIC_PASSWORD": "word"}) == {"RESTIC_PASSWORD": "word"}


def test_a_password_that_others_can_read_is_refused(tmp_path):
    file = tmp_path / "password"
    file.write_text("word")
    file.chmod(0o644)
    with pytest.raises(BadInputError, match="others can read"):
        secrets_of({"RESTIC_PASSWORD_FILE": str(file)})
    with pytest.raises(BadInputError, match="not given"):
        secrets_of({})
