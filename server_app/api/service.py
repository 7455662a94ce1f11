"""The gRPC service: who may ask, in which org, and the answers' statuses."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc

from server_app.api.answers import Log, stream
from server_app.api.messages import SERVICE, VFSFileBuffer, VQLCollectorArgs
from server_app.services.errors import ServiceError
from server_app.vql.scope import Run

if TYPE_CHECKING:
    from server_app.services import OrgServices, Server

WORKERS = 10
LARGEST_MESSAGE = 4 * 1024 * 1024
"""What a caller may send; a real server leaves gRPC's default as it is (read in its source)."""


class ApiError(Exception):
    """Why the API could not be opened."""


def open_api(server: Server) -> grpc.Server:
    """Starts listening on `API.bind_address:bind_port`. Raises ApiError.

    The certificate is the front end's (SAN VelociraptorServer); callers show
    one of the same CA, whose common name is the user.
    """
    config = server.config
    section = config.get("API") or {}
    address = f"{section.get('bind_address', '127.0.0.1')}:{section.get('bind_port', 8001)}"
    if section.get("bind_scheme") == "unix":
        address = f"unix:{section.get('bind_address')}"
    frontend = config["Frontend"]
    credentials = grpc.ssl_server_credentials(
        [(frontend["private_key"].encode(), frontend["certificate"].encode())],
        root_certificates=config["Client"]["ca_certificate"].encode(),
        require_client_auth=True,
    )
    api = grpc.server(
        ThreadPoolExecutor(WORKERS, thread_name_prefix="api"),
        options=[
            ("grpc.max_receive_message_length", LARGEST_MESSAGE),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
        ],
    )
    api.add_generic_rpc_handlers((_handlers(server),))
    try:
        api.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise ApiError(f"the API can't listen on {address}: {error}") from error
    api.start()
    return api


def _handlers(server: Server) -> Any:
    def query(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        user, org = _caller(server, request.org_id, context)
        if not org.users.has_permission(user, "ANY_QUERY"):
            context.abort(
                grpc.StatusCode.PERMISSION_DENIED,
                f"Permission denied: User {user} requires permission ANY_QUERY to run queries",
            )
        org.users.touch(user, _address(context.peer()))
        if not request.Query:
            context.abort(grpc.StatusCode.UNKNOWN, "Query should be specified.")
        log = Log()
        run = Run(org, user, log, timeout=request.timeout, is_active=context.is_active)
        yield from stream(request, run, log)

    def read_buffer(request: Any, context: grpc.ServicerContext) -> Any:
        user, org = _caller(server, request.org_id, context)
        if not org.users.has_permission(user, "READ_RESULTS"):
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "User is not allowed to view the VFS.")
        return _read(request, org, context)

    return grpc.method_handlers_generic_handler(
        SERVICE,
        {
            "Query": grpc.unary_stream_rpc_method_handler(
                query, VQLCollectorArgs.FromString, _serialize
            ),
            "VFSGetBuffer": grpc.unary_unary_rpc_method_handler(
                read_buffer, VFSFileBuffer.FromString, _serialize
            ),
        },
    )


def _serialize(message: Any) -> bytes:
    return bytes(message.SerializeToString())


def _caller(server: Server, org_id: str, context: grpc.ServicerContext) -> tuple[str, OrgServices]:
    """The user named by the certificate, and the org asked for; aborts if one isn't known.

    The server's own name is its superuser, without any user record (as on a real server).
    """
    names = context.auth_context().get("x509_common_name") or [b""]
    user = names[0].decode("utf-8", "replace")
    users = server.org("").users
    # The server's own name is nobody's record, and its superuser in every org.
    if not users.exists(user) and not users.has_permission(user, "SERVER_ADMIN"):
        context.abort(grpc.StatusCode.UNKNOWN, f"User not found: {user}")
    try:
        return user, server.org(org_id)
    except ServiceError as error:
        context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        raise  # abort() has raised already; this is for the reader and the type checker


def _address(peer: str) -> str:
    """`ipv4:127.0.0.1:56824` → `127.0.0.1:56824`, as recorded with users."""
    return peer.partition(":")[2] or peer


def _read(request: Any, org: OrgServices, context: grpc.ServicerContext) -> Any:
    """A piece of a stored file, at `components` (within a client's folder if one is named)."""
    parts = [*(["clients", request.client_id] if request.client_id else []), *request.components]
    if not parts:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "Invalid pathspec")
    try:
        with org.files.open("/" + "/".join(parts)) as file:
            file.seek(request.offset)
            data = file.read(request.length)
    except PermissionError as error:
        context.abort(grpc.StatusCode.PERMISSION_DENIED, str(error))
    except (OSError, ValueError) as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))
    return VFSFileBuffer(
        client_id=request.client_id,
        offset=request.offset,
        length=request.length,
        components=request.components,
        data=data,
    )
