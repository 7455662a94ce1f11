"""The protobuf messages of `proto.API/Query`, as far as recovery uses them.

Field numbers are facts of the protocol (fixtures: api_query_proto_facts.txt);
the descriptors are built here, in a pool of their own, so that no generated
code is needed and another client's stubs may live in the same process.
"""

from __future__ import annotations

from typing import Any

SERVICE = "proto.API"
"""The gRPC service's full name."""

_STRING, _UINT64, _UINT32, _FLOAT, _BYTES, _BOOL, _MESSAGE = 9, 4, 13, 2, 12, 8, 11

_Field = tuple[int, int] | tuple[int, int, str]

_MESSAGES: dict[str, dict[str, _Field]] = {
    "VQLEnv": {"key": (1, _STRING), "value": (2, _STRING)},
    "VQLRequest": {"VQL": (1, _STRING), "Name": (2, _STRING)},
    "VQLCollectorArgs": {
        "Query": (2, _MESSAGE, "VQLRequest"),
        "env": (3, _MESSAGE, "VQLEnv"),
        "max_row": (4, _UINT64),
        "max_wait": (6, _UINT64),
        "ops_per_second": (24, _FLOAT),
        "timeout": (25, _UINT64),
        "org_id": (35, _STRING),
    },
    "VQLResponse": {
        "Response": (1, _STRING),
        "Columns": (2, _STRING),
        "Query": (3, _MESSAGE, "VQLRequest"),
        "timestamp": (4, _UINT64),
        "query_id": (5, _UINT64),
        "part": (6, _UINT64),
        "total_rows": (7, _UINT64),
        "log": (9, _STRING),
        "JSONLResponse": (10, _STRING),
    },
    "VFSFileBuffer": {
        "client_id": (1, _STRING),
        "offset": (3, _UINT64),
        "length": (4, _UINT32),
        "data": (5, _BYTES),
        "components": (6, _STRING),
        "org_id": (7, _STRING),
    },
}

_REPEATED = {
    ("VQLCollectorArgs", "Query"),
    ("VQLCollectorArgs", "env"),
    ("VQLResponse", "Columns"),
    ("VFSFileBuffer", "components"),
}


def _build() -> dict[str, Any]:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(
        name="reference/query.proto", package="proto", syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field_name, definition in fields.items():
            field = message.field.add(name=field_name, number=definition[0])
            # The enums' values are protobuf's own numbers; its stubs want enum types.
            setattr(field, "type", definition[1])  # noqa: B010
            setattr(field, "label", 3 if (name, field_name) in _REPEATED else 1)  # noqa: B010
            if len(definition) == 3:  # noqa: PLR2004 - the third says which message
                field.type_name = f".proto.{definition[2]}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"proto.{name}"))
        for name in _MESSAGES
    }


_classes = _build()
VQLEnv: Any = _classes["VQLEnv"]
VQLRequest: Any = _classes["VQLRequest"]
VQLCollectorArgs: Any = _classes["VQLCollectorArgs"]
VQLResponse: Any = _classes["VQLResponse"]
VFSFileBuffer: Any = _classes["VFSFileBuffer"]
