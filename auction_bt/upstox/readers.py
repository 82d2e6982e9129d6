"""Functions that make a dict of a protobuf message, one a type of message, written from its schema."""

from __future__ import annotations

from collections.abc import Callable
from math import copysign, isnan
from typing import Any, Final

Reader = Callable[[Any], dict[str, Any]]
_DOUBLE, _BOOL, _STRING, _MESSAGE, _ENUM = 1, 8, 9, 11, 14  # protobuf's numbers of types
_INT64: Final = frozenset({3, 4, 6, 16, 18})  # text in JSON
_INT32: Final = frozenset({5, 7, 13, 15, 17})
_GOOGLES: Final = "google.protobuf."  # messages that have ways of their own into JSON
_WRAPPERS: Final = frozenset(f"{_GOOGLES}{name}Value" for name in ("Double", "Int64", "Int32", "Bool", "String"))


def reader_of(descriptor: Any) -> Reader | None:
    """Return a function that does for messages of `descriptor` what protobuf's ``MessageToDict`` does; None where none can be.

    Notes
    -----
    ``MessageToDict`` asks at each field of each message what kind of field it is. Here that is asked once: what is left are the
    reads themselves, as plain code, the way ``dataclasses`` writes its methods. Of a schema with a type that is not known here
    there is no such function.
    """
    found: dict[str, Any] = {}
    _order(descriptor, found)
    space: dict[str, Any] = {"copysign": copysign, "special": _special}
    lines: list[str] = []
    for each in found.values():
        for field in each.fields:
            if field.type == _ENUM:
                space[f"enum_{field.enum_type.name}"] = {v.number: v.name for v in field.enum_type.values}
        written = _function(each)
        if written is None:
            return None
        lines += written
    exec("\n".join(lines), space)  # noqa: S102 - of the schema's names, which are identifiers
    made: Reader = space[_name(descriptor)]
    return made


def _order(descriptor: Any, found: dict[str, Any]) -> None:
    if descriptor.full_name in found:
        return
    found[descriptor.full_name] = descriptor
    for field in descriptor.fields:
        if field.type == _MESSAGE:
            _order(field.message_type, found)


def _name(descriptor: Any) -> str:
    return f"read_{descriptor.full_name.replace('.', '_')}"


def _function(descriptor: Any) -> list[str] | None:
    lines = [f"def {_name(descriptor)}(m):", "    d = {}"]
    for field in sorted(descriptor.fields, key=lambda f: f.number):
        written = _field(field)
        if written is None:
            return None
        lines += ["    " + line for line in written]
    return [*lines, "    return d"]


def _field(field: Any) -> list[str] | None:
    name, key = field.name, repr(field.json_name)
    read = _value(field, "v")
    if read is None:
        return None
    if field.is_repeated:
        if field.type == _MESSAGE and field.message_type.GetOptions().map_entry:
            value = _value(field.message_type.fields_by_name["value"], "v")
            if value is None or field.message_type.fields_by_name["key"].type != _STRING:
                return None
            return [f"v = m.{name}", "if v:", f"    d[{key}] = {{k: {value} for k, v in v.items()}}"]
        return [f"if r := [{read} for v in m.{name}]:", f"    d[{key}] = r"]
    if field.has_presence:
        return [f"if m.HasField({name!r}):", f"    v = m.{name}", f"    d[{key}] = {read}"]
    is_there = "v or copysign(1.0, v) < 0.0" if field.type == _DOUBLE else "v"
    return [f"v = m.{name}", f"if {is_there}:", f"    d[{key}] = {read}"]


def _value(field: Any, v: str) -> str | None:
    """Return the expression of a value `v` of a field, None for a type that is not known here."""
    kind = field.type
    if kind == _MESSAGE:
        of = field.message_type
        if not of.full_name.startswith(_GOOGLES):
            return f"{_name(of)}({v})"
        return _value(of.fields[0], f"{v}.value") if of.full_name in _WRAPPERS else None
    if kind == _DOUBLE:
        return f"{v} if {v} - {v} == 0.0 else special({v})"
    if kind in _INT64:
        return f"str({v})"
    if kind == _ENUM:
        return f"enum_{field.enum_type.name}.get({v}, {v})"
    return v if kind in _INT32 or kind in {_BOOL, _STRING} else None


def _special(value: float) -> str:
    return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"
