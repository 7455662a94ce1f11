from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from server_app.cli.main import main

RECORDED = Path(__file__).parents[3] / "fixtures" / "velociraptor-0.77.2"


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs one command in this process."""
    for name in ("VELOCIRAPTOR_CONFIG", "VELOCIRAPTOR_LITERAL_CONFIG", "VELOCIRAPTOR_API_CONFIG"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: object) -> Done:
        capsys.readouterr()
        try:
            code = main([str(item) for item in arguments])
        except SystemExit as ended:
            code = int(ended.code or 0)
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return call


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The recorded server's config with a datastore of its own."""
    document = yaml.safe_load((RECORDED / "server.config.yaml").read_text())
    store = str(tmp_path / "ds")
    document["Datastore"].update(location=store, filestore_directory=store)
    path = tmp_path / "server.config.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path
