"""The query language: parser, evaluator, registry of plugins and functions.

`run(org, query, env=, principal=, log=)` gives all rows at once; the API and
the command line take them one by one through `server_app.vql.session`.
"""

from __future__ import annotations

from typing import Any


def run(*arguments: Any, **options: Any) -> Any:
    """See `server_app.vql.session.run`; imported at the first call, for a fast start."""
    from server_app.vql.session import run as run_query

    return run_query(*arguments, **options)
