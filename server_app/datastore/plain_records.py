"""Records taken over from parsed JSON or memory directly, without a wire message in between.

A listing reads three files a flow: by way of messages that took six times a real server's time.
Only what is usual is taken this way. A number out of range, a field under both of its spellings,
text that is no Unicode, bytes: `Unusual`, and the message decides what becomes of it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import Enum
from functools import partial
from math import isfinite
from typing import Any, NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor

_WIDE = {
    FieldDescriptor.TYPE_UINT64: range(1 << 64),
    FieldDescriptor.TYPE_INT64: range(-(1 << 63), 1 << 63),
}
_FLOAT = struct.Struct("<f")
_EXACT = 1 << 24
"""Up to here a float of 32 bits holds every whole number."""
Take = Callable[[Any], Any]


class Unusual(Exception):  # noqa: N818  no error: another way is taken
    """Not to be taken over directly."""


class Form(Enum):
    """Where a record comes from, and what becomes of it."""

    STORED = "parsed JSON, names of either spelling, to a record"
    MEMORY = "a record to one without unset fields"
    ROW = "a record to a row with all fields, enums by name"


class Plan(NamedTuple):
    """How records of one kind are taken over."""

    fields: dict[str, tuple[str, Take, bool]]
    """Spelling -> field, its taker, whether it is kept when empty."""
    order: tuple[str, ...]
    unset: dict[str, Any] | None
    """What unset fields hold; None: they are left out."""
    fresh: tuple[tuple[str, Callable[[], Any]], ...]
    """Unset fields that hold a list or dict of their own."""
    nulls: bool
    """Is NULL as good as not given?"""


class Plans:
    """The plans of all kinds; `default` gives an unset field's value in a row of all fields."""

    def __init__(self, default: Callable[[FieldDescriptor], Any]) -> None:
        self._default = default
        self._made: dict[tuple[str, Form], Plan] = {}

    def of(self, descriptor: Descriptor, form: Form) -> Plan:
        key = (descriptor.full_name, form)
        if key not in self._made:
            self._made[key] = self._plan(descriptor, form)
        return self._made[key]

    def _plan(self, descriptor: Descriptor, form: Form) -> Plan:
        fields: dict[str, tuple[str, Take, bool]] = {}
        unset: dict[str, Any] = {}
        for field in descriptor.fields:
            is_record = field.message_type is not None and not field.is_repeated
            entry = (field.name, self._taker(field, form), is_record or form is Form.ROW)
            fields[field.name] = entry
            if form is Form.STORED:
                fields[field.json_name] = entry
            unset[field.name] = self._default(field)
        fresh = tuple(
            (field.name, partial(self._default, field))
            for field in descriptor.fields
            if isinstance(unset[field.name], list | dict)
        )
        whole = unset if form is Form.ROW else None
        return Plan(fields, tuple(unset), whole, fresh, form is not Form.STORED)

    def _taker(self, field: FieldDescriptor, form: Form) -> Take:
        kind = field.message_type
        if kind is None:
            take = _scalar(field, form)
        elif kind.GetOptions().map_entry:
            return _one_entry(self._taker(kind.fields_by_name["value"], form))
        elif kind is field.containing_type:
            return _never  # how deep it goes, the message watches
        else:
            take = partial(taken, self.of(kind, form))
        return _each(take) if field.is_repeated else take


def taken(plan: Plan, source: Any) -> dict[str, Any]:
    """The record in `source`. Raises Unusual."""
    if type(source) is not dict:
        raise Unusual
    fields, order, unset, fresh, nulls = plan
    found: dict[str, Any] = {}
    for key, value in source.items():
        entry = fields.get(key)
        if entry is None or (value is None and nulls):
            continue
        name, take, kept_empty = entry
        if name in found:
            raise Unusual
        content = take(value)
        if content or kept_empty:
            found[name] = content
    if unset is None:
        return {name: found[name] for name in order if name in found}
    row = unset | found
    for name, make in fresh:
        if name not in found:
            row[name] = make()
    return row


def _each(take: Take) -> Take:
    def take_each(value: Any) -> list[Any]:
        if type(value) is not list or None in value:
            raise Unusual
        return [take(item) for item in value]

    return take_each


def _one_entry(take: Take) -> Take:
    """Maps of one entry: a message doesn't keep the order of more."""

    def take_entry(value: Any) -> dict[str, Any]:
        if type(value) is not dict or len(value) > 1 or None in value.values():
            raise Unusual
        return {_text(key): take(item) for key, item in value.items()}

    return take_entry


def _scalar(field: FieldDescriptor, form: Form) -> Take:
    if field.enum_type is not None:
        return _choice(field, by_name=form is Form.ROW)
    if field.type in _WIDE:
        return _wide(_WIDE[field.type])
    return {
        FieldDescriptor.TYPE_STRING: _text,
        FieldDescriptor.TYPE_BOOL: _flag,
        FieldDescriptor.TYPE_FLOAT: _float,
    }.get(field.type, _never)


def _text(value: Any) -> str:
    if type(value) is not str:
        raise Unusual
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise Unusual from error
    return value


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise Unusual
    return value


def _wide(allowed: range) -> Take:
    def take_whole(value: Any) -> int:
        if type(value) is str and value.isdecimal() and value.isascii():
            value = int(value)
        if type(value) is not int or value not in allowed:
            raise Unusual
        return value

    return take_whole


def _float(value: Any) -> float:
    """With the wire's 32 bits; a whole number as one."""
    if type(value) is int and abs(value) <= _EXACT:
        return value
    if type(value) is not float or not isfinite(value):
        raise Unusual
    try:
        (rounded,) = _FLOAT.unpack(_FLOAT.pack(value))
    except OverflowError as error:
        raise Unusual from error
    if not rounded:
        raise Unusual
    return int(rounded) if rounded.is_integer() else float(rounded)


def _choice(field: FieldDescriptor, *, by_name: bool) -> Take:
    """An enum: by name in rows of all fields, else by number."""
    choices: Any = field.enum_type
    names = {value.name: value.number for value in choices.values}
    known = {**names, **{number: number for number in names.values()}}
    labels = {number: name for name, number in names.items()}

    def take_choice(value: Any) -> Any:
        if type(value) not in (str, int) or value not in known:
            raise Unusual
        return labels[known[value]] if by_name else known[value]

    return take_choice


def _never(_value: Any) -> Any:
    raise Unusual
