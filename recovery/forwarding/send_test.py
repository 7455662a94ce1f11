"""A test event through the whole way: collected, forwarded, and acknowledged by the receiver.

The event is a row of a collection on the server itself. The server's own forwarding artifact
sends it like any other; what it records of the receiver's answer is what counts here.
"""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

from recovery.errors import ServerError
from recovery.forwarding.definition import TEST_ARTIFACT, TEST_DEFINITION
from recovery.forwarding.turn_on import Forwarding
from recovery.velociraptor.api import Api, Row

_OK = range(200, 300)
_AGAIN = 8.0
_EVERY = 0.5
# The first may be the answer to what was sent with the credentials before these, which the
# server still empties out when its table is changed.
_REFUSALS = 2
_DEFINE = "SELECT artifact_set(definition=Definition).name AS Done FROM scope()"
_REMOVE = "SELECT artifact_delete(name=Name) AS Done FROM scope()"
_COLLECT = """
SELECT collect_client(client_id="server", artifacts=[Name,],
                      env=dict(Mark=Mark)).flow_id AS Flow FROM scope()
"""
_FORGET = """
SELECT * FROM delete_flow(client_id="server", flow_id=Flow, really_do_it=TRUE, sync=TRUE)
"""
# Deleting leaves the list of flows empty (seen on 0.77.2); asked for, it is made anew. Without
# that, the next flow of the server itself would be the only one in it.
_LIST = 'SELECT session_id FROM flows(client_id="server") LIMIT 1'
_ANSWERS = """
SELECT * FROM source(client_id="server", artifact=Forwarder, start_time=Since)
"""
_LOGS = """
SELECT * FROM monitoring_logs(client_id="server", artifact=Forwarder, start_time=Since)
"""
INDEX = f"artifact_{TEST_ARTIFACT.replace('.', '_')}".lower()
"""The index of Elastic that the artifact gives to the test's rows."""


@dataclass(frozen=True)
class Arrival:
    """``arrived``: the receiver took the event; ``seconds`` it took; ``says`` why not."""

    org: str
    kind: str
    arrived: bool
    seconds: float
    says: str = ""


def send_test(api: Api, forwarding: Sequence[Forwarding], timeout: float = 45) -> list[Arrival]:
    """One test event for each forwarding of each org; ``timeout`` in seconds for each.

    The artifact and the flows that carry it are removed again. Raises :class:`ServerError` when
    the server refuses to collect.
    """
    if not forwarding:
        return []
    api.query(_DEFINE, env={"Definition": TEST_DEFINITION}, min_rows=1)
    try:
        return [_send(api, one, timeout) for one in forwarding]
    finally:
        api.ask(_REMOVE, env={"Name": TEST_ARTIFACT})


def _send(api: Api, one: Forwarding, timeout: float) -> Arrival:
    started = time.monotonic()
    since = int(time.time())
    known, refusals = len(_answers(api, one, since)), 0
    flows: list[str] = []
    refusing: list[Row] = []
    try:
        while time.monotonic() - started < timeout:
            # The monitoring query misses what completes before it watches: asked again.
            if time.monotonic() - started >= _AGAIN * len(flows) or refusals == len(flows):
                flows.append(_collect(api, one))
            seen = _answers(api, one, since)[known:]
            if any(acknowledged(row) for row in seen):
                took = round(time.monotonic() - started, 1)
                return Arrival(one.org, one.kind.name, True, took)
            if any(refused(row) for row in seen):
                refusing = seen
                known += len(seen)
                refusals += 1
                if refusals == _REFUSALS:
                    break
            time.sleep(_EVERY)
    finally:
        for flow in flows:
            api.ask(_FORGET, env={"Flow": flow}, org=one.org)
        if flows:
            api.ask(_LIST, org=one.org)
    says = "; ".join(dict.fromkeys(map(refusal, refusing[-3:]))) or _logged(api, one, since)
    return Arrival(one.org, one.kind.name, False, round(time.monotonic() - started, 1), says)


def _collect(api: Api, one: Forwarding) -> str:
    env = {"Name": TEST_ARTIFACT, "Mark": secrets.token_hex(8)}
    flow = api.query(_COLLECT, org=one.org, env=env, min_rows=1)[0]["Flow"]
    if not flow:
        raise ServerError("the server did not collect the test event", step="test the forwarding")
    return str(flow)


def _answers(api: Api, one: Forwarding, since: int) -> list[Row]:
    env = {"Forwarder": one.artifact, "Since": str(since)}
    return api.ask(_ANSWERS, org=one.org, env=env).rows


def acknowledged(row: Row) -> bool:
    """Whether a row of the forwarding artifact says that the receiver took the test event.

    Elastic's answer names each document with its index and status; Splunk's is a number of
    events, without their names: any event that it took after the test was sent counts.
    """
    response = row.get("Response")
    if isinstance(response, dict):
        return any(
            result.get("_index") == INDEX and result.get("status") in _OK
            for item in response.get("items") or []
            for result in item.values()
        )
    return isinstance(response, int | float) and not isinstance(response, bool) and response > 0


def refused(row: Row) -> bool:
    """Whether it says that the receiver took nothing, or not the test event."""
    response = row.get("Response")
    if not isinstance(response, dict) or "items" not in response:
        return counts(row)[1] > 0
    return any(
        result.get("_index") == INDEX and result.get("status") not in _OK
        for item in response["items"] or []
        for result in item.values()
    )


def counts(row: Row) -> tuple[int, int]:
    """Of one recorded answer: how many documents were taken, and how many refused."""
    response = row.get("Response")
    if isinstance(response, dict) and isinstance(response.get("items"), list):
        results = [result for item in response["items"] for result in item.values()]
        taken = sum(result.get("status") in _OK for result in results)
        return taken, len(results) - taken
    if isinstance(response, int | float) and not isinstance(response, bool):
        return int(response), 0
    return 0, 1


def refusal(row: Row) -> str:
    """Why the receiver did not take it, in its own words, shortened."""
    response = row.get("Response")
    if isinstance(response, str):
        return response[:200]
    if isinstance(response, dict):
        errors = [
            str((result.get("error") or {}).get("reason") or result.get("status"))
            for item in response.get("items") or []
            for result in item.values()
            if result.get("status") not in _OK
        ]
        error = response.get("error") or ""
        said = str(error.get("reason") if isinstance(error, dict) else error)
        return f"HTTP {row.get('StatusCode')}: {'; '.join(errors[:2]) or said}"[:200]
    return f"HTTP {row.get('StatusCode')}"


def _logged(api: Api, one: Forwarding, since: int) -> str:
    env = {"Forwarder": one.artifact, "Since": str(since - 60)}
    lines = [
        str(row.get("message") or row.get("Message") or "")
        for row in api.ask(_LOGS, org=one.org, env=env).rows
    ]
    telling = [line.strip() for line in lines if one.kind.name in line.lower()]
    return telling[-1][:300] if telling else "the server recorded no answer of the receiver"
