"""Names and what they mean while a query runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from server_app.vql import syntax

if TYPE_CHECKING:
    from server_app.services import OrgServices

ROOT_NAMES = (
    "_SessionId", "$device_manager", "config", "$acl", "Artifact", "$repository", "$root",
)  # fmt: skip
"""Names in every scope, listed in the message about an unknown name."""


class QueryCancelled(Exception):  # noqa: N818 - an outcome, not a fault
    """The query's time is over or its client has gone."""


class Run:
    """One query call: for whom and where it runs, its log, its end.

    `org` is None outside of a server (a query without a config); `principal`
    None stands for the machine's owner, who may do everything.
    """

    def __init__(
        self,
        org: OrgServices | None,
        principal: str | None,
        log: Callable[[str], None],
        timeout: float = 0,
        is_active: Callable[[], bool] = lambda: True,
    ) -> None:
        self.org = org
        self.principal = principal
        self.started = time.monotonic()
        self.deadline = self.started + timeout if timeout > 0 else None
        self.cancelled = False
        self.depth = 0
        self._log = log
        self._said: dict[str, float] = {}
        self._is_active = is_active

    def log(self, text: str) -> None:
        if not self.cancelled:
            self._log(text)

    def said_lately(self, message: str, seconds: float) -> bool:
        """Was this message logged within so many seconds? It counts as logged from now on."""
        now = time.monotonic()
        before = self._said.get(message)
        if before is not None and seconds > 0 and before + seconds > now:
            return True
        self._said[message] = now
        return False

    def check(self) -> None:
        """Called before every row. Raises QueryCancelled when the query has to end."""
        if self.deadline is not None and time.monotonic() > self.deadline:
            elapsed = time.monotonic() - self.started
            self.log(f"collect: <red>Timeout Error:</> Collection timed out after {elapsed:.9f}s")
            raise QueryCancelled
        if not self._is_active():
            raise QueryCancelled

    def allows(self, permission: str) -> bool:
        if self.principal is None or self.org is None:
            return True
        return self.org.users.has_permission(self.principal, permission)


class Scope:
    """A chain of frames; inner ones hide outer ones."""

    __slots__ = ("aggregates", "names", "parent", "run")

    def __init__(
        self,
        run: Run,
        names: Any,
        parent: Scope | None = None,
        aggregates: dict[int, Any] | None = None,
    ) -> None:
        self.run = run
        self.names = names
        self.parent = parent
        self.aggregates: dict[int, Any] = (
            aggregates if aggregates is not None else parent.aggregates if parent else {}
        )

    def child(self, names: Any, aggregates: dict[int, Any] | None = None) -> Scope:
        return Scope(self.run, names, self, aggregates)

    def counting_anew(self) -> Scope:
        """The same names, with totals (`count()`) of their own."""
        return Scope(self.run, self.names, self.parent, {})

    def find(self, name: str) -> tuple[bool, Any]:
        """Whether the name is known, and its value as stored (a lazy LET unevaluated)."""
        scope: Scope | None = self
        known = False  # next to a row in the making, an unknown name is NULL without a word
        while scope is not None:
            if name in scope.names:
                return True, scope.names[name]
            known = known or getattr(scope.names, "answers_all", False)
            scope = scope.parent
        return known, None

    def is_function(self, name: str) -> bool:
        """Is there a function of this name?"""
        from server_app.vql.registry import FUNCTIONS

        return name in FUNCTIONS

    def frames(self) -> Iterator[Any]:
        """The names of each frame, outermost first."""
        if self.parent is not None:
            yield from self.parent.frames()
        yield self.names

    def unknown(self, what: str, name: str) -> None:
        """Logs a name that stands for nothing, with what there is (transcript: first call)."""
        listed = ", ".join(f"[{', '.join(frame)}]" for frame in self.frames())
        self.run.log(f"ERROR:{what} {name} not found. Current Scope is {listed}")


Parameters = tuple[tuple[str, "syntax.Argument | None"], ...]
"""Names of a LET's parameters, each with its default if it has one."""


class StoredQuery:
    """A query kept as a value: `LET x = SELECT…`, or `{ SELECT… }` given as an argument."""

    __slots__ = ("parameters", "query", "scope")

    def __init__(
        self, query: syntax.Select, scope: Scope, parameters: Parameters | None = None
    ) -> None:
        self.query = query
        self.scope = scope
        self.parameters = parameters

    def __str__(self) -> str:
        """Where a text is wanted it is never run: a real server shows its insides there."""
        return "&{query}"

    def rows(self, scope: Scope | None = None) -> Iterator[Mapping[str, Any]]:
        """Runs it, in the scope of the caller, else in the one where it was written."""
        from server_app.vql.select import select_rows

        return select_rows(self.query, scope or self.scope)


class StoredExpression:
    """An expression kept as a value (`LET x = 1 + y`), worked out anew at each use."""

    __slots__ = ("expression", "parameters")

    def __init__(self, expression: syntax.Expression, parameters: Parameters | None = None) -> None:
        self.expression = expression
        self.parameters = parameters


def root_scope(run: Run, env: Mapping[str, Any]) -> Scope:
    """The scope a query starts with: NULL, then the caller's env among the server's names."""
    first = Scope(run, {"NULL": None})
    names: dict[str, Any] = {**env, **dict.fromkeys(ROOT_NAMES)}
    if run.org is not None:
        names["config"] = _visible_config(run.org)
    return first.child(names)


def _visible_config(org: OrgServices) -> dict[str, Any]:
    """What queries see of the config: the client's part only (transcript: config.Datastore)."""
    from server_app.config import client_config

    whole = client_config(org.server.config, org.nonce)
    return {"version": whole["version"], **whole["Client"]}
