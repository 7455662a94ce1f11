"""Functions and plugins by name, with what they take.

A function gives one value, a plugin rows. Both get a `Call` and their
arguments as a dict by name; parameters that weren't given hold their default.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from server_app.services import OrgServices
    from server_app.vql.scope import Run, Scope

MODULES = (
    "server_app.vql.builtin.flow",
    "server_app.vql.builtin.data",
    "server_app.vql.builtin.moments",
    "server_app.vql.builtin.totals",
    "server_app.vql.builtin.patterns",
    "server_app.plugins",
    "server_app.client.abilities",
)
"""Rooms whose import registers functions and plugins."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument: its kind (see arguments.py), default, and whether it must be given."""

    kind: str
    default: Any = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Definition:
    name: str
    parameters: Mapping[str, Parameter] | None
    body: Callable[[Call, dict[str, Any]], Any]
    permission: str = ""
    needs_server: bool = False
    changes: bool = False
    log_name: str | None = None
    on_cancel: Callable[[Call, dict[str, Any]], Any] | None = None
    failed: Any = None


class Call:
    """What a function or plugin sees of the query that calls it."""

    __slots__ = ("definition", "node", "scope")

    def __init__(self, scope: Scope, definition: Definition, node: object) -> None:
        self.scope = scope
        self.definition = definition
        self.node = node

    @property
    def run(self) -> Run:
        return self.scope.run

    @property
    def org(self) -> OrgServices:
        org = self.scope.run.org
        assert org is not None, "needs_server is checked before the call"  # noqa: S101
        return org

    @property
    def principal(self) -> str:
        return self.scope.run.principal or "VelociraptorServer"

    def log(self, text: str) -> None:
        self.scope.run.log(text)

    def fail(self, reason: object) -> None:
        """A failure that is only a log line: `name: reason`."""
        named = self.definition.log_name
        self.log(f"{self.definition.name if named is None else named}: {reason}")


FUNCTIONS: dict[str, Definition] = {}
PLUGINS: dict[str, Definition] = {}

Body = Callable[[Call, dict[str, Any]], Any]
Rows = Callable[[Call, dict[str, Any]], Iterator[Any]]


def required(kind: str) -> Parameter:
    return Parameter(kind, required=True)


def optional(kind: str, default: Any = None) -> Parameter:
    return Parameter(kind, default)


def function(
    name: str,
    parameters: Mapping[str, Parameter] | None = None,
    *,
    permission: str = "",
    needs_server: bool = False,
    changes: bool = False,
    log_name: str | None = None,
    on_cancel: Body | None = None,
    failed: Any = None,
) -> Callable[[Body], Body]:
    """Registers a function. `parameters` None takes any argument as it is.

    `changes` marks what must not run in the row that a LIMIT cancels;
    `on_cancel` is what it does then instead. `failed` is its value when it could not do it.
    """

    def register(body: Body) -> Body:
        FUNCTIONS[name] = Definition(
            name, parameters, body, permission, needs_server, changes, log_name, on_cancel, failed
        )
        return body

    return register


def plugin(
    name: str,
    parameters: Mapping[str, Parameter] | None = None,
    *,
    permission: str = "",
    needs_server: bool = False,
    changes: bool = False,
    log_name: str | None = None,
) -> Callable[[Rows], Rows]:
    """Registers a plugin, whose body is a generator of rows."""

    def register(body: Rows) -> Rows:
        PLUGINS[name] = Definition(
            name, parameters, body, permission, needs_server, changes, log_name
        )
        return body

    return register


def load() -> None:
    """Imports every room that registers something; cheap when done before."""
    for module in MODULES:
        importlib.import_module(module)
