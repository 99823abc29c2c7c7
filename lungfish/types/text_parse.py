"""`parse_value`: text to an internal value, for every type.

The type's modifiers are not applied here: `casts.coerce_length` does that, because whether too long a text is cut or
refused depends on the kind of cast.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lungfish.errors import FeatureNotSupported, InvalidTextRepresentation
from lungfish.types.array_text import parse_array
from lungfish.types.array_value import ArrayValue
from lungfish.types.bytea_text import parse_bytea, parse_uuid
from lungfish.types.json_path import parse_json_path
from lungfish.types.json_path_text import format_json_path
from lungfish.types.json_text import check_json, normalize_jsonb
from lungfish.types.parse_datetime import (
    parse_date,
    parse_time,
    parse_timestamp,
    parse_timestamptz,
    parse_timetz,
)
from lungfish.types.parse_interval import parse_interval
from lungfish.types.parse_numbers import (
    WHITESPACE,
    parse_double,
    parse_integer,
    parse_numeric,
    parse_oid,
    parse_real,
)
from lungfish.types.range_sets import RangeLine
from lungfish.types.range_text import parse_range, split_multirange
from lungfish.types.ranges import canonical_range
from lungfish.types.record_text import split_record
from lungfish.types.settings import CANONICAL, TextSettings
from lungfish.types.sql_type import SqlType, TypeKind

Parser = Callable[[str, SqlType, TextSettings], Any]
NAME_BYTES_MAX = 63
_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")


def parse_value(text: str, sql_type: SqlType, settings: TextSettings = CANONICAL) -> Any:
    """The value that a text spells. Raises 22P02, 22003, 22007, 22008 and the like with PostgreSQL's texts."""
    return PARSERS[sql_type.kind](text, sql_type, settings)


def parse_boolean(text: str) -> bool:
    """A BOOLEAN from any unique beginning of true, false, yes, no, and on, off, 1, 0."""
    word = text.strip(WHITESPACE).lower()
    if word:
        if any(full.startswith(word) for full in ("true", "yes")) or word in _TRUE:
            return True
        if any(full.startswith(word) for full in ("false", "no")) or word in _FALSE or word == "of":
            return False
    raise InvalidTextRepresentation(f'invalid input syntax for type boolean: "{text}"')


def truncate_name(text: str) -> str:
    """A NAME: the first 63 bytes, no character cut in two."""
    encoded = text.encode()
    if len(encoded) <= NAME_BYTES_MAX:
        return text
    return encoded[:NAME_BYTES_MAX].decode(errors="ignore")


def parse_bits(text: str) -> str:
    """A bit string: digits 0 and 1, or hexadecimal ones after x. Raises 22P02."""
    digits = text
    if text[:1] in ("b", "B"):
        digits = text[1:]
    elif text[:1] in ("x", "X"):
        for character in text[1:]:
            if character not in "0123456789abcdefABCDEF":
                raise InvalidTextRepresentation(f'"{character}" is not a valid hexadecimal digit')
        return "".join(f"{int(character, 16):04b}" for character in text[1:])
    for character in digits:
        if character not in "01":
            raise InvalidTextRepresentation(f'"{character}" is not a valid binary digit')
    return digits


_LSN = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})")


def parse_lsn(text: str) -> str:
    """A PG_LSN in its normal spelling. Raises 22P02."""
    match = _LSN.fullmatch(text)
    if match is None:
        raise InvalidTextRepresentation(f'invalid input syntax for type pg_lsn: "{text}"')
    return f"{int(match[1], 16):X}/{int(match[2], 16):X}"


def parse_enum(text: str, sql_type: SqlType) -> str:
    """One of an enum's labels. Raises 22P02."""
    if text not in sql_type.labels:
        raise InvalidTextRepresentation(f'invalid input value for enum {sql_type.name}: "{text}"')
    return text


def _as_is(text: str, sql_type: SqlType, settings: TextSettings) -> Any:
    return text


def _integer(text: str, sql_type: SqlType, settings: TextSettings) -> Any:
    return parse_integer(text, sql_type)


def _array(text: str, sql_type: SqlType, settings: TextSettings) -> Any:
    element = sql_type.element
    assert element is not None
    if sql_type.name is not None:
        items = tuple([parse_value(item, element, settings) for item in text.split()])
        return ArrayValue(items, (len(items),), (0,)) if items else ArrayValue((), (), ())
    return parse_array(text, lambda item: parse_value(item, element, settings))


def parse_internal_char(text: str) -> str:
    """The value of "char": the first byte of a text, or a backslash with three octal digits."""
    if len(text) == 4 and text[0] == "\\" and all(digit in "01234567" for digit in text[1:]):
        code = int(text[1:], 8) & 0xFF
    else:
        code = text.encode()[0] if text else 0
    return chr(code) if code else ""


def _registered(text: str, sql_type: SqlType, settings: TextSettings) -> Any:
    if settings.names is None:
        return parse_oid(text)
    assert sql_type.name is not None, "these types have names"
    return settings.names.oid_of(sql_type.name, text)


def _range(text: str, sql_type: SqlType, settings: TextSettings) -> Any:
    element = sql_type.element
    assert element is not None
    return canonical_range(
        parse_range(text, lambda item: parse_value(item, element, settings)), sql_type
    )


def _multirange(text: str, sql_type: SqlType, settings: TextSettings) -> Any:
    range_type = sql_type.element
    assert range_type is not None
    ranges = [_range(each, range_type, settings) for each in split_multirange(text)]
    return RangeLine(range_type).united(ranges)


def _record(text: str, sql_type: SqlType, settings: TextSettings) -> Any:
    if not sql_type.fields:
        raise FeatureNotSupported("input of anonymous composite types is not implemented")
    texts = split_record(text)
    if len(texts) != len(sql_type.fields):
        detail = "Too few columns." if len(texts) < len(sql_type.fields) else "Too many columns."
        raise InvalidTextRepresentation(f'malformed record literal: "{text}"', detail=detail)
    return tuple(
        None if item is None else parse_value(item, field, settings)
        for item, field in zip(texts, sql_type.fields, strict=True)
    )


PARSERS: dict[TypeKind, Parser] = {
    TypeKind.BOOLEAN: lambda x, t, s: parse_boolean(x),
    TypeKind.SMALLINT: _integer,
    TypeKind.INTEGER: _integer,
    TypeKind.BIGINT: _integer,
    TypeKind.OID: lambda x, t, s: parse_oid(x),
    TypeKind.REGISTERED: _registered,
    TypeKind.INTERNAL_CHAR: lambda x, t, s: parse_internal_char(x),
    TypeKind.REAL: lambda x, t, s: parse_real(x),
    TypeKind.DOUBLE: lambda x, t, s: parse_double(x),
    TypeKind.NUMERIC: lambda x, t, s: parse_numeric(x),
    TypeKind.TEXT: _as_is,
    TypeKind.VARCHAR: _as_is,
    TypeKind.CHAR: _as_is,
    TypeKind.NAME: lambda x, t, s: truncate_name(x),
    TypeKind.BYTEA: lambda x, t, s: parse_bytea(x),
    TypeKind.DATE: lambda x, t, s: parse_date(x, s),
    TypeKind.TIME: lambda x, t, s: parse_time(x, s),
    TypeKind.TIMETZ: lambda x, t, s: parse_timetz(x, s),
    TypeKind.TIMESTAMP: lambda x, t, s: parse_timestamp(x, s),
    TypeKind.TIMESTAMPTZ: lambda x, t, s: parse_timestamptz(x, s),
    TypeKind.INTERVAL: lambda x, t, s: parse_interval(x, style=s.interval_style),
    TypeKind.UUID: lambda x, t, s: parse_uuid(x),
    TypeKind.JSON: lambda x, t, s: check_json(x),
    TypeKind.JSONB: lambda x, t, s: normalize_jsonb(x),
    TypeKind.JSONPATH: lambda x, t, s: format_json_path(parse_json_path(x)),
    TypeKind.BIT: lambda x, t, s: parse_bits(x),
    TypeKind.VARBIT: lambda x, t, s: parse_bits(x),
    TypeKind.ARRAY: _array,
    TypeKind.RECORD: _record,
    TypeKind.ENUM: lambda x, t, s: parse_enum(x, t),
    TypeKind.RANGE: _range,
    TypeKind.MULTIRANGE: _multirange,
    TypeKind.PG_LSN: lambda x, t, s: parse_lsn(x),
    TypeKind.UNKNOWN: _as_is,
    TypeKind.VOID: lambda x, t, s: "",
}
