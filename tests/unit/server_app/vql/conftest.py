import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from server_app.config.keys import new_nonce
from server_app.services import OrgServices, Server
from server_app.vql.scope import Run
from server_app.vql.session import Session
from server_app.vql.text import plain

RECORDED = Path(__file__).parents[3] / "fixtures" / "velociraptor-0.77.2"

Answer = tuple[list[dict[str, Any]], list[str]]
Ask = Callable[..., Answer]


def answer(org: OrgServices | None, query: str, env: dict[str, Any], user: str | None) -> Answer:
    """The rows as JSON makes them, and the log lines."""
    logs: list[str] = []
    session = Session(Run(org, user, logs.append), env)
    rows = [dict(row) for _, result in session.results(query) for row in result]
    return json.loads(json.dumps(rows, default=plain)), logs


@pytest.fixture
def ask() -> Ask:
    """Runs a query outside of any server."""
    return lambda query, **env: answer(None, query, env, None)


@pytest.fixture
def server(tmp_path: Path):
    """A started server without front end, in a folder of its own."""
    store = str(tmp_path / "ds")
    made = Server(
        {
            "Client": {"nonce": new_nonce(), "ca_certificate": "", "server_urls": []},
            "Frontend": {"private_key": "for tests only"},
            "Datastore": {"location": store, "filestore_directory": store},
            "obfuscation_nonce": new_nonce(),
        }
    )
    made.start()
    yield made
    made.close()


@pytest.fixture
def ask_server(server: Server) -> Ask:
    """Runs a query on the server, in `org` and with the rights of `user` (None: the owner's)."""

    def run(query: str, *, org: str = "", user: str | None = None, **env: Any) -> Answer:
        return answer(server.org(org), query, env, user)

    return run


def transcript() -> list[dict[str, Any]]:
    lines = (RECORDED / "transcript.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]
