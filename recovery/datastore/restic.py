"""restic on any target: found there, else brought along; its secrets by standard input only.

The password and credentials go through a pipe into the process's own environment: never into
argv, never onto a disk. A key for sftp lies in a 0700 folder while restic runs.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from recovery.commands import Result
from recovery.datastore.repository import Repository, secrets_of
from recovery.errors import CommandError, RecoveryError
from recovery.target import Target

FOLDER = "/var/lib/velociraptor-recovery"
_BROUGHT = f"{FOLDER}/bin/restic"
_CACHE = f"{FOLDER}/restic-cache"
_FIND = 'command -v restic || { [ ! -x "$1" ] || echo "$1"; }'
# NUL-separated NAME=VALUE from standard input into the environment; restic itself gets none.
_RUN = (
    'while IFS= read -r -d "" pair; do export "$pair"; done; '
    'cd -- "$1"; shift; exec "$@" </dev/null'
)
_HOURS = 86400.0
_NONE_THERE = (
    "is the address right? A folder is looked for where restic runs: at a restore on the new "
    "machine, else where --on says; "
    "`recovery datastore backup` makes the repository"
)
_KEYS = "are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY set, and may they use this bucket?"
_NO_HOST_KEY = "give the storage's host key: ?known_hosts=FILE"
_NO_SFTP = (
    "does an SSH server answer at that address and port, and may this key log in? Try "
    "`ssh -i FILE -p PORT USER@HOST` on the machine where restic runs"
)
_HINTS = (
    ("wrong password", "RESTIC_PASSWORD_FILE holds another repository's password"),
    *((refused, _KEYS) for refused in ("Access Denied", "signature we calculated", "AccessKeyId")),
    (
        "Is there a repository",
        _NONE_THERE,
    ),
    (
        "unable to open config file",
        _NONE_THERE,
    ),
    (
        "already locked",
        "another restic is at work there, or one was killed: `recovery datastore verify --unlock`",
    ),
    (
        "no space left",
        "the machine, or the repository, is full: make space; what was there is whole",
    ),
    ("Host key verification failed", _NO_HOST_KEY),
    ("host key is known", _NO_HOST_KEY),
    ("Permission denied", "the key or the rights at the repository are not the right ones"),
    ("unable to start the sftp session", _NO_SFTP),
)


class Restic:
    """Calls of restic on ``target`` for one repository. A context manager; leaves nothing there
    but its cache (and itself, where the machine had none).
    """

    def __init__(
        self, target: Target, repository: Repository, environment: Mapping[str, str] | None = None
    ) -> None:
        self.target = target
        self.repository = repository
        self._secrets = secrets_of(os.environ if environment is None else environment)
        self._folder = f"{FOLDER}/restic-{os.getpid()}-{id(self):x}"

    def __enter__(self) -> Self:
        files = {role: path.read_bytes() for role, path in self.repository.files.items()}
        if files:
            self.target.run(["install", "-d", "-m", "700", FOLDER, self._folder])
            for role, content in files.items():
                self.target.put(content, f"{self._folder}/{role}", mode=0o600)
        return self

    def __exit__(self, *exc: object) -> None:
        if self.repository.files:
            self.target.run(["rm", "-rf", "--", self._folder], check=False)

    @cached_property
    def _binary(self) -> str:
        """Where restic is on the target; this machine's own is put there if it has none.

        Raises :class:`CommandError` when neither has one that runs there.
        """
        found = self.target.run(["sh", "-c", _FIND, "find", _BROUGHT]).text
        if found:
            return found.splitlines()[0]
        own = shutil.which("restic")
        hint = "install Debian's package there: `apt-get install restic`"
        if own is None:
            raise CommandError(
                "there is no restic, neither there nor here", target=self.target.uri, hint=hint
            )
        self.target.put(Path(own), _BROUGHT, mode=0o700)
        try:
            self.target.run([_BROUGHT, "version"])
        except CommandError as refused:
            self.target.run(["rm", "-f", _BROUGHT], check=False)
            raise CommandError(
                f"this machine's restic does not run there: {refused.message}",
                target=self.target.uri,
                hint=hint,
            ) from refused
        return _BROUGHT

    def run(
        self,
        words: Sequence[str],
        *,
        folder: str = "/",
        timeout: float = _HOURS,
        check: bool = True,
    ) -> Result:
        """``restic WORDS`` in ``folder`` of the target; :class:`CommandError` with a hint."""
        done = self.target.run(
            ["bash", "-c", _RUN, "restic", folder, *self.argv(words)],
            stdin=self.secret_input,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode:
            raise self.failure(words[0], done)
        return done

    def argv(self, words: Sequence[str]) -> list[str]:
        """``restic WORDS`` for this repository, without its secrets."""
        return [self._binary, "--cache-dir", _CACHE, *self.repository.argv(self._folder), *words]

    @property
    def secret_input(self) -> bytes:
        """NAME=VALUE of each secret, each ended by NUL: for a standard input, and nothing else."""
        return "".join(f"{name}={value}\0" for name, value in self._secrets.items()).encode()

    def lines(self, words: Sequence[str]) -> Iterator[Any]:
        """The JSON lines of ``restic --json``."""
        done = self.run(["--json", *words], check=False)
        if done.returncode:
            raise self.failure(words[0], done)
        for line in done.stdout.splitlines():
            if line.startswith((b"{", b"[")):
                yield json.loads(line)

    def exists(self) -> bool:
        """Whether the repository is there and opens. Raises when it is there and doesn't."""
        done = self.run(["cat", "config"], check=False, timeout=300)
        if done.returncode == 0:
            return True
        said = done.stderr.decode("utf-8", "replace")
        missing = ("Is there a repository", "unable to open config file", "does not exist")
        if any(mark in said for mark in missing) and "wrong password" not in said:
            return False
        raise self.failure("open", done)

    def make_if_absent(self) -> bool:
        """Makes the repository unless it is there; whether it was made now."""
        if self.exists():
            return False
        self.run(["init"], timeout=300)
        return True

    def failure(self, what: str, done: Result) -> RecoveryError:
        """Restic's own words as an error, with what to do next."""
        said = done.error_text
        hint = next((hint for mark, hint in _HINTS if mark.lower() in said.lower()), "")
        return CommandError(
            f"restic {what} ended with {done.returncode}: {said}",
            step="copies of the datastore",
            target=self.repository.uri,
            hint=hint or "what was copied before is as it was; run the same command again",
        )


@contextmanager
def open_restic(
    target: Target, repository: Repository, environment: Mapping[str, str] | None = None
) -> Iterator[Restic]:
    """A :class:`Restic` for the length of the block."""
    with Restic(target, repository, environment) as restic:
        yield restic
