"""Whether two answers to one statement are the same."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from tests.differential.sides import Answer, Row

_FLOATS = {"double precision": 1e-11, "real": 1e-5}
_NUMBERS = frozenset({*_FLOATS, "numeric"})


def difference(expected: Answer, got: Answer, *, is_ordered: bool, is_loose: bool) -> str | None:
    """What differs between PostgreSQL's answer and ours, or None. Rows of an unordered query are compared as a multiset.

    Floats may differ in their last digits (sums depend on the order of rows). `is_loose`: numbers are compared by value, because
    which of several equal values a group shows is nobody's promise.
    """
    if expected.sqlstate != got.sqlstate:
        return "error"
    if expected.sqlstate is not None:
        return None
    if expected.tag != got.tag:
        return "tag"
    if expected.columns != got.columns:
        return "column names"
    if expected.types != got.types:
        return "column types"
    one, other = list(expected.rows), list(got.rows)
    if one == other:
        return None
    if not is_ordered:
        one.sort(key=lambda row: _key(row, expected.types, is_loose))
        other.sort(key=lambda row: _key(row, expected.types, is_loose))
    if len(one) != len(other):
        return "rows"
    for left, right in zip(one, other, strict=True):
        for a, b, kind in zip(left, right, expected.types, strict=True):
            if not _is_same(a, b, kind, is_loose):
                return "rows"
    return None


def _key(row: Row, types: Sequence[str], is_loose: bool) -> tuple[tuple[bool, float, str], ...]:
    return tuple(
        (
            value is None,
            0.0 if value is None or kind not in _NUMBERS else _rounded(float(value), kind),
            "" if value is None or kind in _FLOATS else _shown(value, kind, is_loose),
        )
        for value, kind in zip(row, types, strict=True)
    )


def _shown(value: str, kind: str, is_loose: bool) -> str:
    """What stands for a value, the same for equal ones if `is_loose`."""
    if not is_loose:
        return value
    if kind in ("numeric", "interval"):
        return ""
    if kind == "jsonb":
        return json.dumps(json.loads(value, parse_float=_plain, parse_int=_plain))
    return value.rstrip(" ") if kind == "character" else value


def _plain(number: str) -> str:
    """A number of jsonb without its scale, apart from every text."""
    return f"number {Decimal(number).normalize()}"


def _rounded(value: float, kind: str) -> float:
    digits = 5 if kind == "real" else 12
    return math.inf if math.isnan(value) else float(f"{value:.{digits}g}")


def _is_same(one: str | None, other: str | None, kind: str, is_loose: bool) -> bool:
    if one == other:
        return True
    if one is None or other is None:
        return False
    if kind in _FLOATS:
        return math.isclose(float(one), float(other), rel_tol=_FLOATS[kind], abs_tol=1e-12)
    if is_loose and kind == "numeric":
        try:
            return Decimal(one) == Decimal(other)
        except InvalidOperation:
            return False
    if is_loose and kind == "jsonb":
        return _shown(one, kind, is_loose) == _shown(other, kind, is_loose)
    return is_loose and kind in ("character", "interval")
