"""Sending rows on: watch_monitoring(), elastic_upload(), splunk_upload(), monitoring_logs().

Elastic gets bulk requests, Splunk its HTTP event collector's; batched by number and time. As on a
real server (read in its source): what Elastic can't take because it isn't reached is kept for the
next time, Splunk is tried four times, and a refusal is a row with the receiver's own answer.
"""

from __future__ import annotations

import http.client
import json
import queue
import re
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from server_app.plugins.accessors import need
from server_app.services.forwarding_events import LOGS
from server_app.vql.arguments import rows_of
from server_app.vql.call import CallError
from server_app.vql.registry import Call, optional, plugin, required
from server_app.vql.scope import QueryCancelled
from server_app.vql.text import dump
from server_app.vql.values import truth

Arguments = dict[str, Any]
Rows = list[dict[str, Any]]
_TIMEOUT = 20
_ATTEMPTS = 4
_OK = http.client.MULTIPLE_CHOICES
_INVALID = re.compile(r'[\\/*?"<>| ,#]')
_EVERY = 0.1


@plugin(
    "watch_monitoring",
    {"artifact": required("string")},
    permission="READ_RESULTS",
    needs_server=True,
)
def watch_monitoring(call: Call, arguments: Arguments) -> Iterator[dict[str, Any]]:
    """Flows as they end; of other artifacts there are no events here."""
    if arguments["artifact"] != "System.Flow.Completion":
        raise CallError(f"{arguments['artifact']} has no events on a reference server")
    yield from call.org.forwarding.watch(call.run.check)


@plugin(
    "monitoring_logs",
    {
        "client_id": required("string"),
        "artifact": required("string"),
        "start_time": optional("time"),
    },
    permission="READ_RESULTS",
    needs_server=True,
)
def monitoring_logs(call: Call, arguments: Arguments) -> Iterator[dict[str, Any]]:
    """The log of what the server monitors."""
    since = arguments["start_time"] or 0
    yield from call.org.forwarding.events.read(LOGS, arguments["artifact"], since)


_BATCH = {
    "query": required("query"),
    "threads": optional("any"),
    "chunk_size": optional("any"),
    "wait_time": optional("int", 2),
    "secret": optional("string", ""),
    "skip_verify": optional("any"),
    "root_ca": optional("string", ""),
    "index": optional("string", ""),
}


@plugin(
    "elastic_upload",
    {
        **_BATCH,
        "type": optional("string", ""),
        "addresses": optional("strings", []),
        "username": optional("string", ""),
        "password": optional("string", ""),
        "cloud_id": optional("string", ""),
        "api_key": optional("string", ""),
        "pipeline": optional("string", ""),
        "disable_ssl_security": optional("any"),
        "max_memory_buffer": optional("int", 0),
        "action": optional("string", "index"),
    },
    needs_server=True,
    log_name="elastic",
)
def elastic_upload(call: Call, arguments: Arguments) -> Iterator[dict[str, Any]]:
    """A row a bulk request: StatusCode and Response."""
    need(call, "NETWORK")
    given = _with_secret(call, arguments, "Elastic Creds")
    if isinstance(given["addresses"], str):
        given["addresses"] = given["addresses"].split("\n")
    for rows in _batches(call, given, keep=True):
        lines = []
        for number, row in enumerate(rows):
            document = dict(row)
            index = elastic_index(str(document.pop("_index", given["index"])))
            place = {"_id": str(document.pop("_id", time.time_ns() + number)), "_index": index}
            lines += [json.dumps({given["action"] or "index": place}), dump(document)]
        body = ("\n".join(lines) + "\n").encode()
        headers = {"Content-Type": "application/x-ndjson", "Authorization": _elastic_login(given)}
        url = f"{given['addresses'][0].rstrip('/')}/_bulk"
        try:
            status, said = _post(url, headers, body, given)
        except (OSError, http.client.HTTPException, ValueError) as refused:
            call.fail(refused)
            continue
        rows.clear()
        yield {"StatusCode": status, "Response": said}


@plugin(
    "splunk_upload",
    {
        **_BATCH,
        "url": optional("string", ""),
        "token": optional("string", ""),
        "source": optional("string", "velociraptor"),
        "sourcetype": optional("string", "vql"),
        "hostname": optional("string", ""),
        "timestamp_field": optional("string", ""),
        "hostname_field": optional("string", ""),
        "max_retries": optional("int", 3),
        "retry_wait": optional("int", 2),
        "idle_conn_timeout": optional("int", 55),
    },
    needs_server=True,
)
def splunk_upload(call: Call, arguments: Arguments) -> Iterator[dict[str, Any]]:
    """A row a batch: Response is the number of events, or why they were refused."""
    need(call, "NETWORK")
    given = _with_secret(call, arguments, "Splunk Creds")
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Splunk {given['token']}",
    }
    for rows in _batches(call, given, keep=False):
        number = len(rows)
        body = "\r\n\r\n".join(dump(_event(row, given)) for row in rows).encode()
        trouble: object = ""
        for attempt in range(_ATTEMPTS):
            try:
                status, said = _post(given["url"], headers, body, given)
                trouble = "" if status < _OK else dump(said)
            except (OSError, http.client.HTTPException, ValueError) as refused:
                trouble = refused
            if not trouble:
                break
            if attempt + 1 < _ATTEMPTS:
                call.fail(f"attempt {attempt + 1} failed: {trouble}")
                _wait(call, given["retry_wait"] * 2**attempt)
        yield {"Response": str(trouble) if trouble else number}


def elastic_index(name: str) -> str:
    """A name as Elastic allows it: in small letters, nothing odd in it or at its beginning."""
    return _INVALID.sub("_", name).lstrip("-+_").lower() or "invalid"


def _event(row: dict[str, Any], given: Arguments) -> dict[str, Any]:
    event = dict(row)
    host = event.get(given["hostname_field"]) or given["hostname"]
    return {
        "time": time.time(),
        "host": host,
        "source": event.pop("_splunk_source", given["source"]),
        "sourcetype": event.pop("_splunk_source_type", given["sourcetype"]),
        "index": event.pop("_splunk_index", given["index"]),
        "event": event,
    }


def _with_secret(call: Call, arguments: Arguments, kind: str) -> Arguments:
    if not arguments["secret"]:
        return dict(arguments)
    stored = call.org.secrets.get(arguments["secret"], kind, call.principal)
    return {**arguments, **{name: value for name, value in stored.items() if value}}


def _elastic_login(given: Arguments) -> str:
    if given["api_key"]:
        return f"APIKey {given['api_key']}"
    pair = f"{given['username']}:{given['password']}".encode()
    return f"Basic {b64encode(pair).decode()}"


def _batches(call: Call, given: Arguments, *, keep: bool) -> Iterator[Rows]:
    """Rows of the query in batches; with ``keep`` what the caller leaves in one comes again."""
    rows: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    threading.Thread(target=_feed, args=(call, given["query"], rows.put), daemon=True).start()
    size = int(given["chunk_size"] or 0) or 1000
    batch: Rows = []
    due = time.monotonic() + given["wait_time"]
    ended = False
    while not ended:
        call.run.check()
        try:
            row = rows.get(timeout=_EVERY)
            ended = row is None
            if row is not None:
                batch.append(row)
        except queue.Empty:
            pass
        if batch and (ended or len(batch) > size or time.monotonic() >= due):
            yield batch
            batch = batch if keep else []
        if time.monotonic() >= due:
            due = time.monotonic() + given["wait_time"]


def _feed(call: Call, query: Any, put: Callable[[dict[str, Any] | None], None]) -> None:
    """Takes the rows as they come; in a thread, since the query may wait for ever."""
    try:
        for row in rows_of(query, call.scope):
            put(dict(row))
    except QueryCancelled:
        pass
    finally:
        put(None)


def _wait(call: Call, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        call.run.check()
        time.sleep(_EVERY)


def _post(url: str, headers: dict[str, str], body: bytes, given: Arguments) -> tuple[int, Any]:
    """Status, and the answer's JSON (its text where it is none)."""
    place = urlsplit(url)
    if place.scheme not in ("http", "https") or not place.netloc:
        raise ValueError(f"{url!r} is no http or https URL")
    connection: http.client.HTTPConnection
    if place.scheme == "http":
        connection = http.client.HTTPConnection(place.netloc, timeout=_TIMEOUT)
    else:
        context = ssl.create_default_context(cadata=given["root_ca"] or None)
        if truth(given["skip_verify"]) or truth(given.get("disable_ssl_security")):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(place.netloc, timeout=_TIMEOUT, context=context)
    try:
        connection.request("POST", place.path or "/", body=body, headers=headers)
        answer = connection.getresponse()
        text = answer.read(1 << 24).decode("utf-8", "replace")
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text
    finally:
        connection.close()
