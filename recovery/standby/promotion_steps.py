"""The steps of a promotion: each finds out for itself what is done already."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from recovery.capture.memory_lists import disk_lists
from recovery.counts import things
from recovery.errors import BadInputError, RecoveryError, ServerError, TargetError
from recovery.restore.hold_service import release_argv
from recovery.restore.request import Outcome
from recovery.standby import guard
from recovery.standby.fence import fence, reaches
from recovery.standby.heartbeat import seconds_unknown
from recovery.standby.pair import Machine, Pair
from recovery.standby.places import ROLE
from recovery.standby.promotion import Promotion
from recovery.standby.pull import ACTIVE, SPARE
from recovery.standby.role import take_role_argv
from recovery.standby.served import count_known, wait_for_clients
from recovery.standby.standing import Standing, advice, since, standing
from recovery.standby.status import last_sync
from recovery.standby.sync import pull
from recovery.switch.protocol import Switch
from recovery.target import Target
from recovery.vault.lease import Lease
from recovery.vault.shelf_vault import ShelfVault
from recovery.velociraptor.api import open_api
from recovery.velociraptor.clients_port import wait_for_port
from recovery.velociraptor.config import SERVICE, ServerConfig
from recovery.velociraptor.identity_providers import way_out
from recovery.velociraptor.read_config import read_config

Say = Callable[[str], None]
_READY = 120.0
_LOOK = 5.0


class Steps:
    """One promotion under way."""

    def __init__(
        self,
        vault: ShelfVault,
        pair: Pair,
        machines: tuple[Machine, Machine],
        targets: tuple[Target, Target],
        done: Promotion,
        say: Say,
    ) -> None:
        self._vault, self._pair, self.done, self._say = vault, pair, done, say
        self._old, self._new = machines
        self._old_target, self._new_target = targets
        self._began = time.monotonic()
        self._started_at = time.time()
        self._reached = self._clean = False
        self._already = False
        self._ended: datetime | None = None
        self._config: ServerConfig | None = None
        self._wanted = self._copied = 0

    def step(self, name: str, act: Callable[[], tuple[str, list[str]]]) -> None:
        """Runs a step, times it, and notes what it said."""
        began = time.monotonic()
        try:
            detail, findings = act()
        except RecoveryError as error:
            error.step = error.step or name
            raise
        seconds = round(time.monotonic() - began, 3)
        self._say(f"{name}: {detail} · {seconds:.1f} s")
        self.done.outcomes.append(
            Outcome(step=name, status="done", detail=detail, seconds=seconds, findings=findings)
        )

    def look(
        self, old_is_dead: bool, switch: Switch | None, served: list[Lease], *, back: bool
    ) -> tuple[str, list[str]]:
        """Nothing is changed before this has passed."""
        new = self._new_target
        role = new.run(["sh", "-c", 'cat "$1" 2>/dev/null || :', "role", ROLE]).text
        config = read_config(new)
        last = last_sync(new)
        found = standing(self._new.uri, role, last, served)
        self._already = found.serves
        if config.deployment != self._pair.deployment:
            found = Standing(why="it is of another deployment")
        if not (found.serves or found.current or (back and found.ended)):
            raise BadInputError(
                f"it is no usable spare: {found.why}",
                target=new.uri,
                hint=advice(found, self._old.uri, self._new.uri),
            )
        findings = []
        if not (found.serves or found.current):
            self._ended, last = found.ended, None
            findings = [f"it goes on from where its own term ended, {since(found.ended)}"]
        self._config = config
        trouble = reaches(self._old_target)
        self._reached = not trouble
        if trouble and not old_is_dead and not self._already:
            raise TargetError(
                f"the old server can't be reached ({trouble}), so it can't be stopped; it may "
                "still serve",
                target=self._old.uri,
                hint="make certain that it is off, then promote with --old-server-is-dead; nothing "
                "was changed",
            )
        words = "the old one " + ("can't be reached" if trouble else "answers")
        if switch is not None:
            words += f"; {switch.name} → {switch.current() or 'nothing'}, TTL {switch.ttl} s"
        if last:
            self._wanted, self._copied = last.clients, last.files
            self.done.rpo = 0.0 if self._reached else last.age
            held = f"{things(last.files, 'file')}, {things(last.clients, 'client')}"
            words += f"; the copy: {last.age:.0f} s old, {held}"
        return words, findings

    def fence(self, old_is_dead: bool) -> tuple[str, list[str]]:
        if not self._reached:
            if self._pair.guard_seconds and not self._already:
                least = seconds_unknown(self._vault, self._pair, self._old)
                if guard.wait_until_fenced(self._new_target, self._say, least=least):
                    return "it has stopped itself by now", []
            return ("taken as dead, on the operator's word" if old_is_dead else "done before"), []
        self._clean = fence(self._old_target)
        self._old_target.run(take_role_argv(SPARE, self._pair.datastore), timeout=60)
        guard.release(self._old_target)
        return "stopped, and held over reboots", []

    def last_sync(self) -> tuple[str, list[str]]:
        """After a clean stop nothing is lost at all: the list on its disk is the last word.

        One that crashed has written it minutes ago: the copy's own, from memory, is newer then.
        """
        if self._already:
            return "not any more: this machine serves already", []
        if self._ended is not None:
            self.done.rpo = round((datetime.now(UTC) - self._ended).total_seconds(), 1)
            return f"none: what {self._old.name} did since {since(self._ended)} is lost", []
        if not self._reached:
            return f"not possible; up to {self.done.rpo:.0f} s of work are lost", []
        last = last_sync(self._new_target)
        age, asked = (last.age, last.asked) if last else (None, 0)
        try:
            pulled = pull(
                self._new_target,
                self._old,
                self._pair.datastore,
                lambda: disk_lists(
                    self._old_target, self._pair.datastore, 0 if self._clean else asked
                ),
                time.monotonic(),
                self.done.epoch,
                _quiet,
                asked=asked,
                known=self._copied,
            )
        except RecoveryError as failed:
            last = last_sync(self._new_target)
            self.done.rpo = last.age if last else None
            return "it failed; the copy stays as it was", [f"last sync: {failed.message}"]
        self.done.rpo = 0.0
        self._wanted = pulled.clients if self._clean else max(pulled.clients, self._wanted)
        if self._wanted and not pulled.clients:
            self.done.rpo = age
            words = "no sign that the old server ended cleanly: labels and clients are of the "
            return things(pulled.sent, "file"), [f"{words}last sync, {age:.0f} s old"]
        return f"{things(pulled.sent, 'file')}, {pulled.moved / 1e6:.1f} MB; nothing is missing", []

    def start(self) -> tuple[str, list[str]]:
        """From here on no sync writes over this datastore."""
        self._new_target.run(take_role_argv(ACTIVE, self._pair.datastore), timeout=60)
        if self._pair.guard_seconds:
            guard.install(self._new_target)
        began = time.monotonic()
        self._started_at = time.time()
        self._new_target.run(release_argv(), timeout=60)
        with open_api(self._new_target, self._checked_config()) as api:
            while True:
                try:
                    api.wait_ready(_LOOK)
                except ServerError as silent:
                    if time.monotonic() - began > _READY or self._has_failed():
                        raise self._with_last_words(silent) from silent
                else:
                    return f"answers after {time.monotonic() - began:.1f} s", []

    def check(self) -> tuple[str, list[str]]:
        """The list is whole, and the port that clients use is open."""
        findings = []
        known = count_known(self._new_target, self._checked_config())
        self.done.clients = known
        if known < self._wanted:
            findings.append(f"{known} of {self._wanted} clients are in its list")
        port = self._checked_config().frontend_port
        if why := wait_for_port(self._new_target, port):
            findings.append(f"{why}: no client reaches it")
        return f"{things(known, 'client')} in its list, port {port} is open", findings

    def switch(self, switch: Switch) -> tuple[str, list[str]]:
        ttl = switch.ttl
        if switch.current() != self._new.address:
            switch.to(self._new.address)
        return f"{switch.name} → {self._new.address}, everywhere within {ttl} s", []

    def clients_back(self, wait: float | None, switch: Switch) -> tuple[str, list[str]]:
        """Those that poll: a client that is switched off can't come back."""
        config = self._checked_config()
        limit = config.max_poll + switch.ttl + 15 if wait is None else wait
        started = self._started_at - 1
        back, known = wait_for_clients(self._new_target, config, started, limit, self._say)
        self.done.back = back
        self.done.served = round(time.monotonic() - self._began, 3)
        return f"{back} of {known} within {self.done.served:.1f} s of the beginning", []

    def _checked_config(self) -> ServerConfig:
        if self._config is None:
            raise RuntimeError("nothing was looked at yet")
        return self._config

    def _has_failed(self) -> bool:
        show = ["systemctl", "show", SERVICE, "-p", "Result", "--value"]
        return self._new_target.run(show).text not in ("success", "")

    def _with_last_words(self, silent: ServerError) -> ServerError:
        journal = ["journalctl", "-u", SERVICE, "-n", "8", "--no-pager", "-o", "cat"]
        log = self._new_target.run(journal, check=False).text
        way = way_out(self._checked_config())
        return ServerError(
            f"{silent.message}\n  its last words: {log or 'none'}",
            target=self._new.uri,
            hint=f"{way}; "
            * bool(way)
            + "mend it there and run the same command again; the old server stays stopped "
            "(`recovery standby promote --to` the old one goes back to it)",
        )


def _quiet(_line: str) -> None:
    """The step says the numbers itself."""
