"""From a record of ours to a row of a system view: the values in the order of the view's columns, as SQL's internal values."""

from __future__ import annotations

import enum
from typing import Any

from lungfish.recovery.wal_records import format_lsn
from lungfish.types.array_value import array_value
from lungfish.types.sql_type import SqlType, TypeKind

# A view's columns: name and type.
Columns = tuple[tuple[str, SqlType], ...]
Row = tuple[Any, ...]


def row_of(record: object, columns: Columns) -> Row:
    """The attributes of `record` that the columns name."""
    return tuple(internal_value(getattr(record, name), sql_type) for name, sql_type in columns)


def internal_value(value: Any, sql_type: SqlType) -> Any:
    """A value of ours as an internal value of that type: an LSN as its text, an enum as its value, a tuple as an array."""
    if value is None:
        return None
    if sql_type.kind is TypeKind.PG_LSN:
        return format_lsn(value)
    if sql_type.kind is TypeKind.ARRAY:
        return array_value(value)
    if isinstance(value, enum.Enum):
        return value.value
    return value
