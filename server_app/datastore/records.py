"""Records as plain dicts, and the four ways in which a server writes them.

In memory a record is a dict of the fields that are set: text, int, bool, list, dict; enums by
number, bytes as bytes. `full` is what a query row shows, `compact` what backups hold, `spelled`
what hunt_info.json holds, and `to_json`/`to_wire` what lies in the datastore.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message

from server_app.datastore.message_classes import message_class
from server_app.datastore.plain_records import Form, Plans, Unusual, taken

Record = dict[str, Any]

_NOT_NUMBERS = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BOOL)
_WIDE = (FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_INT64)


class RecordError(ValueError):
    """Bytes that are no record of the kind asked for."""


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _map_value(field: Any) -> FieldDescriptor:
    value: FieldDescriptor = field.message_type.fields_by_name["value"]
    return value


def _message(kind: str, record: Record) -> Message:
    """Builds the wire message; unknown fields are left out, as a real server would."""
    message = message_class(kind)()
    _fill(message, record)
    return message


def _fill(message: Any, record: Record) -> None:
    for name, value in record.items():
        field = message.DESCRIPTOR.fields_by_name.get(name)
        if field is None or value is None:
            continue
        if _is_map(field):
            of_records = _map_value(field).message_type is not None
            for key, item in value.items():
                if of_records:
                    _fill(getattr(message, name)[key], item)
                else:
                    getattr(message, name)[key] = item
        elif field.message_type is not None:
            if field.is_repeated:
                for item in value:
                    _fill(getattr(message, name).add(), item)
            else:
                getattr(message, name).SetInParent()
                _fill(getattr(message, name), value)
        elif field.is_repeated:
            getattr(message, name).extend(value)
        else:
            setattr(message, name, _scalar_in(field, value))


def _scalar_in(field: FieldDescriptor, value: Any) -> Any:
    if field.enum_type is not None and isinstance(value, str):
        return field.enum_type.values_by_name[value].number
    if field.type in _WIDE and isinstance(value, (str, float)):
        return int(value)
    if field.type == FieldDescriptor.TYPE_BYTES and isinstance(value, str):
        return base64.b64decode(value)
    return value


def _shown(field: FieldDescriptor, value: Any, *, wide_as_text: bool, defaults: bool) -> Any:
    if field.message_type is not None:
        return _row(value, wide_as_text=wide_as_text, defaults=defaults)
    if field.enum_type is not None and (wide_as_text or defaults):
        return field.enum_type.values_by_number[value].name
    if field.type in _WIDE and wide_as_text:
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _row(message: Any, *, wide_as_text: bool = False, defaults: bool = False) -> Record:
    descriptor: Descriptor = message.DESCRIPTOR
    present = {field.name for field, _ in message.ListFields()}
    row: Record = {}
    for field in descriptor.fields:
        if field.name not in present:
            if defaults:
                row[field.name] = _default(field)
            continue
        value = getattr(message, field.name)
        if _is_map(field):
            inner = _map_value(field)
            row[field.name] = {
                key: _shown(inner, value[key], wide_as_text=wide_as_text, defaults=defaults)
                for key in value
            }
        elif field.is_repeated:
            row[field.name] = [
                _shown(field, item, wide_as_text=wide_as_text, defaults=defaults) for item in value
            ]
        else:
            row[field.name] = _shown(field, value, wide_as_text=wide_as_text, defaults=defaults)
    return row


def _default(field: FieldDescriptor) -> Any:
    if _is_map(field):
        return {}
    if field.is_repeated:
        return []
    if field.message_type is not None:
        return {inner.name: _default(inner) for inner in field.message_type.fields}
    if field.type == FieldDescriptor.TYPE_BYTES:
        return None
    if field.enum_type is not None:
        return field.enum_type.values_by_number[0].name
    return field.default_value if field.type in _NOT_NUMBERS else int(field.default_value)


_PLANS = Plans(_default)


def _taken(form: Form, kind: str, source: Any) -> Record:
    descriptor: Any = message_class(kind).DESCRIPTOR
    return taken(_PLANS.of(descriptor, form), source)


def full(kind: str, record: Record) -> Record:
    """The record as a query row shows it: all fields, unset ones as zero, enums by name."""
    try:
        return _taken(Form.ROW, kind, record)
    except Unusual:
        return _row(_message(kind, record), defaults=True)


def compact(kind: str, record: Record) -> Record:
    """Set fields only, in the record's order, numbers as numbers: the form kept in memory."""
    try:
        return _taken(Form.MEMORY, kind, record)
    except Unusual:
        return _row(_message(kind, record))


def spelled(kind: str, record: Record) -> Record:
    """Set fields only, 64-bit numbers as text and enums by name (hunt_info.json)."""
    return _row(_message(kind, record), wide_as_text=True)


def to_json(kind: str, record: Record) -> bytes:
    """The text of a ``.json.db`` file."""
    message = json_format.MessageToDict(_message(kind, record))
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()


def to_wire(kind: str, record: Record) -> bytes:
    """The bytes of a ``.db`` file, also used in the client list."""
    return _message(kind, record).SerializeToString()


def from_wire(kind: str, data: bytes) -> Record:
    """Reads wire bytes; RecordError if they are none."""
    message = message_class(kind)()
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise RecordError(f"these bytes hold no {kind} record: {error}") from error
    return _row(message)


def from_stored(kind: str, data: bytes) -> Record:
    """Reads a datastore file, JSON or wire form; RecordError if it is neither."""
    if not data.startswith(b"{"):
        return from_wire(kind, data)
    try:
        return from_object(kind, json.loads(data))
    except json.JSONDecodeError as error:
        raise RecordError(f"this text holds no {kind} record: {error}") from error


def from_object(kind: str, parsed: Any) -> Record:
    """Reads parsed JSON of any of the forms above (both spellings of names and numbers)."""
    try:
        return _taken(Form.STORED, kind, parsed)
    except Unusual:
        message = message_class(kind)()
    try:
        json_format.ParseDict(parsed, message, ignore_unknown_fields=True)
    # A name that is no Unicode ends protobuf's look-up in a SystemError.
    except (json_format.ParseError, AttributeError, TypeError, SystemError) as error:
        raise RecordError(f"this is no {kind} record: {error}") from error
    return _row(message)
