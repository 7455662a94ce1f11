"""From a URI to a target, and what is refused."""

import pytest

from recovery.errors import BadInputError
from recovery.target import open_target
from recovery.target.files import put_argv, remote_command


@pytest.mark.parametrize(
    ("uri", "known_as"),
    [
        ("docker://velociraptor", "docker://velociraptor"),
        ("ssh://192.0.2.7", "ssh://root@192.0.2.7:22"),
        ("ssh://admin@host.example:2222", "ssh://admin@host.example:2222"),
        ("ssh://h?identity=/k&known_hosts=/h", "ssh://root@h:22"),
        ("local://", "local://"),
    ],
)
def test_the_three_kinds(uri, known_as):
    target = open_target(uri)
    assert target.uri == known_as
    target.close()


@pytest.mark.parametrize(
    "uri",
    ["", "host", "ftp://host", "docker://", "ssh://", "ssh://h?password=x", "ssh://h?identty=/k"],
)
def test_anything_else_is_refused_with_the_forms(uri):
    with pytest.raises(BadInputError) as raised:
        open_target(uri)
    assert "docker://CONTAINER" in raised.value.hint


def test_a_ports_number_must_be_one():
    with pytest.raises(BadInputError):
        open_target("ssh://host:port")


def test_values_are_arguments_never_part_of_the_script():
    hostile = "/x'; rm -rf / #"
    argv = put_argv(hostile, 0o640, "root:velociraptor", 3)
    assert hostile not in argv[2]
    assert argv[3:] == ["put", hostile, "0640", "root:velociraptor", "3"]


def test_words_survive_the_login_shell():
    assert remote_command(["echo", "a b", "$x"]) == "echo 'a b' '$x'"
