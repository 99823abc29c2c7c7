"""`||` between a text and a value of another type: the value is written as text, as PostgreSQL's anynonarray operators do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lungfish.functions.registry import Function, Polymorphic, Volatility
from lungfish.types.sql_type import TEXT, SqlType
from lungfish.types.text_format import format_value


def _text_first(left: str, right: Any, *, types: Sequence[SqlType]) -> str:
    return left + format_value(right, types[1])


def _text_last(left: Any, right: str, *, types: Sequence[SqlType]) -> str:
    return format_value(left, types[0]) + right


FUNCTIONS: tuple[Function, ...] = (
    Function(
        "||",
        (TEXT, Polymorphic.ANYNONARRAY),
        TEXT,
        _text_first,
        volatility=Volatility.STABLE,
        needs_types=True,
    ),
    Function(
        "||",
        (Polymorphic.ANYNONARRAY, TEXT),
        TEXT,
        _text_last,
        volatility=Volatility.STABLE,
        needs_types=True,
    ),
)
