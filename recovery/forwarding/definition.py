"""The server's own forwarding artifact, with its credentials taken from a secret instead."""

import re
from typing import Any

import yaml

from recovery.errors import RecoveryError
from recovery.forwarding.kinds import Kind

SECRET = "Secret"  # noqa: S105 - a parameter's name
TEST_ARTIFACT = "Custom.Recovery.ForwardingTest"
TEST_DEFINITION = """\
name: Custom.Recovery.ForwardingTest
description: One harmless row, to see that results are forwarded. Made and removed by the recovery.
type: SERVER
parameters:
  - name: Mark
sources:
  - query: |
      SELECT "recovery: a test event" AS Message, Mark FROM scope()
"""


def with_secret(raw: str, kind: Kind) -> str:
    """The YAML of ``kind.own_artifact``, made from the text of the server's own definition.

    Only what is needed is changed: the name, one more parameter, and ``secret=`` in the call.
    Raises :class:`RecoveryError` when the definition is another one than is known here.
    """
    definition: dict[str, Any] = yaml.safe_load(raw)
    sources = definition.get("sources") or []
    call = re.compile(rf"\b{kind.plugin}\s*\(")
    found = [source for source in sources if len(call.findall(source.get("query", ""))) == 1]
    if len(sources) != 1 or found != sources:
        raise RecoveryError(
            f"the server's {kind.artifact} does not call {kind.plugin}() once: it can't be changed",
            step="set the forwarding",
            target=kind.artifact,
            hint="use it as it is: --credentials-in parameters (every reader of the monitoring "
            "table sees them), and say so to the project",
        )
    query = call.sub(f"{kind.plugin}(secret={SECRET}, ", sources[0]["query"])
    description = str(definition.get("description") or "").strip()
    made = {
        "name": kind.own_artifact,
        "description": f"{kind.artifact} with its credentials in a secret of the server.\n\n"
        + description,
        "type": "SERVER_EVENT",
        "parameters": [
            {"name": SECRET, "description": f"Name of a secret of the type {kind.secret_type}."},
            *(definition.get("parameters") or []),
        ],
        "sources": [{**sources[0], "query": _Block(query)}],
    }
    return yaml.dump(made, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=200)


class _Block(str):
    """A text that is written as a block, so that a person can read it."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_representer(
    _Block,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style="|"),
)
