import socket
from pathlib import Path
from typing import Any

import pytest

from server_app.config import load_api_config, load_config

RECORDED = Path(__file__).parents[3] / "fixtures" / "velociraptor-0.77.2"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Api:
    """A server with the recorded config and keys, its API open, asked by the recorded api.yaml."""

    def __init__(self, folder: Path) -> None:
        from server_app.api.service import open_api
        from server_app.services import Server

        self.config = load_config(str(RECORDED / "server.config.yaml"), {})
        store = str(folder / "ds")
        self.config["Datastore"].update(location=store, filestore_directory=store)
        self.config["API"]["bind_port"] = free_port()
        self.server = Server(self.config)
        self.server.start()
        self._listener = open_api(self.server)
        credentials = load_api_config(str(RECORDED / "api.yaml"), {})
        assert credentials is not None
        address = f"127.0.0.1:{self.config['API']['bind_port']}"
        self.credentials: dict[str, Any] = {**credentials, "api_connection_string": address}

    def ask(self, query: str, **options: Any) -> tuple[list[dict[str, Any]], list[str]]:
        from server_app.api.remote import remote_query

        rows: list[dict[str, Any]] = []
        logs: list[str] = []
        options.setdefault("env", {})
        for line, part in remote_query(self.credentials, [query], **options):
            rows += part
            logs += [line] if line else []
        return rows, logs

    def close(self) -> None:
        self._listener.stop(None).wait()
        self.server.close()


@pytest.fixture
def api(tmp_path: Path):
    opened = Api(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def known_api(api: Api) -> Api:
    """The same, once the user of api.yaml exists."""
    api.server.org("").users.create("apiuser", ["administrator", "api", "org_admin"])
    return api
