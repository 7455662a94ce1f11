"""A server that ends at its start: its last words, and what may be the cause."""

from types import SimpleNamespace

import pytest

from recovery.commands import Result
from recovery.errors import ServerError
from recovery.restore.start_service import start_service
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
