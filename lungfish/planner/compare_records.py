"""Rows compared as values: `record = record` and its kin, whose fields need not have the same types until they are looked at.

PostgreSQL looks at the fields one after the other and stops at the first that differs. Only where it comes to fields of different
types, to a type that cannot be compared, or to the end of the shorter row, it raises; so do the functions made here. Rows of one
type, all of whose fields can be compared, have the plain operator, which joins can hash by.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from lungfish import errors
from lungfish.functions.registry import Function, Polymorphic
from lungfish.planner.sort_keys import is_unordered
from lungfish.types.coercion import is_same_type
from lungfish.types.compare import comparison_key
from lungfish.types.sql_type import BOOLEAN, SqlType, TypeKind

# Compares two values that are not NULL: below 0, 0 or above it.
Comparison = Callable[[Any, Any], int]
_TESTS: dict[str, Callable[[int, int], bool]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


@lru_cache(maxsize=512)
def record_operator(symbol: str, left: SqlType, right: SqlType) -> Function | None:
    """The operator for rows of these types; None where the plain one will do."""
    if not left.fields or not right.fields or _is_plain(left, right):
        return None
    compare = _record_comparison(left, right, is_equality=symbol in ("=", "<>"))
    test = _TESTS[symbol]

    def scalar(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
        return test(compare(one, other), 0)

    return Function(f"record {symbol}", (Polymorphic.RECORD, Polymorphic.RECORD), BOOLEAN, scalar)


def _is_plain(left: SqlType, right: SqlType) -> bool:
    return len(left.fields) == len(right.fields) and all(
        is_same_type(one, other)
        and not is_unordered(one)
        and one.kind is not TypeKind.UNKNOWN
        and (one.kind is not TypeKind.RECORD or _is_plain(one, other))
        for one, other in zip(left.fields, right.fields, strict=True)
    )


def _record_comparison(left: SqlType, right: SqlType, *, is_equality: bool) -> Comparison:
    steps = [
        _field_comparison(number, one, other, is_equality=is_equality)
        for number, (one, other) in enumerate(zip(left.fields, right.fields, strict=False), 1)
    ]
    is_even = len(left.fields) == len(right.fields)

    def compare(one: Sequence[Any], other: Sequence[Any]) -> int:
        for step, a, b in zip(steps, one, other, strict=False):
            found = step(a, b)
            if found:
                return found
        if not is_even:
            raise errors.DatatypeMismatch(
                "cannot compare record types with different numbers of columns"
            )
        return 0

    return compare


def _field_comparison(
    number: int, left: SqlType, right: SqlType, *, is_equality: bool
) -> Comparison:
    """How two fields compare, NULL being greater than all else; or what raises for their types."""
    are_records = left.kind is right.kind is TypeKind.RECORD and left.oid == right.oid
    if not are_records and not is_same_type(left, right):
        message = f"cannot compare dissimilar column types {left.unmodified} and {right.unmodified}"
        return _raising(errors.DatatypeMismatch, f"{message} at record column {number}")
    if is_unordered(left) or left.kind is TypeKind.UNKNOWN:
        what = "an equality operator" if is_equality else "a comparison function"
        return _raising(errors.UndefinedFunction, f"could not identify {what} for type {left}")
    if are_records and not _is_plain(left, right):
        inner = _record_comparison(left, right, is_equality=is_equality)
    else:
        inner = _by_key(comparison_key(left))

    def compare(a: Any, b: Any) -> int:
        if a is None or b is None:
            return int(a is None) - int(b is None)
        return inner(a, b)

    return compare


def _by_key(key: Callable[[Any], Any] | None) -> Comparison:
    if key is None:
        return lambda a, b: int(a > b) - int(a < b)

    def compare(a: Any, b: Any) -> int:
        one, other = key(a), key(b)
        return int(one > other) - int(one < other)

    return compare


def _raising(kind: type[errors.Error], message: str) -> Comparison:
    def refuse(_a: Any, _b: Any) -> int:
        raise kind(message)

    return refuse
