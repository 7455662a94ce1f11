"""Forwarding turned on in a server's orgs: the secret, the artifact, the monitoring table."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from recovery.errors import ServerError
from recovery.forwarding.definition import SECRET, TEST_ARTIFACT, with_secret
from recovery.forwarding.kinds import KINDS, Kind, Receiver
from recovery.velociraptor.api import ROOT, Api

Where = Literal["secret", "parameters"]
_STEP = "set the forwarding"
_TABLE = "SELECT get_server_monitoring() AS Table FROM scope()"
_RAW = "SELECT raw FROM artifact_definitions(names=[Name,])"
_FORGET = "SELECT secret_modify(name=Name, type=Type, delete=TRUE) AS Done FROM scope()"
_STORE = """
SELECT secret_add(name=Name, type=Type, secret=parse_json(data=Fields)) AS Done FROM scope()
"""
_SHARE = "SELECT secret_modify(name=Name, type=Type, add_users=[User,]) AS Done FROM scope()"
_REMOVE = "SELECT artifact_delete(name=Name) AS Done FROM scope()"
_DEFINE = "SELECT artifact_set(definition=Definition).name AS Done FROM scope()"
_SET = "SELECT set_server_monitoring(value=parse_json(data=Table)) AS Done FROM scope()"
_NAMES = "SELECT type_name, secrets FROM secrets() WHERE secrets"


@dataclass(frozen=True)
class Forwarding:
    """One org's forwarding as its monitoring table has it; ``secret`` empty: by parameters."""

    org: str
    kind: Kind
    artifact: str
    secret: str


def forwarding_of(table: Mapping[str, object], org: str) -> list[Forwarding]:
    """What a server monitoring table says of forwarding, both kinds, own and custom artifacts."""
    artifacts = table.get("artifacts") or []
    specs = table.get("specs") or []
    return [
        Forwarding(org, kind, artifact, _parameter(specs, artifact, SECRET))
        for kind in KINDS.values()
        for artifact in (kind.own_artifact, kind.artifact)
        if isinstance(artifacts, list) and artifact in artifacts
    ]


def _parameter(specs: object, artifact: str, name: str) -> str:
    for spec in specs if isinstance(specs, list) else []:
        if spec.get("artifact") == artifact:
            for item in (spec.get("parameters") or {}).get("env") or []:
                if item.get("key") == name:
                    return str(item.get("value") or "")
    return ""


def orgs_of(api: Api) -> list[str]:
    """Every org, root first."""
    rows = api.query("SELECT OrgId FROM orgs()", min_rows=1)
    orgs = [str(row["OrgId"] or ROOT) for row in rows]
    return sorted(orgs, key=lambda org: (org != ROOT, org))


def find_forwarding(api: Api, orgs: Collection[str] = ()) -> list[Forwarding]:
    """What is on now, by the tables of ``orgs`` (all of them when empty)."""
    return [one for org in orgs or orgs_of(api) for one in forwarding_of(get_table(api, org), org)]


def turn_on(
    api: Api,
    receiver: Receiver,
    principal: str,
    *,
    orgs: Sequence[str] = (),
    artifacts: str = ".",
    where: Where = "secret",
) -> list[Forwarding]:
    """Forwards what collections bring in ``orgs`` (default: all), and what did so before is off.

    ``principal`` is the name under which the server runs its own monitoring: the one with whom
    the secret is shared. ``artifacts``: regular expression of what to forward. Safe to repeat.
    Raises :class:`ServerError`.
    """
    kind = receiver.kind
    wanted = list(orgs) or orgs_of(api)
    names = f"({artifacts})|^{TEST_ARTIFACT}$" if artifacts != "." else artifacts
    parameters = {"ArtifactNameRegex": names}
    if where == "secret":
        _keep_secret(api, receiver, principal)
        _define(api, kind)
        artifact, parameters = kind.own_artifact, parameters | {SECRET: kind.secret}
    else:
        artifact = kind.artifact
        parameters |= {
            kind.fields[name]: value.replace("\n", ",") if name == kind.url_field else value
            for name, value in receiver.values.items()
        }
    for org in wanted:
        table = get_table(api, org)
        without = table_without(table, kind)
        # Taken out first: a table with the same parameters goes on with the old secret.
        if without != table:
            set_table(api, without, org)
        set_table(api, table_with(without, artifact, parameters), org)
    return [one for one in find_forwarding(api, wanted) if one.kind == kind]


def turn_off(api: Api, kind: Kind, orgs: Sequence[str] = ()) -> int:
    """Takes the forwarding out of the tables, and its secret away; in how many orgs it was on."""
    count = 0
    for org in list(orgs) or orgs_of(api):
        table = get_table(api, org)
        without = table_without(table, kind)
        if without != table:
            set_table(api, without, org)
            count += 1
    if not any(one.kind == kind for one in find_forwarding(api)):
        _forget_secret(api, kind)
        api.ask(_REMOVE, env={"Name": kind.own_artifact})
    return count


def table_without(table: Mapping[str, object], kind: Kind) -> dict[str, object]:
    """The table without this kind's artifacts; all else in it stays as it is."""
    gone = {kind.artifact, kind.own_artifact}
    artifacts, specs = table.get("artifacts") or [], table.get("specs") or []
    kept = [one for one in artifacts if one not in gone] if isinstance(artifacts, list) else []
    left = (
        [one for one in specs if one.get("artifact") not in gone] if isinstance(specs, list) else []
    )
    if artifacts == kept and specs == left:
        return dict(table)
    return {**table, "artifacts": kept, "specs": left}


def table_with(
    table: Mapping[str, object], artifact: str, parameters: Mapping[str, str]
) -> dict[str, object]:
    """The table with one more artifact, at its end."""
    env = [{"key": key, "value": value} for key, value in parameters.items()]
    artifacts, specs = table.get("artifacts") or [], table.get("specs") or []
    return {
        **table,
        "artifacts": [*(artifacts if isinstance(artifacts, list) else []), artifact],
        "specs": [
            *(specs if isinstance(specs, list) else []),
            {"artifact": artifact, "parameters": {"env": env}},
        ],
    }


def get_table(api: Api, org: str) -> dict[str, object]:
    """The server monitoring table of ``org``."""
    return dict(api.query(_TABLE, org=org, min_rows=1)[0]["Table"] or {})


def set_table(api: Api, table: Mapping[str, object], org: str) -> None:
    """Replaces it; the server starts what is new in it, and ends what is gone."""
    api.query(_SET, org=org, env={"Table": json.dumps(table)}, min_rows=1)


def _define(api: Api, kind: Kind) -> None:
    rows = api.query(_RAW, env={"Name": kind.artifact})
    if not rows:
        raise ServerError(
            f"the server has no artifact {kind.artifact}",
            step=_STEP,
            hint="is it a Velociraptor of 0.7 or later? `artifact_definitions()` lists them",
        )
    definition = with_secret(str(rows[0]["raw"]), kind)
    _done(api, _DEFINE, {"Definition": definition})


def _keep_secret(api: Api, receiver: Receiver, principal: str) -> None:
    """Stored anew, never changed in place.

    (Read in the source: the server caches secrets for a minute, and ``secret_modify`` would write
    the cached one back; deleting empties the cache.)
    """
    kind = receiver.kind
    _forget_secret(api, kind)
    named = {"Name": kind.secret, "Type": kind.secret_type}
    _done(api, _STORE, named | {"Fields": json.dumps(dict(receiver.values))})
    _done(api, _SHARE, named | {"User": principal})


def _forget_secret(api: Api, kind: Kind) -> None:
    known = {
        (row["type_name"], secret["name"])
        for row in api.query(_NAMES)
        for secret in row["secrets"] or []
    }
    if (kind.secret_type, kind.secret) in known:
        _done(api, _FORGET, {"Name": kind.secret, "Type": kind.secret_type})


def _done(api: Api, vql: str, env: Mapping[str, str]) -> None:
    """Runs it; null where a name belongs is a failure that the server only logged."""
    answer = api.ask(vql, env=env)
    if not answer.rows or not answer.rows[0]["Done"]:
        said = "; ".join(line for line in answer.log if not line.startswith("DEBUG:"))
        raise ServerError(said[:500] or "the server did nothing", step=_STEP, target=vql.strip())
