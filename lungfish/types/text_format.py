"""`format_value`: an internal value as PostgreSQL's text output, for every type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lungfish.types.array_text import format_array
from lungfish.types.bytea_text import format_bytea, format_uuid
from lungfish.types.format_datetime import (
    format_date,
    format_time,
    format_timestamp,
    format_timestamptz,
    format_timetz,
)
from lungfish.types.format_interval import format_interval
from lungfish.types.format_numbers import format_double, format_real
from lungfish.types.numerics import numeric_text
from lungfish.types.range_text import format_range
from lungfish.types.record_text import format_record
from lungfish.types.settings import CANONICAL, TextSettings
from lungfish.types.sql_type import SqlType, TypeKind

Formatter = Callable[[Any, SqlType, TextSettings], str]


def format_value(value: Any, sql_type: SqlType, settings: TextSettings = CANONICAL) -> str:
    """The text of a value that is not NULL."""
    return FORMATTERS[sql_type.kind](value, sql_type, settings)


def format_column(
    values: Sequence[Any], sql_type: SqlType, settings: TextSettings = CANONICAL
) -> list[str | None]:
    """The texts of a column's values, None for NULL. Hot: results on their way to a screen or a file."""
    write = FORMATTERS[sql_type.kind]
    if write is _as_is and None not in values:
        return list(map(str, values))
    return [None if value is None else write(value, sql_type, settings) for value in values]


def _as_is(value: Any, sql_type: SqlType, settings: TextSettings) -> str:
    return str(value)


def _boolean(value: Any, sql_type: SqlType, settings: TextSettings) -> str:
    return "t" if value else "f"


def _lsn(value: Any, sql_type: SqlType, settings: TextSettings) -> str:
    return str(value)


def _array(value: Any, sql_type: SqlType, settings: TextSettings) -> str:
    element = sql_type.element
    assert element is not None
    if sql_type.name is not None:
        return " ".join([str(item) for item in value.elements])
    return format_array(value, lambda item: format_value(item, element, settings))


def _internal_char(value: str, sql_type: SqlType, settings: TextSettings) -> str:
    """The character, or its byte in octal where that is no ASCII."""
    return value if value < "\x80" else f"\\{ord(value):03o}"


def _registered(value: int, sql_type: SqlType, settings: TextSettings) -> str:
    if settings.names is None:
        return str(value)
    assert sql_type.name is not None, "these types have names"
    return settings.names.name_of(sql_type.name, value)


def _range(value: Any, sql_type: SqlType, settings: TextSettings) -> str:
    element = sql_type.element
    assert element is not None
    return format_range(value, lambda item: format_value(item, element, settings))


def _multirange(value: Any, sql_type: SqlType, settings: TextSettings) -> str:
    range_type = sql_type.element
    assert range_type is not None
    return "{" + ",".join(_range(each, range_type, settings) for each in value) + "}"


def _record(value: Any, sql_type: SqlType, settings: TextSettings) -> str:
    return format_record(
        [
            None if item is None else format_value(item, field, settings)
            for item, field in zip(value, sql_type.fields, strict=True)
        ]
    )


FORMATTERS: dict[TypeKind, Formatter] = {
    TypeKind.BOOLEAN: _boolean,
    TypeKind.SMALLINT: _as_is,
    TypeKind.INTEGER: _as_is,
    TypeKind.BIGINT: _as_is,
    TypeKind.OID: _as_is,
    TypeKind.REGISTERED: _registered,
    TypeKind.REAL: lambda v, t, s: format_real(v, s.extra_float_digits),
    TypeKind.DOUBLE: lambda v, t, s: format_double(v, s.extra_float_digits),
    TypeKind.NUMERIC: lambda v, t, s: numeric_text(v),
    TypeKind.TEXT: _as_is,
    TypeKind.VARCHAR: _as_is,
    TypeKind.CHAR: _as_is,
    TypeKind.NAME: _as_is,
    TypeKind.INTERNAL_CHAR: _internal_char,
    TypeKind.BYTEA: lambda v, t, s: format_bytea(v, s.bytea_output),
    TypeKind.DATE: lambda v, t, s: format_date(v, s),
    TypeKind.TIME: lambda v, t, s: format_time(v),
    TypeKind.TIMETZ: lambda v, t, s: format_timetz(v),
    TypeKind.TIMESTAMP: lambda v, t, s: format_timestamp(v, s),
    TypeKind.TIMESTAMPTZ: lambda v, t, s: format_timestamptz(v, s),
    TypeKind.INTERVAL: lambda v, t, s: format_interval(v, s.interval_style),
    TypeKind.UUID: lambda v, t, s: format_uuid(v),
    TypeKind.JSON: _as_is,
    TypeKind.JSONB: _as_is,
    TypeKind.JSONPATH: _as_is,
    TypeKind.BIT: _as_is,
    TypeKind.VARBIT: _as_is,
    TypeKind.ARRAY: _array,
    TypeKind.RECORD: _record,
    TypeKind.ENUM: _as_is,
    TypeKind.RANGE: _range,
    TypeKind.MULTIRANGE: _multirange,
    TypeKind.PG_LSN: _lsn,
    TypeKind.UNKNOWN: _as_is,
    TypeKind.VOID: lambda v, t, s: "",
}
