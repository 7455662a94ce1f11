"""From artifacts and parameters to what a client is sent: one request a source."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from server_app.services.errors import ServiceError

if TYPE_CHECKING:
    from server_app.services.artifacts import Definition
    from server_app.services.org import OrgServices

_MAX_ROW = 1000
_LOG_BATCH_SECONDS = 2
UPLOAD_LIMIT = 1 << 30
"""Bytes that a collection may upload unless it says otherwise."""


def specs(org: OrgServices, spec: dict[str, Any]) -> list[dict[str, Any]]:
    """The parameters given for each artifact, in the artifact's own order.

    Parameters that the artifact does not have are dropped, as are values that are no text where
    text belongs. Raises ServiceError for an unknown artifact.
    """
    made = []
    for name, given in spec.items():
        definition = org.artifacts.get(name)
        if definition is None:
            raise ServiceError(
                f"Parameter refers to an unknown artifact ({name}). The parameter should be of "
                'the form {"Custom.Artifact.Name":{"arg":"value"}}'
            )
        made.append({"artifact": name, "parameters": {"env": _given(definition, given or {})}})
    return made


def _given(definition: Definition, given: dict[str, Any]) -> list[dict[str, str]]:
    env = []
    for parameter in definition.parameters:
        name, kind = parameter.get("name", ""), parameter.get("type", "")
        if name not in given:
            continue
        text = _as_text(given[name], kind)
        if text is not None:
            env.append({"key": name, "value": text})
    return env


def _as_text(value: Any, kind: str) -> str | None:
    if kind == "bool":
        return "Y" if value in (True, "Y", "TRUE", "true", "True") else ""
    if isinstance(value, str):
        return value
    return str(value) if kind in {"int", "int64"} else None


_LIMITS = ("ops_per_second", "cpu_limit", "iops_limit", "timeout")


def compile_request(org: OrgServices, request: dict[str, Any]) -> list[dict[str, Any]]:
    """The Collector records of a request. Raises ServiceError (unknown artifact, bad query)."""
    given = {spec["artifact"]: spec for spec in request.get("specs", [])}
    compiled: list[dict[str, Any]] = []
    for name in request.get("artifacts", []):
        definition = org.artifacts.required(name)
        env = _environment(definition, given.get(name, {}))
        for source, full_name in zip(definition.sources, definition.source_names(), strict=True):
            if (source.get("query") or "").strip():
                compiled.append(_collector(org, definition, source, full_name, env))
    limits = {key: request[key] for key in _LIMITS if request.get(key)}
    for place, collector in enumerate(compiled, start=1):
        collector.update(limits)
        collector["query_id"] = place
        collector["total_queries"] = len(compiled)
    return compiled


def _environment(definition: Definition, spec: dict[str, Any]) -> list[dict[str, str]]:
    values = {p["name"]: str(p.get("default") or "") for p in definition.parameters if "name" in p}
    for item in (spec.get("parameters") or {}).get("env", []):
        values[item["key"]] = item.get("value", "")
    return [{"key": key, "value": value} for key, value in values.items()]


def _collector(
    org: OrgServices,
    definition: Definition,
    source: dict[str, Any],
    full_name: str,
    env: list[dict[str, str]],
) -> dict[str, Any]:
    from server_app.vql.parse import VQLSyntaxError, parse

    try:
        statements = [str(statement) for statement in parse(source["query"])]
    except VQLSyntaxError as error:
        raise ServiceError(f"While parsing source query {full_name}: {error}") from error
    statements = [*_typed(definition), *statements]
    queries: list[dict[str, str]] = [{"VQL": text} for text in statements]
    queries[-1] = {"Name": hidden_name(org, full_name), "VQL": statements[-1]}
    condition = source.get("precondition") or definition.body.get("precondition") or ""
    collector = {"env": env, "Query": queries, "max_row": _MAX_ROW}
    return {"precondition": condition.strip(), **collector} if condition else collector


_AS_TYPE = {
    "int": "LET {0} <= int(int={0})",
    "int64": "LET {0} <= int(int={0})",
    "integer": "LET {0} <= int(int={0})",
    "bool": 'LET {0} <= {0} =~ "^(Y|TRUE)$"',
    "json_array": "LET {0} <= if(condition={0}, then=parse_json_array(data={0}), else=NULL)",
    "timestamp": "LET {0} <= timestamp(epoch={0})",
}


def _typed(definition: Definition) -> list[str]:
    """Statements that make values of the texts in which parameters travel."""
    found = [(p.get("name"), str(p.get("type") or "")) for p in definition.parameters]
    return [_AS_TYPE[kind].format(name) for name, kind in found if name and kind in _AS_TYPE]


def hidden_name(org: OrgServices, full_name: str) -> str:
    """What a client is told instead of an artifact's name; the same for the same server."""
    nonce = str(org.server.config.get("obfuscation_nonce", ""))
    return "$" + hashlib.sha256(f"{nonce}/{full_name}".encode()).hexdigest()


def source_names(org: OrgServices, artifacts: list[str]) -> list[str]:
    """Full names of all sources that these artifacts have, known or not."""
    found: list[str] = []
    for name in artifacts:
        definition = org.artifacts.get(name)
        found += definition.source_names() if definition else []
    return found


def queried_sources(org: OrgServices, artifacts: list[str]) -> list[str]:
    """Full names of the sources that are sent to clients, in the order of their requests."""
    found: list[str] = []
    for name in artifacts:
        definition = org.artifacts.get(name)
        if definition is None:
            found.append(name)
            continue
        pairs = zip(definition.sources, definition.source_names(), strict=True)
        found += [full for source, full in pairs if (source.get("query") or "").strip()]
    return found


def task(flow_id: str, request: dict[str, Any], compiled: list[dict[str, Any]]) -> dict[str, Any]:
    """The Task record of a flow."""
    flow_request = {
        "VQLClientActions": compiled,
        "log_batch_time": _LOG_BATCH_SECONDS,
        "max_rows": request.get("max_rows", 0),
        "max_upload_bytes": request.get("max_upload_bytes", 0),
        "compression": 1,
    }
    return {"session_id": flow_id, "request_id": 1, "FlowRequest": flow_request}
