"""The one door to a server's API: VQL in, rows out, every error an exception.

On the wire a failed statement looks like an empty result (facts: "Errors are mostly only
logs"). Here it never does: an ERROR line, a parse error, a time-out, or a row that had to
come and didn't, raises :class:`recovery.errors.ServerError`.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from pyvelociraptor import api_pb2, api_pb2_grpc

from recovery.counts import things
from recovery.errors import ServerError
from recovery.target import Target
from recovery.velociraptor.bind_addresses import reachable_at
from recovery.velociraptor.config import SERVICE, ServerConfig
from recovery.velociraptor.operator_identity import OperatorIdentity, operator_identity

Row = dict[str, Any]
ROOT = "root"

_MESSAGE_BYTES = 1 << 30
_ERROR_MARKS = ("ERROR:", "VQL Error:", "Timeout Error", "DEFAULT:VQL Error")
_ROWS_AT_ONCE = 1000
_IS_IT_UP = (
    f"does the server run there? `systemctl status {SERVICE}` tells; its API listens where the "
    "config says (API.bind_port); where the connection to the machine was cut, run the same again"
)
USUAL = ("DEBUG:", "Starting query execution", "Time ")
"""How lines of a server's log begin that say nothing of how the statement went."""


@dataclass(frozen=True)
class Answer:
    """What a query gave: its ``rows``, and the server's ``log`` lines in order."""

    rows: list[Row]
    log: list[str]


class Api:
    """Queries over one gRPC channel (mutual TLS). Make it by :func:`open_api`."""

    def __init__(self, stub: Any, target: str) -> None:
        self._stub = stub
        self._target = target

    def query(
        self,
        vql: str,
        *,
        env: Mapping[str, str] | None = None,
        org: str = ROOT,
        timeout: float = 600,
        min_rows: int = 0,
    ) -> list[Row]:
        """The rows of one or more VQL statements, run in ``org``.

        Values travel in ``env`` (strings), never inside ``vql``. ``timeout`` in seconds.
        Raises :class:`ServerError` with query, org and log on any error, also when fewer
        than ``min_rows`` rows come.
        """
        answer = self.ask(vql, env=env, org=org, timeout=timeout)
        errors = [line for line in answer.log if any(mark in line for mark in _ERROR_MARKS)]
        if errors:
            raise self._failure(vql, org, errors)
        if len(answer.rows) < min_rows:
            said = [line for line in answer.log if not line.startswith(USUAL)]
            too_few = f"{things(len(answer.rows), 'row')} came, at least {min_rows} had to"
            raise self._failure(vql, org, said or [too_few])
        return answer.rows

    def ask(
        self,
        vql: str,
        *,
        env: Mapping[str, str] | None = None,
        org: str = ROOT,
        timeout: float = 600,
    ) -> Answer:
        """Rows and log as they are, for the calls that judge the log themselves."""
        request = api_pb2.VQLCollectorArgs(
            org_id="" if org == ROOT else org,
            max_row=_ROWS_AT_ONCE,
            max_wait=1,
            timeout=int(timeout),
            env=[api_pb2.VQLEnv(key=key, value=value) for key, value in (env or {}).items()],
            Query=[api_pb2.VQLRequest(Name="recovery", VQL=vql)],
        )
        rows: list[Row] = []
        log: list[str] = []
        try:
            for message in self._stub.Query(request, timeout=timeout + 10):
                if message.Response:
                    rows.extend(json.loads(message.Response))
                if message.log:
                    log.append(message.log.rstrip("\n"))
        except grpc.RpcError as refused:
            silent = refused.code() == grpc.StatusCode.UNAVAILABLE
            said = [f"{refused.code().name}: {refused.details()}"]
            raise self._failure(vql, org, said, _IS_IT_UP if silent else "") from None
        return Answer(rows, log)

    def wait_ready(self, timeout: float = 60) -> float:
        """Waits until the server answers; the seconds it took. ``timeout`` in seconds."""
        start = time.monotonic()
        while True:
            try:
                self.query("SELECT 1 AS Ready FROM scope()", min_rows=1, timeout=5)
                return time.monotonic() - start
            except ServerError as refused:
                if time.monotonic() - start > timeout:
                    raise ServerError(
                        f"the server's API did not answer within {timeout:g} s: {refused.message}",
                        step="wait for the server",
                        target=self._target,
                        hint="look at `journalctl -u velociraptor_server` on the target",
                    ) from refused
                time.sleep(0.1)

    def _failure(self, vql: str, org: str, log: list[str], hint: str = "") -> ServerError:
        query = " ".join(vql.split())
        return ServerError(
            f"org {org}: `{query[:200]}`: {'; '.join(log)[:800]}",
            step="query the server",
            target=self._target,
            hint=hint,
        )


def connect(address: str, identity: OperatorIdentity, target: str) -> tuple[Api, grpc.Channel]:
    """An :class:`Api` on a gRPC ``address`` (``host:port`` or ``unix:/path``)."""
    credentials = grpc.ssl_channel_credentials(
        identity.ca, identity.private_key, identity.certificate
    )
    options = (
        ("grpc.ssl_target_name_override", identity.server_name),
        ("grpc.max_receive_message_length", _MESSAGE_BYTES),
        ("grpc.initial_reconnect_backoff_ms", 100),
        # This one is also how long an attempt may take, handshake and `docker exec` included.
        ("grpc.min_reconnect_backoff_ms", 10_000),
        ("grpc.max_reconnect_backoff_ms", 500),
        ("grpc.enable_http_proxy", 0),
    )
    channel = grpc.secure_channel(address, credentials, options)
    return Api(api_pb2_grpc.APIStub(channel), target), channel


@contextmanager
def open_api(target: Target, config: ServerConfig) -> Iterator[Api]:
    """The API of the server on ``target``, through the target's own connection."""
    identity = operator_identity(config)
    with target.forward(config.api_port, reachable_at(target, config, "API")) as address:
        api, channel = connect(address, identity, target.uri)
        try:
            yield api
        finally:
            channel.close()
