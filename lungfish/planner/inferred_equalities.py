"""Equalities that follow from others: `a = b AND b = 5` says `a = 5` too, which may narrow the scan of a's table."""

from __future__ import annotations

from collections.abc import Sequence

from lungfish.planner.expressions import (
    BoundExpression,
    Call,
    ColumnRef,
    Constant,
    OuterRef,
    ParameterRef,
)

_FIXED = (Constant, ParameterRef, OuterRef)


def _equality(node: BoundExpression) -> tuple[BoundExpression, BoundExpression] | None:
    if isinstance(node, Call) and node.function.name == "=" and len(node.arguments) == 2:
        return node.arguments[0], node.arguments[1]
    return None


def column_pair(node: BoundExpression) -> tuple[ColumnRef, ColumnRef] | None:
    """The two columns of `a = b` where both have one type."""
    sides = _equality(node)
    if sides is None:
        return None
    left, right = sides
    if not isinstance(left, ColumnRef) or not isinstance(right, ColumnRef):
        return None
    return (left, right) if left.type.unmodified == right.type.unmodified else None


def _fixed_column(node: BoundExpression) -> tuple[ColumnRef, Call] | None:
    """The column of `a = constant`."""
    sides = _equality(node)
    if sides is None or not isinstance(node, Call):
        return None
    left, right = sides
    if isinstance(left, ColumnRef) and isinstance(right, _FIXED):
        return left, node
    if isinstance(right, ColumnRef) and isinstance(left, _FIXED):
        return right, node
    return None


def _with_column(call: Call, column: ColumnRef) -> Call:
    """`a = constant` said of another column."""
    arguments = tuple(column if isinstance(each, ColumnRef) else each for each in call.arguments)
    return Call(call.function, arguments, call.type, position=call.position)


def infer_within(conjuncts: tuple[BoundExpression, ...]) -> tuple[BoundExpression, ...]:
    """The conjuncts, and `column = constant` for each column that they make equal to one that is fixed."""
    fixed = [found for each in conjuncts if (found := _fixed_column(each)) is not None]
    if not fixed:
        return conjuncts
    pairs = [pair for each in conjuncts if (pair := column_pair(each)) is not None]
    if not pairs:
        return conjuncts
    known = {column.index for column, _ in fixed}
    added: list[BoundExpression] = []
    frontier = list(fixed)
    while frontier:
        column, call = frontier.pop()
        for left, right in pairs:
            for near, far in ((left, right), (right, left)):
                if near.index == column.index and far.index not in known:
                    known.add(far.index)
                    inferred = _with_column(call, far)
                    added.append(inferred)
                    frontier.append((far, inferred))
    return conjuncts + tuple(added)


def infer_for_nullable_side(
    condition: Sequence[BoundExpression],
    preserved: Sequence[BoundExpression],
    nullable: frozenset[int],
) -> list[BoundExpression]:
    """What an outer join's nullable side may be filtered by: its columns equal to fixed ones of the preserved side.

    Rows that differ would find no partner, so dropping them changes nothing.
    """
    fixed = [found for each in preserved if (found := _fixed_column(each)) is not None]
    if not fixed:
        return []
    added: list[BoundExpression] = []
    for each in condition:
        pair = column_pair(each)
        if pair is None:
            continue
        for near, far in (pair, pair[::-1]):
            for column, call in fixed:
                if near.index == column.index and far.index in nullable:
                    added.append(_with_column(call, far))
    return added
