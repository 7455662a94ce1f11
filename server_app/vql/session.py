"""Running whole queries: statements in order, each seeing the LETs before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from server_app.vql import syntax
from server_app.vql.evaluate import evaluate
from server_app.vql.parse import VQLSyntaxError, parse
from server_app.vql.registry import load
from server_app.vql.scope import QueryCancelled, Run, StoredExpression, StoredQuery, root_scope
from server_app.vql.select import select_rows

if TYPE_CHECKING:
    from server_app.services import OrgServices

Row = Mapping[str, Any]


class Session:
    """One call's queries; they share the names that LET makes."""

    def __init__(self, run: Run, env: Mapping[str, Any]) -> None:
        load()
        self.run = run
        self._scope = root_scope(run, env)

    def results(self, query: str) -> Iterator[tuple[int, Iterator[Row]]]:
        """For each SELECT its position among the statements, and its rows.

        Rows must be used up before the next pair is asked for. Raises
        VQLSyntaxError before anything has run, QueryCancelled when time is up.
        """
        for position, statement in enumerate(parse(query)):
            if isinstance(statement, syntax.Let):
                self._let(statement)
            else:
                scope = self._scope.child({"$Query": str(statement)})
                yield position, select_rows(statement, scope)

    def _let(self, statement: syntax.Let) -> None:
        name = statement.name
        if statement.parameters and statement.at_once:
            self.run.log(
                f"WARN:Expression {name} takes parameters but is materialized! "
                "Did you mean to use '='? "
            )
        if self._scope.is_function(name):
            self.run.log(f"WARN:LET expression is masking a built in function {name}")
        self._scope = self._scope.child({name: self._stored(statement)})

    def _stored(self, statement: syntax.Let) -> Any:
        value = statement.value
        if isinstance(value, syntax.Select):
            stored = StoredQuery(value, self._scope, statement.parameters)
            return list(stored.rows()) if statement.at_once else stored
        if not statement.at_once:
            return StoredExpression(value, statement.parameters)
        result = evaluate(value, self._scope)
        return list(result.rows()) if isinstance(result, StoredQuery) else result


def run(
    org: OrgServices,
    query: str,
    *,
    env: Mapping[str, Any] | None = None,
    principal: str | None = None,
    log: Callable[[str], None] | None = None,
) -> list[Row]:
    """All rows of all statements of a query.

    For work inside the server (a server artifact, a notebook cell). What goes
    wrong is a log line, as everywhere in this language.
    """
    lines: list[str] = []
    session = Session(Run(org, principal, log or lines.append), env or {})
    try:
        return [row for _, rows in session.results(query) for row in rows]
    except VQLSyntaxError as error:
        session.run.log(f"VQL Error: {error}.")
    except QueryCancelled:
        pass
    except RecursionError:
        session.run.log("ERROR:query nested too deeply")
    return []
