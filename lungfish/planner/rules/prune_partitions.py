"""Cuts off partitions in which a filter cannot find a row, as their bounds tell; see partition_facts.py.

Such a filter becomes one that is never true, and the rule that propagates emptiness takes the partition out of its UNION ALL.
"""

from __future__ import annotations

from collections.abc import Sequence

from lungfish.planner.expression_tree import FALSE
from lungfish.planner.expressions import (
    BoundExpression,
    Call,
    CastTo,
    ColumnRef,
    Constant,
    InListExpr,
    IsNullExpr,
    OrAny,
    ParameterRef,
)
from lungfish.planner.logical import LogicalFilter, LogicalPlan, LogicalScan
from lungfish.planner.partition_facts import KeyFact, KeyTest
from lungfish.planner.plan_tree import map_inputs
from lungfish.planner.rewriting import Rewriting
from lungfish.types.sql_type import SqlType, TypeKind

_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_INTEGERS = frozenset({TypeKind.SMALLINT, TypeKind.INTEGER, TypeKind.BIGINT})


def prune_partitions(plan: LogicalPlan, context: Rewriting) -> LogicalPlan:
    """The plan without scans of partitions that cannot have the rows asked for."""
    plan = map_inputs(plan, lambda below: prune_partitions(below, context))
    if not isinstance(plan, LogicalFilter) or not isinstance(plan.input, LogicalScan):
        return plan
    scan = plan.input
    for fact in scan.facts:
        if not all(_may_hold(each, scan, fact) for each in plan.conjuncts):
            return LogicalFilter(scan, (FALSE,))
    return plan


def _may_hold(node: BoundExpression, scan: LogicalScan, fact: KeyFact) -> bool:
    """Whether the predicate may be true of a row of the partition."""
    match node:
        case OrAny():
            return any(_may_hold(each, scan, fact) for each in node.operands)
        case IsNullExpr() if _is_key(node.operand, scan, fact):
            return fact.may_be_set if node.is_negated else fact.may_be_null
        case InListExpr() if not node.is_negated and _is_key(node.operand, scan, fact):
            return any(_may_be(item, "=", fact) for item in node.items)
        case Call() if node.function.name in _MIRRORED and len(node.arguments) == 2:
            left, right = node.arguments
            if _is_key(left, scan, fact):
                return _may_be(right, node.function.name, fact)
            if _is_key(right, scan, fact):
                return _may_be(left, _MIRRORED[node.function.name], fact)
    return True


def tests_at_run_time(
    scan: LogicalScan, conjuncts: Sequence[BoundExpression]
) -> tuple[KeyTest, ...]:
    """What of a filter over a partition can be looked at once the parameters are known."""
    found: list[KeyTest] = []
    for fact in scan.facts:
        for node in conjuncts:
            if not (isinstance(node, Call) and node.function.name in _MIRRORED):
                continue
            left, right = node.arguments if len(node.arguments) == 2 else (node, node)
            operator = node.function.name
            if _is_key(right, scan, fact):
                left, right, operator = right, left, _MIRRORED[operator]
            if _is_key(left, scan, fact) and _is_given(right) and _is_same(right.type, fact.type):
                found.append(KeyTest(operator, right, fact))
    return tuple(found)


def _is_given(node: BoundExpression) -> bool:
    while isinstance(node, CastTo):
        node = node.operand
    return isinstance(node, ParameterRef)


def _is_key(node: BoundExpression, scan: LogicalScan, fact: KeyFact) -> bool:
    return isinstance(node, ColumnRef) and node.index == scan.first_column + fact.position


def _may_be(node: BoundExpression, operator: str, fact: KeyFact) -> bool:
    """Whether the key may compare so with a value; only constants of its own type are looked at."""
    if not isinstance(node, Constant) or not _is_same(node.type, fact.type):
        return True
    return fact.may_be(operator, node.value)


def _is_same(one: SqlType, other: SqlType) -> bool:
    if one.kind in _INTEGERS and other.kind in _INTEGERS:
        return True
    return one.unmodified == other.unmodified
