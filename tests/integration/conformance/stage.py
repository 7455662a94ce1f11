"""A server and its clients, on which recorded calls are repeated with ids of now."""

import json
import re
import shutil
import signal
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.integration.conformance.binary import ID_CORE, REPOSITORY, Binary, ask, until
from tests.integration.conformance.compare import compare_calls, ordered
from tests.integration.conformance.rules import ANY_ORDER

FIXTURES = REPOSITORY / "tests" / "fixtures" / "velociraptor-0.77.2"
CALLS = [json.loads(line) for line in (FIXTURES / "transcript.jsonl").read_text().splitlines()]
CLIENT = "C.cad7afe0171b436e"
ACME_CLIENT = "C.19111fed7cb0ceed"
FOURTH_CLIENT = "C.36240ae202e66090"
THIRD_CLIENT = "C.3c2efc19d6c01c20"


@dataclass
class Stage:
    """Repeats calls; `outcomes` maps a call's number to its differences."""

    binary: Binary
    name: str = ""
    broken: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    outcomes: dict[int, list[str]] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    """Calls that this machine doesn't let be repeated, and why."""
    now: dict[str, str] = field(default_factory=dict)
    """recorded id -> id of this run"""
    config: Path = Path()
    api: Path = Path()
    api_of_stranger: Path = Path()
    store: Path = Path()

    # -- servers and clients

    def deploy(self, datastore: str, config: Path) -> None:
        """Puts the stage on another datastore; the server isn't started."""
        self.config = config
        self.store = self.binary.folder / datastore

    def serve(self) -> None:
        self.binary.start("server", "--config", self.config, "frontend")

        def answers() -> bool:
            assert self.binary.alive("server"), "the server ended; see logs/server.out"
            refused = self.ask("SELECT 1 FROM scope()")[2]
            return refused is None or "UNAVAILABLE" not in refused["code"]

        until(answers, "the API answers")

    def leave(self, how: int = signal.SIGTERM) -> None:
        """Ends server and clients."""
        self.binary.stop_all(how)

    def add_api_user(self) -> None:
        """As recorded: an administrator of the root org, made while the server is stopped."""
        roles = "administrator,api,org_admin"
        unused = self.binary.folder / "unused.yaml"
        given = ("--name", "apiuser", "--role", roles)
        self.binary.command("--config", self.config, "config", "api_client", *given, unused)

    def client(self, name: str = "client", org: str = "") -> None:
        """Starts a client; the one called "client" has the recorded key, hence id."""
        folder = self.binary.folder / name
        writeback = folder / "writeback.yaml"
        if not folder.exists():
            folder.mkdir(0o700)
            if name == "client":
                shutil.copy(FIXTURES / "client_writeback.yaml", writeback)
                writeback.chmod(0o600)
        given = ("config", "client", *(("--org", org) if org else ()))
        text = self.binary.command("--config", self.config, *given)
        place = str(self.binary.folder / "client" / "writeback.yaml")
        config = folder / "client.yaml"
        config.write_text(text.replace(place, str(writeback)))
        self.binary.start(name, "--config", config, "client")

    # -- queries

    def ask(self, query: str, env: dict[str, str] | None = None, org: str = "") -> Any:
        return ask(self.api, query, env, org)

    def rows(self, query: str, org: str = "") -> list[dict[str, Any]]:
        return list(self.ask(query, org=org)[0])

    def interrogated(self, number: int, org: str = "") -> None:
        """Waits until so many clients have told about themselves."""
        query = "SELECT client_id, os_info.hostname AS h FROM clients() "
        query += "WHERE h AND client_id != 'server'"
        until(lambda: len(self.rows(query, org)) >= number, f"{number} clients known in {org}")
        self.settled(number, org)

    def settled(self, number: int, org: str = "", client: str = "") -> None:
        """Waits until there are so many flows, and all are finished."""
        flows = (
            f"SELECT session_id, state FROM flows(client_id='{client}')"
            if client
            else "SELECT * FROM foreach(row={SELECT client_id FROM clients()}, "
            "query={SELECT session_id, state FROM flows(client_id=client_id)})"
        )

        def finished() -> bool:
            found = self.rows(flows, org)
            ended = {"FINISHED", "ERROR"}
            return len(found) >= number and all(row["state"] in ended for row in found)

        until(finished, f"{number} flows finished in {org or 'root'}")
        time.sleep(0.5)  # counts of hunts follow their flows

    # -- repeating

    def substitute(self, text: str) -> str:
        for then, now in self.now.items():
            text = text.replace(then, now)
        return (
            text.replace("/srv/lab1/A/ds", str(self.store))
            .replace("/srv/lab1/client1", str(self.binary.folder / "client"))
            .replace("/srv/lab1", str(self.binary.folder))
        )

    def recalled(self, value: Any) -> Any:
        """An answer in the words of the recording."""
        text = json.dumps(value)
        for then, now in self.now.items():
            text = text.replace(now, then)
        for then, now in [
            ("/srv/lab1/A/ds", str(self.store)),
            ("/srv/lab1/client1", str(self.binary.folder / "client")),
            ("/srv/lab1", str(self.binary.folder)),
        ]:
            text = text.replace(now, then)
        name = re.escape(socket.gethostname())
        text = re.sub(rf'(?<=["/\'])({name})(?=["\'-])', "vm", text)
        return json.loads(text)

    def _learn(self, recorded: Any, rows: Any) -> None:
        then, now = (ID_CORE.findall(json.dumps(value)) for value in (recorded, rows))
        for left, right in zip(then, now, strict=False):
            if left != right and left not in self.now and right not in self.now.values():
                self.now.setdefault(left, right)

    def replay(self, *numbers: int | range) -> None:
        """Repeats calls of the transcript and notes where they differ."""
        for number in numbers:
            if isinstance(number, range):
                self.replay(*number)
                continue
            call = CALLS[number]
            env = {key: self.substitute(value) for key, value in call["env"].items()}
            rows, logs, error = self.ask(self.substitute(call["query"]), env, call["org"])
            sort = number in ANY_ORDER
            if len(rows) == len(call["rows"]):
                known = self.recalled(rows)
                pair = (ordered(call["rows"]), ordered(known)) if sort else (call["rows"], known)
                self._learn(*pair)
            seen = self.recalled([rows, logs, error])
            self.outcomes[number] = compare_calls(call, *seen, sort=sort)
