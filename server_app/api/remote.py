"""Asking another server, for `query --api_config`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from server_app.api.messages import SERVICE, VQLCollectorArgs, VQLEnv, VQLRequest, VQLResponse
from server_app.config.keys import SERVER_NAME


class RemoteError(Exception):
    """The server refused, or can't be reached."""


def remote_query(
    api: Mapping[str, Any],
    queries: list[str],
    *,
    env: Mapping[str, str],
    org_id: str = "",
    timeout: int = 0,
    max_row: int = 1000,
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yields (log line, []) or ("", rows) as they come. Raises RemoteError."""
    import grpc

    credentials = grpc.ssl_channel_credentials(
        root_certificates=api["ca_certificate"].encode(),
        private_key=api["client_private_key"].encode(),
        certificate_chain=api["client_cert"].encode(),
    )
    options = [
        ("grpc.ssl_target_name_override", api.get("pinned_server_name") or SERVER_NAME),
        ("grpc.max_receive_message_length", int(api.get("max_grpc_recv_size") or 4194304)),
    ]
    address = str(api["api_connection_string"]).replace("unix://", "unix:")
    request = VQLCollectorArgs(
        Query=[VQLRequest(VQL=text) for text in queries],
        env=[VQLEnv(key=key, value=value) for key, value in env.items()],
        org_id=org_id,
        max_row=max_row,
        max_wait=1,
        timeout=timeout,
    )
    with grpc.secure_channel(address, credentials, options) as channel:
        call = channel.unary_stream(
            f"/{SERVICE}/Query",
            request_serializer=VQLCollectorArgs.SerializeToString,
            response_deserializer=VQLResponse.FromString,
        )
        try:
            for answer in call(request):
                if answer.log:
                    yield answer.log, []
                elif answer.Response:
                    yield "", json.loads(answer.Response)
        except grpc.RpcError as error:
            code = error.code().name.title().replace("_", "")
            text = f"rpc error: code = {code} desc = {error.details()}"
            raise RemoteError(text) from error
