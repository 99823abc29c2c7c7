"""What is known of nulls: which columns never are, and which predicates are not true of nulls."""

from __future__ import annotations

from collections.abc import Iterable

from lungfish.planner.expressions import (
    AndAll,
    ArrayExpr,
    BoundExpression,
    Call,
    CastTo,
    CoalesceExpr,
    ColumnRef,
    Constant,
    InListExpr,
    IsBooleanExpr,
    IsDistinctExpr,
    IsNullExpr,
    NotExpr,
    OrAny,
    QuantifiedArrayExpr,
    RowExpr,
)
from lungfish.planner.logical import (
    LogicalAggregate,
    LogicalAppend,
    LogicalDistinct,
    LogicalFilter,
    LogicalJoin,
    LogicalLimit,
    LogicalLock,
    LogicalOutput,
    LogicalPlan,
    LogicalProject,
    LogicalProjectSet,
    LogicalScan,
    LogicalSort,
    LogicalWindow,
)
from lungfish.planner.plan_tree import SEMI_KINDS, outputs
from lungfish.types.sql_type import TypeKind

NEVER_NULL_AGGREGATES = frozenset({"count", "regr_count"})


def null_makers(node: BoundExpression) -> set[int]:
    """Columns of which any one being null makes the expression null."""
    match node:
        case ColumnRef():
            return {node.index}
        case Call():
            if not node.function.is_strict or node.function.returns_set or node.is_variadic_array:
                return set()
            return {number for argument in node.arguments for number in null_makers(argument)}
        case CastTo() | NotExpr():
            return null_makers(node.operand)
        case InListExpr():
            return null_makers(node.operand)
        case QuantifiedArrayExpr():
            # Over no elements ANY is false and ALL true, whatever is compared.
            return null_makers(node.operand) if _has_elements(node.array) else set()
        case _:
            return set()


def rejected_nulls(node: BoundExpression) -> set[int]:
    """Columns of which any one being null keeps the predicate from being true."""
    match node:
        case AndAll():
            return {number for operand in node.operands for number in rejected_nulls(operand)}
        case OrAny():
            found = [rejected_nulls(operand) for operand in node.operands]
            return set.intersection(*found) if found else set()
        case IsNullExpr():
            return null_makers(node.operand) if node.is_negated else set()
        case IsBooleanExpr():
            # IS TRUE, IS FALSE and IS NOT UNKNOWN are not true of null.
            if (node.value is None) is node.is_negated:
                return null_makers(node.operand)
            return set()
        case IsDistinctExpr():
            if node.is_negated:
                left, right = node.left, node.right
                if isinstance(right, Constant) and right.value is not None:
                    return null_makers(left)
            return set()
        case NotExpr():
            return null_makers(node.operand)
        case QuantifiedArrayExpr(is_all=False):
            return null_makers(node.operand)
        case _:
            return null_makers(node)


def _has_elements(array: BoundExpression) -> bool:
    """Whether an array is known not to be empty (it may be null)."""
    return isinstance(array, ArrayExpr) and any(
        item.type.kind is not TypeKind.ARRAY for item in array.items
    )


def all_rejected_nulls(conjuncts: Iterable[BoundExpression]) -> set[int]:
    """Columns that are not null in any row for which all the conjuncts are true."""
    return {number for conjunct in conjuncts for number in rejected_nulls(conjunct)}


def not_null_columns(plan: LogicalPlan) -> frozenset[int]:
    """Columns of the plan's output that are never null."""
    match plan:
        case LogicalScan():
            found = {
                plan.first_column + position
                for position in plan.positions
                if plan.table.columns[position].is_never_null
            }
            return frozenset(found | {plan.tuple_id_column})
        case LogicalFilter():
            return not_null_columns(plan.input) | all_rejected_nulls(plan.conjuncts)
        case LogicalProject() | LogicalProjectSet():
            below = not_null_columns(plan.input)
            if isinstance(plan, LogicalProjectSet):
                return below
            made = {column.index for column, item in plan.items if is_not_null(item, below)}
            return below | made
        case LogicalSort() | LogicalLimit() | LogicalLock() | LogicalWindow() | LogicalOutput():
            return not_null_columns(plan.input)
        case LogicalDistinct():
            return not_null_columns(plan.input) & outputs(plan)
        case LogicalJoin():
            return _of_join(plan)
        case LogicalAggregate():
            return _of_aggregate(plan)
        case LogicalAppend():
            return _of_append(plan)
        case _:
            return frozenset()


def _of_join(plan: LogicalJoin) -> frozenset[int]:
    left = not_null_columns(plan.left)
    if plan.kind in SEMI_KINDS:
        return left | (all_rejected_nulls(plan.conjuncts) if plan.kind == "semi" else frozenset())
    match plan.kind:
        case "left":
            return left
        case "right":
            return not_null_columns(plan.right)
        case "full":
            return frozenset()
        case _:
            return left | not_null_columns(plan.right) | all_rejected_nulls(plan.conjuncts)


def _of_aggregate(plan: LogicalAggregate) -> frozenset[int]:
    found = {
        column.index
        for column, call in plan.aggregates
        if call.aggregate.name in NEVER_NULL_AGGREGATES
    }
    if len(plan.grouping_sets) == 1:
        below = not_null_columns(plan.input)
        found.update(column.index for column, key in plan.keys if is_not_null(key, below))
    return frozenset(found)


def _of_append(plan: LogicalAppend) -> frozenset[int]:
    known = [not_null_columns(each) for each in plan.inputs]
    return frozenset(
        column.index
        for at, column in enumerate(plan.columns)
        if all(
            columns[at].index in below
            for columns, below in zip(plan.input_columns, known, strict=True)
        )
    )


# Strict functions of a plain nature, that give null for null arguments only.
_TOTAL = frozenset({"=", "<>", "<", "<=", ">", ">=", "+", "-", "*"})


def is_not_null(node: BoundExpression, not_null: frozenset[int]) -> bool:
    """Whether the expression is never null, given columns that never are."""
    match node:
        case Constant():
            return node.value is not None
        case ColumnRef():
            return node.index in not_null
        case CastTo():
            # Of casts only those of jsonb's null make a null.
            source = node.operand.type.kind
            return source is not TypeKind.JSONB and is_not_null(node.operand, not_null)
        case Call():
            return node.function.name in _TOTAL and all(
                is_not_null(argument, not_null) for argument in node.arguments
            )
        case CoalesceExpr():
            return any(is_not_null(operand, not_null) for operand in node.operands)
        case IsNullExpr() | IsBooleanExpr() | IsDistinctExpr() | RowExpr() | ArrayExpr():
            return True
        case _:
            return False
