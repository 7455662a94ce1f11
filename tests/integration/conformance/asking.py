"""Plays a script on a binary and keeps the answers, in words that don't depend on the run."""

import io
import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from server_app.cli.main import main
from tests.integration.conformance.binary import Binary, ask, until
from tests.integration.conformance.scenes import damage
from tests.integration.conformance.script import SCRIPTS, Step, words
from tests.integration.conformance.stage import FIXTURES, Stage

Answer = dict[str, Any]
PATIENCE = 60.0


class Play:
    """One script on one server of its own."""

    def __init__(self, binary: Binary, object_store: str) -> None:
        self.stage = Stage(binary)
        self.names: dict[str, str] = {}
        self.apis: dict[str, Path] = {}
        folder = binary.folder
        stage = self.stage
        stage.deploy("ds", binary.new_config("server", "ds"))
        self.apis[""] = stage.api = folder / "api.yaml"
        self._make_user("", "apiuser", "administrator,api,org_admin")
        self.known = {
            "store": str(stage.store),
            "config": str(stage.config),
            "api": str(stage.api),
            "folder": str(folder),
            "s3": object_store,
            **{name.lower() + "_port": str(port) for name, port in binary.ports.items()},
        }

    def run(self, steps: list[Step]) -> Iterator[tuple[Step, Answer]]:
        """The answers, one after another."""
        self.stage.serve()
        try:
            for step in steps:
                if step.asks:
                    yield step, self._asked(step)
                else:
                    given = self._filled(step.text)
                    getattr(self, f"_{step.kind}")(*(given.split(" ") if given else ()))
        finally:
            self.stage.leave()

    # -- asking

    def _asked(self, step: Step) -> Answer:
        if step.kind == "command":
            return self._named(self._command(step))
        env = {name: self._filled(value) for name, value in step.env.items()}
        deadline = time.monotonic() + PATIENCE
        while True:
            rows, logs, error = ask(self.apis[step.user], self._filled(step.text), env, step.org)
            if rows or not step.wait or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        if step.let:
            self.names[step.let] = _first(rows)
        return self._named({"rows": rows, "logs": logs, "grpc_error": error})

    def _command(self, step: Step) -> Answer:
        binary = self.stage.binary
        given = words(self._filled(step.text))
        if binary.is_reference:
            return run_reference(given)
        done = subprocess.run(
            [*binary.argv, *given],
            cwd=binary.folder,
            env=binary.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return {"code": done.returncode, "stdout": done.stdout, "stderr": done.stderr}

    def _filled(self, text: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: self._value(found[1], found[0]), text)

    def _value(self, name: str, otherwise: str) -> str:
        return self.names.get(name) or self.known.get(name) or otherwise

    def _named(self, answer: Answer) -> Answer:
        """The answer with this run's places and ids as `{names}`."""
        text = json.dumps(answer)
        pairs = {**self.known, **{k: v for k, v in self.names.items() if len(v) > 7}}
        for name, value in sorted(pairs.items(), key=lambda pair: -len(pair[1])):
            if name.endswith("_port"):
                text = re.sub(rf"\b{value}\b", f"{{{name}}}", text)
            else:
                text = text.replace(json.dumps(value)[1:-1], f"{{{name}}}")
        return dict(json.loads(text))

    # -- doing

    def _restart(self) -> None:
        self.stage.binary.stop("server")
        self.stage.serve()

    def _kill(self) -> None:
        self.stage.binary.stop("server", signal.SIGKILL)
        self.stage.serve()

    def _start(self, name: str, org: str = "") -> None:
        before = set(self._clients(org))
        self.stage.client(name, org=org)
        if not name.endswith("again"):
            until(lambda: set(self._clients(org)) - before, f"{name} is known")
            self.names.setdefault(name, (set(self._clients(org)) - before).pop())
        self.stage.interrogated(len(self._clients(org)), org)

    def _clients(self, org: str) -> list[str]:
        query = "SELECT client_id FROM clients() WHERE os_info.hostname AND client_id != 'server'"
        return [row["client_id"] for row in self.stage.rows(query, org)]

    def _stop(self, name: str) -> None:
        self.stage.binary.stop(name)

    def _settle(self) -> None:
        self.stage.settled(0)
        time.sleep(1)

    def _user(self, name: str, roles: str) -> None:
        """An API client with these roles in the root org; the server is restarted to know it."""
        self.stage.binary.stop("server")
        self._make_user(name, name, roles)
        self.stage.serve()

    def _make_user(self, key: str, name: str, roles: str) -> None:
        path = self.apis.setdefault(key, self.stage.binary.folder / f"{name}.yaml")
        given = ("config", "api_client", "--name", name, "--role", roles, path)
        self.stage.binary.command("--config", self.stage.config, *given)

    def _write(self, path: str, *text: str) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(" ".join(text).replace("\\n", "\n"))

    def _copy(self, source: str, target: str) -> None:
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if Path(source).is_dir() else shutil.copy
        copy(source, target)

    def _fixture(self, name: str, target: str) -> None:
        self._copy(str(FIXTURES / name), target)

    def _cut(self, source: str, size: str, target: str) -> None:
        Path(target).write_bytes(Path(source).read_bytes()[: int(size)])

    def _damage(self, source: str, member: str, target: str) -> None:
        damage(Path(source), member, Path(target))

    def _drop(self, path: str) -> None:
        shutil.rmtree(path) if Path(path).is_dir() else Path(path).unlink()


def run_reference(arguments: list[str]) -> Answer:
    """The reference server's command line within this process: a hundred starts are spared."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main(arguments)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return {"code": code, "stdout": out.getvalue(), "stderr": err.getvalue()}


def _first(rows: list[dict[str, Any]]) -> str:
    value = next(iter(rows[0].values())) if rows else ""
    return value if isinstance(value, str) else json.dumps(value)


def answers(name: str, argv: list[str] | None, folder: Path, object_store: str) -> list[Answer]:
    """All answers of a script, in order."""
    play = Play(Binary(argv, folder), object_store)
    return [answer for _, answer in play.run(SCRIPTS[name])]
