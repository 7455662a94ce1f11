"""Classes of wire messages, made from the record layouts in schema.py."""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from server_app.datastore.schema import ENUMS, RECORDS

_TYPES = {
    "s": FieldDescriptor.TYPE_STRING,
    "y": FieldDescriptor.TYPE_BYTES,
    "b": FieldDescriptor.TYPE_BOOL,
    "u": FieldDescriptor.TYPE_UINT64,
    "i": FieldDescriptor.TYPE_INT64,
    "f": FieldDescriptor.TYPE_FLOAT,
}


def _typed(field: Any, kind: str) -> None:
    if kind in _TYPES:
        field.type = _TYPES[kind]
    elif kind in ENUMS:
        field.type, field.type_name = FieldDescriptor.TYPE_ENUM, f".ds.{kind}Enum.{kind}"
    else:
        field.type, field.type_name = FieldDescriptor.TYPE_MESSAGE, f".ds.{kind}"


def _add_field(message: Any, spec: str) -> None:
    name, _, rest = spec.partition("=")
    number, _, kind = rest.partition(":")
    kind = kind or "s"
    field = message.field.add(name=name, number=int(number))
    field.label = FieldDescriptor.LABEL_OPTIONAL
    if kind.endswith("{}"):
        entry = message.nested_type.add(name=name.title().replace("_", "") + "Entry")
        entry.options.map_entry = True
        _add_field(entry, "key=1:s")
        _add_field(entry, f"value=2:{kind[:-2]}")
        field.type = FieldDescriptor.TYPE_MESSAGE
        field.type_name = f".ds.{message.name}.{entry.name}"
        field.label = FieldDescriptor.LABEL_REPEATED
        return
    if kind.endswith("*"):
        kind, field.label = kind[:-1], FieldDescriptor.LABEL_REPEATED
    _typed(field, kind)


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    file = descriptor_pb2.FileDescriptorProto(name="ds.proto", package="ds", syntax="proto3")
    for name, values in ENUMS.items():
        enum = file.message_type.add(name=f"{name}Enum").enum_type.add(name=name)
        for label, number in values.items():
            enum.value.add(name=label, number=number)
    for line in RECORDS.strip().splitlines():
        name, _, fields = line.partition(":")
        message = file.message_type.add(name=name)
        for spec in fields.split():
            _add_field(message, spec)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


@cache
def message_class(kind: str) -> type[Message]:
    """The class of a kind's messages; KeyError for none."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"ds.{kind}"))
