import io
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest


def test_a_user_is_added_and_shown(run, config: Path) -> None:
    done = run("--config", config, "user", "add", "alice", "alicepw", "--role", "investigator,api")
    assert done.code == 0
    assert "may not be immediately visible to a running server" in done.out
    shown = run("--config", config, "user", "show", "alice")
    assert json.loads(shown.out)["name"] == "alice"
    assert "password" not in shown.out.replace('"password_less"', "")


def test_hashes_are_shown_when_asked_for(run, config: Path) -> None:
    run("--config", config, "user", "add", "alice", "alicepw", "--role", "reader")
    done = run("--config", config, "user", "show", "alice", "--with_hashes")
    assert re.search(r"^Password hash is [0-9a-f]{64}$", done.out, re.MULTILINE)
    assert re.search(r"^Password salt is [0-9a-f]{32,}$", done.out, re.MULTILINE)


def test_a_password_is_read_from_the_terminal(run, config: Path) -> None:
    ours, theirs = pty.openpty()
    argv = [sys.executable, "-m", "server_app", "--config", str(config), "user", "add", "alice"]
    with os.fdopen(ours, "wb", buffering=0) as keyboard, os.fdopen(theirs) as terminal:
        adding = subprocess.Popen(
            [*argv, "--role", "reader"],
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert adding.stdout
        asked = adding.stdout.read(len("Enter user's password: "))
        keyboard.write(b"typed\n")
        adding.communicate(timeout=30)
    assert (adding.returncode, asked) == (0, b"Enter user's password: ")
    first = run("--config", config, "user", "show", "alice", "--with_hashes").out
    run("--config", config, "user", "add", "alice", "another", "--role", "reader")
    assert run("--config", config, "user", "show", "alice", "--with_hashes").out != first


def test_a_pipe_is_no_terminal_and_the_roles_are_granted_before_it_shows(
    run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("from stdin\n"))
    done = run("--config", config, "user", "add", "alice", "--role", "reader")
    assert (done.code, done.out) == (1, "Enter user's password: ")
    assert "Unable to read password from terminal" in done.err
    assert json.loads(run("--config", config, "acl", "show", "alice").out) == {"roles": ["reader"]}
    assert run("--config", config, "user", "show", "alice").code == 1


def test_a_user_who_is_not_there(run, config: Path) -> None:
    done = run("--config", config, "user", "show", "nobody")
    assert (done.code, done.out) == (1, "")
    assert "User not found" in done.err
    assert (
        "User not found" in run("--config", config, "acl", "grant", "nobody", "--role", "api").err
    )


def test_policies(run, config: Path) -> None:
    run("--config", config, "user", "add", "bob", "bobpw", "--role", "reader")

    def policy(*flags: str) -> dict:
        return json.loads(run("--config", config, "acl", "show", "bob", *flags).out)

    assert policy() == {"roles": ["reader"]}
    run("--config", config, "acl", "grant", "bob", '{"label_clients": true}', "--role", "api")
    assert policy() == {"label_clients": True, "roles": ["api"]}
    run("--config", config, "acl", "grant", "bob", '{"read_results": true}', "--merge")
    assert policy() == {"read_results": True, "label_clients": True, "roles": ["api"]}
    run("--config", config, "acl", "grant", "bob", "--role", "reader,api")
    assert policy() == {"roles": ["reader", "api"]}
    assert policy("--effective")["read_results"] is True
    for text in ("[]", "nonsense"):
        assert "Invalid policy" in run("--config", config, "acl", "grant", "bob", text).err


def test_a_role_that_is_none_is_refused_here(run, config: Path) -> None:
    """The API takes it silently (facts); the command line doesn't."""
    done = run("--config", config, "user", "add", "bob", "bobpw", "--role", "nosuchrole")
    assert (done.code, done.out) == (1, "")
    assert done.err == "velociraptor: error: user add: Invalid role nosuchrole\n"


def test_a_policy_of_nobody_is_an_error(run, config: Path) -> None:
    done = run("--config", config, "acl", "show", "nobody")
    assert (done.code, done.out) == (1, "")
    assert "Unable to load existing policy for 'nobody': NotFoundError" in done.err


def test_orgs_are_listed(run, config: Path) -> None:
    import yaml

    from server_app.services import Server

    Server(yaml.safe_load(config.read_text())).org("").orgs.create("Acme", "OACME")
    assert run("--config", config, "org", "ls").out == "root\t<root>\nOACME\tAcme\n"
