"""The comparison operators =, <>, <, <=, >, >= for every type, and btree's three-way functions.

Pairs of different number types and of different date types have their own operators, as in PostgreSQL, so that comparing them
needs no cast; all others compare two values of one type.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lungfish.errors import UndefinedFunction
from lungfish.functions.numeric_words import compare_words
from lungfish.functions.registry import ArgumentType, Function, Polymorphic, VectorForm
from lungfish.functions.vector_tools import Argument, any_true, map_rows
from lungfish.types.compare import comparison_key, interval_span
from lungfish.types.compute import pc
from lungfish.types.sql_type import (
    BIGINT,
    BOOLEAN,
    BYTEA,
    CHAR,
    DATE,
    DOUBLE,
    INTEGER,
    INTERNAL_CHAR,
    INTERVAL,
    JSONB,
    NAME,
    NUMERIC,
    OID,
    PG_LSN,
    REAL,
    SMALLINT,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    TIMETZ,
    UUID,
    SqlType,
    TypeKind,
)

Comparison = Callable[[Any, Any], bool]
_BIT = SqlType(TypeKind.BIT)
_VARBIT = SqlType(TypeKind.VARBIT)

# symbol: (Python's operator, Arrow's kernel, NumPy's ufunc)
_OPERATORS: dict[str, tuple[Comparison, Any, Any]] = {
    "=": (operator.eq, pc.equal, np.equal),
    "<>": (operator.ne, pc.not_equal, np.not_equal),
    "<": (operator.lt, pc.less, np.less),
    "<=": (operator.le, pc.less_equal, np.less_equal),
    ">": (operator.gt, pc.greater, np.greater),
    ">=": (operator.ge, pc.greater_equal, np.greater_equal),
}
_PATTERN_SYMBOLS = ("<", "<=", ">", ">=")
# Types whose internal values and Arrow arrays compare as they are.
_PLAIN_PAIRS: tuple[tuple[SqlType, SqlType], ...] = (
    *(
        (left, right)
        for left in (SMALLINT, INTEGER, BIGINT)
        for right in (SMALLINT, INTEGER, BIGINT)
    ),
    (OID, OID),
    (BOOLEAN, BOOLEAN),
    (TEXT, TEXT),
    (NAME, NAME),
    (INTERNAL_CHAR, INTERNAL_CHAR),
    (NAME, TEXT),
    (TEXT, NAME),
    (BYTEA, BYTEA),
    (UUID, UUID),
    (DATE, DATE),
    (TIME, TIME),
    (TIMESTAMP, TIMESTAMP),
    (TIMESTAMPTZ, TIMESTAMPTZ),
    (_BIT, _BIT),
    (_VARBIT, _VARBIT),
)
_FLOAT_PAIRS = ((REAL, REAL), (DOUBLE, DOUBLE), (REAL, DOUBLE), (DOUBLE, REAL))
# Types compared by their keys, one row after the other.
_KEYED_TYPES: tuple[SqlType, ...] = (INTERVAL, TIMETZ, JSONB, PG_LSN)
_POLYMORPHIC = (
    Polymorphic.ANYARRAY, Polymorphic.ANYENUM, Polymorphic.ANYRANGE, Polymorphic.ANYMULTIRANGE,
    Polymorphic.RECORD,
)  # fmt: skip


def _plain_vector(kernel: Any) -> VectorForm:
    def vector(left: Argument, right: Argument) -> Argument:
        return kernel(left, right)

    return vector


def _float_scalar(compare: Comparison) -> Comparison:
    def scalar(left: float, right: float) -> bool:
        if left != left or right != right:
            return compare(left != left, right != right)
        return compare(left, right)

    return scalar


def _float_vector(kernel: Any) -> VectorForm:
    def vector(left: Argument, right: Argument) -> Argument:
        found = kernel(left, right)
        left_nan, right_nan = pc.is_nan(left), pc.is_nan(right)
        if any_true(left_nan) or any_true(right_nan):
            # NaN is equal to NaN and above all else: then the question is the same as of these booleans.
            return pc.if_else(pc.or_(left_nan, right_nan), kernel(left_nan, right_nan), found)
        return found

    return vector


def _numeric_scalar(compare: Comparison) -> Comparison:
    def scalar(left: Any, right: Any) -> bool:
        if left.is_nan() or right.is_nan():
            return compare(left.is_nan(), right.is_nan())
        return compare(left, right)

    return scalar


def _numeric_vector(ufunc: Any, scalar: Comparison) -> VectorForm:
    def vector(left: Argument, right: Argument) -> Argument:
        found = compare_words(left, right, ufunc)
        if found is None:
            return map_rows(scalar, (left, right), (NUMERIC, NUMERIC), BOOLEAN)
        return found

    return vector


def _char_vector(kernel: Any) -> VectorForm:
    def vector(left: Argument, right: Argument) -> Argument:
        return kernel(pc.utf8_rtrim(left, " "), pc.utf8_rtrim(right, " "))

    return vector


def _keyed_scalar(compare: Comparison, sql_type: SqlType) -> Comparison:
    key = comparison_key(sql_type)
    assert key is not None
    return lambda left, right: compare(key(left), key(right))


def _typed_scalar(compare: Comparison) -> Callable[..., bool]:
    """For polymorphic operators: the key follows from the actual type."""

    def scalar(left: Any, right: Any, *, types: Sequence[SqlType]) -> bool:
        left_key, right_key = _require_key(types[0]), _require_key(types[1])
        return compare(left_key(left), right_key(right))

    return scalar


_UNEQUAL = frozenset({TypeKind.JSON, TypeKind.JSONPATH, TypeKind.UNKNOWN})


def _require_key(sql_type: SqlType) -> Callable[[Any], Any]:
    element = sql_type.element
    if element is not None and element.kind in _UNEQUAL:
        raise UndefinedFunction(f"could not identify an equality operator for type {element}")
    return comparison_key(sql_type) or (lambda value: value)


def _interval_scalar(compare: Comparison) -> Comparison:
    return lambda left, right: compare(interval_span(left), interval_span(right))


def _operators() -> list[Function]:
    found: list[Function] = []

    def add(
        symbol: str, left: ArgumentType, right: ArgumentType, scalar: Any, vector: Any = None
    ) -> None:
        found.append(Function(symbol, (left, right), BOOLEAN, scalar, vector))

    for symbol, (compare, kernel, ufunc) in _OPERATORS.items():
        for left, right in _PLAIN_PAIRS:
            add(symbol, left, right, compare, _plain_vector(kernel))
        for left, right in _FLOAT_PAIRS:
            add(symbol, left, right, _float_scalar(compare), _float_vector(kernel))
        numeric = _numeric_scalar(compare)
        add(symbol, NUMERIC, NUMERIC, numeric, _numeric_vector(ufunc, numeric))
        char = _keyed_scalar(compare, CHAR)
        add(symbol, CHAR, CHAR, char, _char_vector(kernel))
        if symbol in _PATTERN_SYMBOLS:
            # Of the operator classes for LIKE, byte by byte: as all text is compared here.
            add(f"~{symbol}~", TEXT, TEXT, compare, _plain_vector(kernel))
            add(f"~{symbol}~", CHAR, CHAR, char, _char_vector(kernel))
        for sql_type in _KEYED_TYPES:
            scalar = (
                _interval_scalar(compare)
                if sql_type is INTERVAL
                else _keyed_scalar(compare, sql_type)
            )
            add(symbol, sql_type, sql_type, scalar)
        for pseudo in _POLYMORPHIC:
            found.append(
                Function(
                    symbol, (pseudo, pseudo), BOOLEAN, _typed_scalar(compare), needs_types=True
                )
            )
    return found


FUNCTIONS: tuple[Function, ...] = tuple(_operators())
