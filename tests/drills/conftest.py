"""Whole drills, by the command that a person types."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest

from tests.integration.target.machines import need_engine

CLONE = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from recovery.cli import app; app()"]


def engine():
    """The Docker engine, or a skip that says why."""
    need_engine()
    return docker.from_env(timeout=60)


@dataclass
class Ended:
    """A drill's exit code, streams, and report (None where it ended without)."""

    code: int
    out: str
    err: str
    report: dict | None

    @property
    def run(self):
        """Its id, as it said itself."""
        return self.err.split("drill ", 1)[1][:6]


class Drills:
    """Runs drills on the server of the environment: a real one, else the reference server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.client = engine()

    def argv(self, *options: str) -> list[str]:
        real = os.environ.get("RECOVERY_SERVER_BINARY")
        binary = ["--server-binary", real] if real else []
        return [*COMMAND, "drill", "--report", str(self.folder / "report"), *binary, *options]

    def environment(self) -> dict[str, str]:
        packaging = f"{CLONE}{os.pathsep}{CLONE / 'packaging'}"
        return {**os.environ, "PYTHONPATH": packaging, "XDG_STATE_HOME": str(self.folder / "state")}

    def start(self, *options: str) -> subprocess.Popen:
        """A drill of its own process group; its streams go to files."""
        with (self.folder / "out").open("w") as out, (self.folder / "err").open("w") as err:
            return subprocess.Popen(
                self.argv(*options),
                cwd=CLONE,
                env=self.environment(),
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def wait_for(self, process: subprocess.Popen, words: str) -> None:
        """Returns when the drill has said so."""
        deadline = time.monotonic() + 300
        while words not in (self.folder / "err").read_text():
            assert process.poll() is None, (self.folder / "err").read_text()[-2000:]
            assert time.monotonic() < deadline, f"never said {words!r}"
            time.sleep(0.1)

    def ended(self, process: subprocess.Popen) -> Ended:
        """What came of it."""
        code = process.wait(timeout=500)
        file = self.folder / "report" / "report.json"
        report = json.loads(file.read_text()) if file.exists() else None
        texts = [(self.folder / stream).read_text() for stream in ("out", "err")]
        return Ended(code, *texts, report)

    def run(self, *options: str) -> Ended:
        """A drill from its start to its end."""
        shutil.rmtree(self.folder / "report", ignore_errors=True)
        return self.ended(self.start(*options))

    def command(self, *words: str) -> subprocess.CompletedProcess:
        """Another verb, in the same state folder."""
        return subprocess.run(
            [*COMMAND, *words],
            cwd=CLONE,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def left(self, run: str) -> list[str]:
        """Everything on the engine and in the state folder that bears the run's name."""
        things = [one.name for one in self.client.containers.list(ignore_removed=True, all=True)]
        things += [one.name for one in self.client.networks.list()]
        things += [one.name for one in self.client.volumes.list()]
        things += [str(path) for path in (self.folder / "state").rglob("drills/*")]
        return [name for name in things if run in name]


@pytest.fixture(name="drills")
def _drills(tmp_path):
    made = Drills(tmp_path)
    yield made
    made.client.close()
