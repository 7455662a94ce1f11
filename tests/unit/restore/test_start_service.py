"""A server that ends at its start: its last words, and what may be the cause."""

import os
import subprocess
from types import SimpleNamespace

import pytest

from recovery.commands import Result
from recovery.errors import ServerError
from recovery.restore.start_service import start_service, unreadable_secrets
from recovery.target import open_target
from recovery.velociraptor.config import ServerConfig


class Ending:
    """A machine whose service ends badly right after its start, and its API that is silent."""

    def run(self, argv, **_):
        said = b"exit-code" if "show" in argv else b"frontend: connection refused"
        return Result(tuple(argv), 0, said, b"")

    def wait_ready(self, _seconds):
        raise ServerError("no answer", hint="look at its journal")


@pytest.mark.parametrize(
    ("authenticator", "hint"),
    [
        ({"type": "Basic"}, "look at its journal"),
        (
            {"type": "oidc", "oidc_issuer": "https://login.example"},
            "asks https://login.example, and",
        ),
    ],
)
def test_the_identity_provider_that_it_asks_is_named(authenticator, hint):
    machine = Ending()
    config = ServerConfig(b"", {"GUI": {"authenticator": authenticator}})
    context = SimpleNamespace(
        target=machine,
        api=lambda: machine,
        config=config,
        facts={},
        request=SimpleNamespace(ready_timeout=60),
    )
    with pytest.raises(ServerError, match="its last words: frontend: connection") as ended:
        start_service(context)
    assert hint in ended.value.hint


@pytest.fixture
def serving(tmp_path, monkeypatch):
    """This machine, on which the service is a process with one variable of its own."""
    environment = {"VELO_KEY": "hush", "PATH": os.environ["PATH"]}
    with subprocess.Popen(["sleep", "60"], env=environment) as process:
        systemctl = tmp_path / "systemctl"
        systemctl.write_text(f"#!/bin/sh\necho {process.pid}\n")
        systemctl.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        target = open_target("local://")
        yield target
        target.close()
        process.kill()


@pytest.mark.parametrize(
    ("key", "secrets", "part", "named"),
    [
        ("env://VELO_KEY", {"S": "1"}, "state", False),
        ("env://OTHER", {"S": "1"}, "state", True),
        ("env://OTHER", {}, "state", False),
        ("env://OTHER", {"S": "1"}, "backup", False),
        ("the key itself", {"S": "1"}, "state", False),
    ],
)
def test_secrets_whose_key_the_machine_lacks_are_a_finding(serving, key, secrets, part, named):
    inventory = SimpleNamespace(orgs={"root": {}, "OACME": {"secrets": secrets}})
    context = SimpleNamespace(
        target=serving,
        config=ServerConfig(b"", {"security": {"secrets_dek": key}}),
        has_point=True,
        manifest=SimpleNamespace(inventory=inventory),
        wants=lambda asked: asked == part,
    )
    found = unreadable_secrets(context)
    assert [("(OTHER)" in line) for line in found] == [True] * named
    assert "hush" not in "".join(found)
