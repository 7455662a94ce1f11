"""Exports and imports: create_flow_download(), create_hunt_download(), import_collection()."""

from __future__ import annotations

from typing import Any, BinaryIO

from server_app.plugins.accessors import located, open_path
from server_app.vql.evaluate import apply_stored
from server_app.vql.paths import OSPath, split
from server_app.vql.registry import Call, function, optional, required
from server_app.vql.scope import StoredExpression
from server_app.vql.text import as_text

Arguments = dict[str, Any]

_COMMON = {
    "wait": optional("bool", False),
    "format": optional("string", ""),
    "password": optional("string", ""),
    "expand_sparse": optional("bool", False),
}


@function(
    "create_flow_download",
    {
        "client_id": required("string"),
        "flow_id": required("string"),
        "name": optional("string", ""),
        "type": optional("string"),
        "template": optional("string"),
        **_COMMON,
    },
    permission="PREPARE_RESULTS",
    needs_server=True,
)
def create_flow_download(call: Call, arguments: Arguments) -> OSPath:
    """Writes the flow's zip; a flow that doesn't exist gives a nearly empty one (facts)."""
    path = call.org.exports.flow(
        arguments["client_id"],
        arguments["flow_id"],
        wait=arguments["wait"],
        password=arguments["password"],
        name=arguments["name"],
        format=arguments["format"],
        expand_sparse=arguments["expand_sparse"],
        log=call.log,
    )
    parts = split(path)
    return OSPath(parts, "fs", base=parts[-1])


@function(
    "create_hunt_download",
    {
        "hunt_id": required("string"),
        "only_combined": optional("bool", False),
        "base": optional("string", ""),
        **_COMMON,
    },
    permission="PREPARE_RESULTS",
    needs_server=True,
)
def create_hunt_download(call: Call, arguments: Arguments) -> OSPath:
    """Writes the hunt's zip; the path's `Base` lacks `.zip` (facts: Exports and imports)."""
    path = call.org.exports.hunt(
        arguments["hunt_id"],
        wait=arguments["wait"],
        only_combined=arguments["only_combined"],
        password=arguments["password"],
        base=arguments["base"],
        format=arguments["format"],
        expand_sparse=arguments["expand_sparse"],
        log=call.log,
    )
    parts = split(path)
    return OSPath(parts, "fs", base=parts[-1].removesuffix(".zip"))


@function(
    "import_collection",
    {
        "filename": required("any"),
        "client_id": optional("string", ""),
        "hostname": optional("string", ""),
        "accessor": optional("string", ""),
        "import_type": optional("string", "collection"),
    },
    permission="COLLECT_SERVER",
    needs_server=True,
    changes=True,
)
def import_collection(call: Call, arguments: Arguments) -> dict[str, Any]:
    """Imports a flow's or hunt's zip; `LET ZIP_PASSWORDS <= "pw"` opens a protected one."""
    value, accessor = arguments["filename"], arguments["accessor"]
    path = located(value if isinstance(value, OSPath) else as_text(value or ""), accessor)
    password = _password(call)

    def opened() -> BinaryIO:
        return open_path(call, path)

    return dict(
        call.org.exports.import_collection(
            opened,
            display=path.path if path.accessor != "fs" else str(path),
            client_id=arguments["client_id"],
            hostname=arguments["hostname"],
            import_type=arguments["import_type"],
            password=password,
            accessor=accessor,
            log=call.log,
        )
    )


def _password(call: Call) -> str:
    """What a query says by the name ZIP_PASSWORDS, worked out if it is an expression."""
    _, value = call.scope.find("ZIP_PASSWORDS")
    if isinstance(value, StoredExpression):
        value = apply_stored(value, {}, call.scope)
    return value if isinstance(value, str) else ""
