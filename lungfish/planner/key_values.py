"""A value compared with a column, as a value of the column's own type: what an index can be searched for.

The comparison may have been made in a wider type (`integer_column = 2.5` compares numerics). A bound must never be rounded into
the narrower type, so this says *exactly* what of the column's values lies on which side:

- `Exact`: the value itself, in the column's type;
- `Between`: the value lies between two neighbours, of which `below` is the lower: nothing equals it, and
  `column > value` is `column > below`;
- `Outside`: it is below (-1) or above (+1) all values of the column's type.

None means that nothing is known ahead of time, and no index is used.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from lungfish.planner.expressions import BoundExpression, CastTo, Constant
from lungfish.types.frozen import frozen
from lungfish.types.sql_type import (
    INFINITE_TIMESTAMP,
    MINUS_INFINITE_TIMESTAMP,
    SqlType,
    TypeKind,
)

MICROSECONDS_A_DAY = 86_400_000_000
_INTEGER_BITS = {TypeKind.SMALLINT: 16, TypeKind.INTEGER: 32, TypeKind.BIGINT: 64}
_TEXTS = frozenset({TypeKind.TEXT, TypeKind.VARCHAR, TypeKind.NAME})


@frozen
class Exact:
    value: BoundExpression


@frozen
class Between:
    below: Constant


@frozen
class Outside:
    side: int


KeyValue = Exact | Between | Outside


def key_value(value: BoundExpression, column_type: SqlType) -> KeyValue | None:
    """The value in the column's type."""
    source, target = value.type, column_type.unmodified
    if target.kind is TypeKind.CHAR:
        # Comparisons of CHAR disregard trailing blanks; keys need not.
        return None
    if source.unmodified == target:
        return Exact(value)
    if source.kind in _TEXTS and target.kind in _TEXTS and target.kind is not TypeKind.NAME:
        if isinstance(value, Constant):
            return Exact(Constant(value.value, target))
        return Exact(CastTo(value, target, is_explicit=True))
    if not isinstance(value, Constant):
        return _widened(value, target)
    if value.value is None:
        return Exact(Constant(None, target))
    if target.kind in _INTEGER_BITS:
        return _integer(value.value, target)
    if target.kind is TypeKind.DATE and source.kind is TypeKind.TIMESTAMP:
        return _date(value.value, target)
    return None


_WIDER = {
    TypeKind.INTEGER: (TypeKind.SMALLINT,),
    TypeKind.BIGINT: (TypeKind.SMALLINT, TypeKind.INTEGER),
}


def _widened(value: BoundExpression, target: SqlType) -> KeyValue | None:
    """A smaller integer goes into a larger one without loss."""
    if value.type.kind in _WIDER.get(target.kind, ()):
        return Exact(CastTo(value, target, is_explicit=False))
    return None


def _integer(value: Any, target: SqlType) -> KeyValue | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    if not isinstance(value, int) and not math.isfinite(value):
        # NaN sorts above everything.
        return Outside(-1 if value == -math.inf else 1)
    floor = math.floor(value)
    limit = 2 ** (_INTEGER_BITS[target.kind] - 1)
    if floor < -limit:
        return Outside(-1)
    if floor >= limit:
        return Outside(1)
    found = Constant(floor, target)
    return Exact(found) if floor == value else Between(found)


def _date(value: int, target: SqlType) -> KeyValue | None:
    if value in (INFINITE_TIMESTAMP, MINUS_INFINITE_TIMESTAMP):
        return None
    days, rest = divmod(value, MICROSECONDS_A_DAY)
    found = Constant(days, target)
    return Between(found) if rest else Exact(found)
