"""The texts by which vectors hold values that Arrow has no type for here: arrays, records, ranges, times with zones.

They are written with the canonical settings, so that they mean the same in every session.
"""

from __future__ import annotations

from typing import Any

from lungfish.types.parse_datetime import read_timetz
from lungfish.types.sql_type import SqlType, TypeKind
from lungfish.types.text_format import format_value
from lungfish.types.text_parse import parse_value


def container_text(value: Any, sql_type: SqlType) -> str:
    """The vector's text of a value."""
    return format_value(value, sql_type)


def container_from_text(text: str, sql_type: SqlType) -> Any:
    """The value of a vector's text."""
    if sql_type.kind is TypeKind.TIMETZ:
        return read_timetz(text)
    return parse_value(text, sql_type)
