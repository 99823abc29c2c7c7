"""What EXPLAIN needs to know of a plan beside its nodes: the plans below it, and how wide its rows are."""

from __future__ import annotations

from lungfish.planner.physical import (
    Append,
    HashJoin,
    NestedLoopJoin,
    PhysicalPlan,
    RecursiveUnion,
    SetOperation,
)
from lungfish.types.sql_type import SqlType, TypeKind

_WIDTHS = {
    TypeKind.BOOLEAN: 1,
    TypeKind.SMALLINT: 2,
    TypeKind.INTEGER: 4,
    TypeKind.REAL: 4,
    TypeKind.DATE: 4,
    TypeKind.OID: 4,
    TypeKind.REGISTERED: 4,
    TypeKind.UUID: 16,
    TypeKind.INTERVAL: 16,
    TypeKind.TEXT: 32,
    TypeKind.NUMERIC: 16,
}
_VARIABLE = frozenset(
    {TypeKind.VARCHAR, TypeKind.CHAR, TypeKind.JSON, TypeKind.JSONB, TypeKind.BYTEA}
)


def plans_in(plan: PhysicalPlan) -> list[PhysicalPlan]:
    """The plans directly below a plan."""
    match plan:
        case HashJoin() | NestedLoopJoin() | SetOperation():
            return [plan.left, plan.right]
        case Append():
            return list(plan.inputs)
        case RecursiveUnion():
            return [plan.initial, plan.step]
        case _:
            below = getattr(plan, "input", None)
            return [] if below is None else [below]


def width_of(type_: SqlType) -> int:
    """About how many bytes a value of the type takes, as EXPLAIN's width has it."""
    if type_.kind in _VARIABLE or type_.kind is TypeKind.ARRAY:
        return type_.modifiers[0] if type_.modifiers else 32
    return _WIDTHS.get(type_.kind, 8)
