"""Equalities that hash: which conjuncts of a join compare one side with the other, as keys of one type.

An operator across types (integer = bigint) compares as well as it would after both were cast to the wider type, if that cast
keeps different values different, or if the operator itself is said to cast; then that is what is hashed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lungfish.planner.access_paths import is_order_preserving
from lungfish.planner.expression_tree import columns_of, has_subquery, is_volatile
from lungfish.planner.expressions import BoundExpression, Call, CastTo, IsDistinctExpr
from lungfish.types.coercion import common_type_of, is_same_type
from lungfish.types.sql_type import TypeKind

Pair = tuple[BoundExpression, BoundExpression]


@dataclass(slots=True)
class HashKeys:
    """The conjuncts of a join as keys that hash, and the rest."""

    left: list[BoundExpression] = field(default_factory=list)
    right: list[BoundExpression] = field(default_factory=list)
    null_equals: list[bool] = field(default_factory=list)
    rest: list[BoundExpression] = field(default_factory=list)


def hash_keys(
    conjuncts: Sequence[BoundExpression], left: frozenset[int], right: frozenset[int]
) -> HashKeys:
    """Split conjuncts into equalities between one side and the other, and the rest."""
    keys = HashKeys()
    for conjunct in conjuncts:
        pair = _sides(conjunct, left, right)
        if pair is None:
            keys.rest.append(conjunct)
        else:
            keys.left.append(pair[0])
            keys.right.append(pair[1])
            keys.null_equals.append(isinstance(conjunct, IsDistinctExpr))
    return keys


def _sides(conjunct: BoundExpression, left: frozenset[int], right: frozenset[int]) -> Pair | None:
    """The left and the right side of an equality that hashes."""
    if (
        isinstance(conjunct, Call)
        and conjunct.function.name == "="
        and len(conjunct.arguments) == 2
    ):
        a, b = conjunct.arguments
    elif isinstance(conjunct, IsDistinctExpr) and conjunct.is_negated:
        a, b = conjunct.left, conjunct.right
    else:
        return None
    pair = same_typed(a, b)
    if pair is None or is_volatile(conjunct) or has_subquery(conjunct):
        return None
    a, b = pair
    a_columns, b_columns = columns_of(a), columns_of(b)
    # A side may use outer columns too, but at least one of its own.
    if a_columns & left and not a_columns & right and b_columns & right and not b_columns & left:
        return a, b
    if a_columns & right and not a_columns & left and b_columns & left and not b_columns & right:
        return b, a
    return None


# From a type to one that values are cast to by an equality across the two.
_COMPARED_AS_CAST = frozenset(
    {
        (TypeKind.REAL, TypeKind.DOUBLE),
        (TypeKind.DATE, TypeKind.TIMESTAMPTZ),
        (TypeKind.TIMESTAMP, TypeKind.TIMESTAMPTZ),
    }
)


def same_typed(left: BoundExpression, right: BoundExpression) -> Pair | None:
    """Both sides in one type in which they are equal exactly if they were; None if there is none."""
    if is_same_type(left.type, right.type):
        return left, right
    wider = common_type_of([left.type, right.type])
    if wider is None:
        return None
    sides = []
    for side in (left, right):
        if is_same_type(side.type, wider):
            sides.append(side)
            continue
        cast = CastTo(side, wider.unmodified, is_explicit=False)
        if not is_order_preserving(cast) and (side.type.kind, wider.kind) not in _COMPARED_AS_CAST:
            return None
        sides.append(cast)
    return sides[0], sides[1]
