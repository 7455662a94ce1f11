"""What a step works with: the machine, the recovery point, a private work folder, the API."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import cached_property
from pathlib import Path
from typing import Self

from recovery.errors import BadInputError, RecoveryError
from recovery.file_hash import sha256_of
from recovery.restore.borrow_archives import with_archives
from recovery.restore.choice import Choice
from recovery.restore.choose_point import newest_good
from recovery.restore.hold_machine import hold_machine
from recovery.restore.inbox import Inbox
from recovery.restore.journal import Journal
from recovery.restore.ledger import Ledger
from recovery.restore.request import RestoreRequest
from recovery.restore.work_folder import work_folder
from recovery.target import Target, open_target
from recovery.vault.manifest import Manifest, StoredObject
from recovery.vault.named_tar import read_named_tar
from recovery.vault.store import Vault, open_vault
from recovery.velociraptor.api import Api, open_api
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.named_files import named_places
from recovery.velociraptor.read_config import read_config

Say = Callable[[str], None]
SMALL = 32 << 10
"""Bytes of an archive that is kept in memory, of which batches hold hundreds."""


def first_deployment(package: str) -> str:
    """The journal's word for a deployment of this package alone; another package is another.

    Raises :class:`BadInputError` when it can't be read.
    """
    try:
        return f"first deployment {sha256_of(Path(package))}"
    except OSError as refused:
        raise BadInputError(
            f"the server package {package} can't be read: {refused.strerror}",
            hint="build one: `recovery package build --binary FILE --config FILE`",
        ) from refused


class Context:
    """One run of a group of steps; a context manager that closes what it opened."""

    def __init__(self, request: RestoreRequest, say: Say, *, asks_first: bool = False) -> None:
        """``asks_first``: the steps ask a server that runs already, before anything else."""
        self.request = request
        self.say = say
        self.asks_first = asks_first
        self.facts: dict[str, str] = {}
        self.allowed: set[tuple[str, str]] | None = None
        """(org, user) that may come back; None before the review."""
        self.earlier: dict[str, Manifest | None] = {}
        """A point's id → the point that it is compared with: opening one of many takes its time."""
        self.importing = threading.Lock()
        """Held while the server imports a batch."""
        self.met: set[tuple[str, str]] = set()
        """(org, client) that this run imported a flow of: the server knows them."""
        self.records_believed: set[str] = set()
        """Orgs whose flows' records lie on the disk where they are expected."""
        self._stack = ExitStack()
        self.beside = ThreadPoolExecutor(thread_name_prefix="beside")
        """For what is done at the same time as something else."""
        self._stack.callback(self.beside.shutdown, cancel_futures=True)
        self._api: Api | None = None
        self._opening = threading.Lock()
        self._caller: threading.Thread | None = None
        self._held = False
        self._still_held: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._caller:
            self._caller.join()
        self._stack.close()

    @cached_property
    def target(self) -> Target:
        target = open_target(self.request.target)
        self._stack.callback(target.close)
        return target

    @cached_property
    def vault(self) -> Vault:
        return open_vault(self.request.vault)

    @property
    def has_point(self) -> bool:
        """False for a first deployment, which has a package and nothing else."""
        return bool(self.request.vault)

    @cached_property
    def manifest(self) -> Manifest:
        if not self.has_point:
            raise BadInputError(
                "neither a vault nor a package was given",
                step="choose the recovery point",
                hint="set recovery:vault (or recovery:package for a first deployment)",
            )
        if self.request.point:
            chosen = self.vault.point(self.request.point)
        else:
            chosen = newest_good(self.vault, self.request.deployment, self.say)
        if "collections" not in self.request.strategy:
            return chosen
        return with_archives(chosen, self.vault, self.say)

    @cached_property
    def folder(self) -> Path:
        """A 0700 folder of this run, gone at its end."""
        return self._stack.enter_context(work_folder())

    def fetch(self, item: StoredObject) -> Path:
        """The object as a file in the work folder, fetched once, hash checked."""
        into = self.folder / item.sha256
        return into if into.exists() else self.vault.fetch(item, into)

    def read(self, item: StoredObject) -> bytes | Path:
        """The object, hash checked: its content where it is small, else as :meth:`fetch`.

        Thousands of small files would cost more than what is in them (measured: a file made and
        taken away costs as much as to read an archive).
        """
        return self.vault.read(item) if item.size <= SMALL else self.fetch(item)

    @cached_property
    def config(self) -> ServerConfig:
        """The captured configuration; for a first deployment the one now on the machine."""
        if self.has_point:
            raw = self.fetch(self.manifest.config).read_bytes()
            return ServerConfig.parse(raw, source=f"config of {self.manifest.point}")
        return read_config(self.target)

    @cached_property
    def named(self) -> dict[str, bytes]:
        """The files that the config names, out of the point: full path → content, checked once.

        Raises :class:`BadInputError`.
        """
        held, point = self.manifest.named, self.manifest.point
        if held is None:
            return {}
        return read_named_tar(self.fetch(held.tar), held, named_places(self.config), point)

    @cached_property
    def journal(self) -> Journal:
        """Kept on the machine itself, so that whoever goes on knows what was done."""
        point = self.manifest.point if self.has_point else first_deployment(self.request.package)
        wanted = self.choice.model_dump(mode="json", exclude_defaults=True)
        return Journal(self.target, point, self.request.asked_for, wanted)

    @cached_property
    def ledger(self) -> Ledger:
        """What was imported into this machine, and what was begun and not seen through."""
        return Ledger(self.target)

    @cached_property
    def inbox(self) -> Inbox:
        """Where archives wait on the machine for the server."""
        inbox = Inbox(self.target)
        self._stack.callback(inbox.close)
        return inbox

    def forget_what_was_done(self) -> None:
        """Journal and ledger are read anew."""
        for name in ("journal", "ledger"):
            self.__dict__.pop(name, None)

    @property
    def held(self) -> bool:
        """Whether this run holds the machine; before that it changes nothing there."""
        return self._held

    def hold(self) -> None:
        """Keeps every other recovery off the machine until this run ends.

        Called before every step that changes something; raises as :meth:`still_held` does.
        """
        if not self._held:
            self._still_held = self._stack.enter_context(
                hold_machine(self.target, self.say, meanwhile=self._call_ahead)
            )
            self._held = True
            if self.asks_first:  # while the server is being called
                threading.Thread(target=self._open_ahead, daemon=True).start()
        self.still_held()

    def still_held(self) -> None:
        """Raises :class:`TargetError` where the machine was held, and is no more."""
        self._still_held()

    def _call_ahead(self) -> None:
        """Connects to a server that runs while the lock is asked for: each takes 0.1 s.

        Whatever is wrong is told to who asks next.
        """
        if not self.asks_first:
            return

        def call() -> None:
            with suppress(RecoveryError):
                self.api().wait_ready(0)

        self._caller = threading.Thread(target=call, name="calls ahead", daemon=True)
        self._caller.start()

    def _open_ahead(self) -> None:
        """The inbox, and what the next commands share; whatever is wrong is told to them."""
        with suppress(RecoveryError):
            self.inbox.open()
            self.target.run(["true"])

    def api(self) -> Api:
        """The server's API, opened once, whoever asks first."""
        with self._opening:
            if self._api is None:
                self._api = self._stack.enter_context(open_api(self.target, self.config))
            return self._api

    def wants(self, part: str) -> bool:
        """Whether the strategy asks for ``part`` and the recovery point holds it."""
        asked = {*self.request.strategy}
        if "datastore" in asked:
            asked.add("state")  # it completes a complete copy
        if part not in asked or not self.has_point:
            return False
        held = {
            "state": self.manifest.state,
            "backup": self.manifest.backups,
            "collections": self.manifest.archives,
        }
        return bool(held.get(part, True))

    @property
    def choice(self) -> Choice:
        """What is wanted back, where not everything."""
        return self.request.choice

    def wants_org(self, org: str) -> bool:
        """Whether ``org`` comes back. The root org's state always does: it has the users."""
        return self.choice.org(org)
