"""What is wrong with a monitoring table given as JSON, in the words of a real server's messages."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from server_app.datastore.message_classes import message_class
from server_app.vql.text import dump

_KINDS = {
    FieldDescriptor.TYPE_STRING: ("string", (str,)),
    FieldDescriptor.TYPE_BOOL: ("bool", (bool,)),
    FieldDescriptor.TYPE_UINT64: ("uint64", (int,)),
    FieldDescriptor.TYPE_INT64: ("int64", (int,)),
    FieldDescriptor.TYPE_FLOAT: ("float", (int, float)),
}


def first_fault(kind: str, value: Any) -> str:
    """The message about a record's first misfit, with its place in the JSON text; "" for none."""
    descriptor: Any = message_class(kind).DESCRIPTOR
    return _in_record(descriptor, value, 1)


def _in_record(descriptor: Descriptor, value: Any, column: int) -> str:
    if not isinstance(value, dict):
        return _unexpected(value, column)
    column += 1
    for key, item in value.items():
        column += len(_text(key)) + 1
        field: Any = descriptor.fields_by_name.get(key)
        if field is not None and item is not None and (fault := _in_field(field, item, column)):
            return fault
        column += len(_text(item)) + 1
    return ""


def _in_field(field: FieldDescriptor, value: Any, column: int) -> str:
    if not field.is_repeated:
        return _in_value(field, value, column)
    if not isinstance(value, list):
        return _unexpected(value, column)
    column += 1
    for item in value:
        if fault := _in_value(field, item, column):
            return fault
        column += len(_text(item)) + 1
    return ""


def _in_value(field: FieldDescriptor, value: Any, column: int) -> str:
    if field.message_type is not None:
        return _in_record(field.message_type, value, column)
    name, kinds = _KINDS.get(field.type, ("", (object,)))
    fits = isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))
    if fits or (int in kinds and isinstance(value, str) and value.lstrip("-").isdecimal()):
        return ""
    if isinstance(value, dict | list):
        return _unexpected(value, column)
    return f"(line 1:{column}): invalid value for {name} field {field.name}: {_text(value)}"


def _unexpected(value: Any, column: int) -> str:
    token = _text(value)[:1] if isinstance(value, dict | list) else _text(value)
    return f"syntax error (line 1:{column}): unexpected token {token}"


def _text(value: Any) -> str:
    return dump(value)
