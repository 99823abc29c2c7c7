"""Sizes in words (pg_size_pretty, pg_size_bytes) and the counting of nulls among arguments."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from lungfish.errors import InvalidParameterValue, NumericValueOutOfRange
from lungfish.functions.registry import Function, Polymorphic
from lungfish.types.numerics import CONTEXT
from lungfish.types.sql_type import BIGINT, INTEGER, NUMERIC, TEXT

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")
# Below this many bytes, or half units of the others, the unit is not exchanged for the next.
_LIMIT = 10 * 1024
_SIZE = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-z]*)\s*", re.ASCII)
_POWERS = {"": 0, "bytes": 0, "b": 0, "kb": 1, "mb": 2, "gb": 3, "tb": 4, "pb": 5}


def size_pretty(size: int) -> str:
    """The size in the largest unit of which there are at least ten, rounded half away from zero."""
    # Halves of the unit are kept until the end, so that rounding sees them.
    half_units = size
    for index, name in enumerate(_UNITS):
        is_last = index == len(_UNITS) - 1
        limit = _LIMIT if index == 0 else 2 * _LIMIT - 1
        if abs(half_units) < limit or is_last:
            if index:
                half_units = _halved_away(half_units)
            return f"{half_units} {name}"
        # To halves of the next unit: 9 bits of bytes, 10 of the others.
        shift = 9 if index == 0 else 10
        half_units = abs(half_units) >> shift if half_units > 0 else -(abs(half_units) >> shift)
    raise AssertionError("the last unit takes every size")


def _halved_away(half_units: int) -> int:
    rounded = (abs(half_units) + 1) // 2
    return -rounded if half_units < 0 else rounded


def numeric_size_pretty(size: Decimal) -> str:
    """The same of a NUMERIC; its fraction is shown while it is bytes."""
    if not size.is_finite():
        return f"{size} {_UNITS[-1]}"
    if abs(size) < _LIMIT:
        return f"{size:f} bytes"
    return size_pretty(int(size))


def size_bytes(text: str) -> int:
    """The bytes that a text like '1.5 GB' names. Raises 22023, 22003."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise InvalidParameterValue(f'invalid size: "{text}"')
    power = _POWERS.get(match[2].lower())
    if power is None:
        raise InvalidParameterValue(
            f'invalid size: "{text}"',
            detail=f'Invalid size unit: "{match[2]}".',
            hint='Valid units are "bytes", "B", "kB", "MB", "GB", "TB", and "PB".',
        )
    size = int((Decimal(match[1]) * 1024**power).quantize(Decimal(1), ROUND_HALF_UP, CONTEXT))
    if not -(2**63) <= size < 2**63:
        raise NumericValueOutOfRange("bigint out of range")
    return size


def _counter(*, counts_nulls: bool) -> Callable[..., int]:
    def scalar(*values: Any) -> int:
        return sum((value is None) is counts_nulls for value in values)

    return scalar


FUNCTIONS: tuple[Function, ...] = (
    Function("pg_size_pretty", (BIGINT,), TEXT, size_pretty),
    Function("pg_size_pretty", (NUMERIC,), TEXT, numeric_size_pretty),
    Function("pg_size_bytes", (TEXT,), BIGINT, size_bytes),
    *(
        Function(
            name,
            (Polymorphic.ANY,),
            INTEGER,
            _counter(counts_nulls=counts_nulls),
            is_strict=False,
            is_variadic=True,
        )
        for name, counts_nulls in (("num_nulls", True), ("num_nonnulls", False))
    ),
)
