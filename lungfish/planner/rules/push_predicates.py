"""Moves predicates down to where their columns are made, as near to the scans as their meaning allows.

What may pass what:

    Project      computed columns are replaced by their expressions (not volatile ones)
    inner join   each side takes what uses its columns only, the join the rest
    left join    predicates from above go to the left side, the condition's right-only parts to the right side
    full join    nothing passes
    semi, anti   predicates from above go left, the condition's right-only parts right
    Aggregate    what uses grouping keys only (one grouping set, at least one key)
    Window       what uses the partitioning's columns only
    set operations   into every arm
    Limit, Lock, ProjectSet's own columns   nothing passes

A volatile predicate stays where it is. Along the way equalities are inferred (`a = b AND b = 5` gives `a = 5`), see
inferred_equalities.py.
"""

from __future__ import annotations

from collections.abc import Iterable

from lungfish.planner.expression_tree import columns_of, conjuncts_of, has_subquery, is_volatile
from lungfish.planner.expressions import BoundExpression, ColumnRef
from lungfish.planner.inferred_equalities import infer_for_nullable_side, infer_within
from lungfish.planner.logical import (
    LogicalAggregate,
    LogicalAppend,
    LogicalDistinct,
    LogicalFilter,
    LogicalJoin,
    LogicalPlan,
    LogicalProject,
    LogicalProjectSet,
    LogicalSetOperation,
    LogicalSort,
    LogicalWindow,
)
from lungfish.planner.plan_tree import SEMI_KINDS, map_inputs, outputs, replace_fields
from lungfish.planner.rewriting import Rewriting, filtered
from lungfish.planner.simplify import simplify
from lungfish.planner.substitution import substitute

Conjuncts = tuple[BoundExpression, ...]


def push_predicates(plan: LogicalPlan, context: Rewriting) -> LogicalPlan:
    """The plan with its predicates as far down as they go."""
    return _push(plan, ())


def _push(plan: LogicalPlan, conjuncts: Conjuncts) -> LogicalPlan:
    """The plan under the conjuncts."""
    match plan:
        case LogicalFilter():
            staying = tuple(each for each in plan.conjuncts if is_volatile(each))
            moving = tuple(each for each in plan.conjuncts if each not in staying)
            if staying:
                return filtered(_push(plan.input, moving), staying + conjuncts)
            return _push(plan.input, _merged(moving, conjuncts))
        case LogicalProject():
            return _through_project(plan, conjuncts)
        case LogicalJoin():
            return _into_join(plan, conjuncts)
        case LogicalAggregate():
            return _through_aggregate(plan, conjuncts)
        case LogicalSort():
            return LogicalSort(_push(plan.input, conjuncts), plan.keys)
        case LogicalDistinct():
            names = frozenset(column.index for column in (plan.on or plan.columns))
            return _split(plan, conjuncts, names)
        case LogicalWindow():
            names = frozenset(key.index for key in plan.partition_by if isinstance(key, ColumnRef))
            return _split(plan, conjuncts, names)
        case LogicalProjectSet():
            return _split(plan, conjuncts, outputs(plan.input))
        case LogicalAppend():
            return _into_append(plan, conjuncts)
        case LogicalSetOperation():
            return _into_set_operation(plan, conjuncts)
        case _:
            return filtered(map_inputs(plan, lambda below: _push(below, ())), conjuncts)


def _merged(first: Conjuncts, second: Conjuncts) -> Conjuncts:
    if not second:
        return first
    return first + tuple(each for each in second if each not in first)


def _split(
    plan: LogicalDistinct | LogicalWindow | LogicalProjectSet,
    conjuncts: Conjuncts,
    passing: frozenset[int],
) -> LogicalPlan:
    """Conjuncts that use some of the passing columns, and no others that the node yields, go below it."""
    own = outputs(plan)
    moving = tuple(
        each
        for each in conjuncts
        if (used := columns_of(each) & own) and used <= passing and not is_volatile(each)
    )
    staying = tuple(each for each in conjuncts if each not in moving)
    return filtered(replace_fields(plan, input=_push(plan.input, moving)), staying)


def _through_project(plan: LogicalProject, conjuncts: Conjuncts) -> LogicalPlan:
    made = {column.index: expression for column, expression in plan.items}
    moving: list[BoundExpression] = []
    staying: list[BoundExpression] = []
    for conjunct in conjuncts:
        used = columns_of(conjunct) & made.keys()
        if any(is_volatile(made[number]) or has_subquery(made[number]) for number in used):
            staying.append(conjunct)
        elif used:
            moving.extend(conjuncts_of(simplify(substitute(conjunct, made))))
        else:
            moving.append(conjunct)
    below = _push(plan.input, tuple(moving))
    return filtered(LogicalProject(below, plan.items), tuple(staying))


def _through_aggregate(plan: LogicalAggregate, conjuncts: Conjuncts) -> LogicalPlan:
    keys = {column.index: key for column, key in plan.keys}
    moving: list[BoundExpression] = []
    staying: list[BoundExpression] = []
    own = outputs(plan)
    for conjunct in conjuncts:
        used = columns_of(conjunct) & own
        if (
            len(plan.grouping_sets) == 1
            and used
            and used <= keys.keys()
            and not is_volatile(conjunct)
        ):
            moving.append(substitute(conjunct, keys))
        else:
            staying.append(conjunct)
    below = _push(plan.input, tuple(moving))
    return filtered(replace_fields(plan, input=below), tuple(staying))


# Joins.


def _into_join(plan: LogicalJoin, conjuncts: Conjuncts) -> LogicalPlan:
    if plan.kind == "inner":
        return _into_inner(plan, conjuncts)
    if plan.kind == "left" or plan.kind in SEMI_KINDS:
        return _into_left(plan, conjuncts)
    if plan.kind == "right":
        return _into_right(plan, conjuncts)
    join = LogicalJoin(
        plan.kind, _push(plan.left, ()), _push(plan.right, ()), plan.conjuncts, plan.is_lateral
    )
    return filtered(join, conjuncts)


def _sides(
    conjuncts: Iterable[BoundExpression], left: frozenset[int], right: frozenset[int]
) -> tuple[list[BoundExpression], list[BoundExpression], list[BoundExpression]]:
    """Conjuncts for the left side, for the right side, and those that need both or must not move."""
    to_left: list[BoundExpression] = []
    to_right: list[BoundExpression] = []
    both: list[BoundExpression] = []
    for conjunct in conjuncts:
        used = columns_of(conjunct)
        on_left, on_right = not used.isdisjoint(left), not used.isdisjoint(right)
        if is_volatile(conjunct) or (on_left and on_right):
            both.append(conjunct)
        elif on_right:
            to_right.append(conjunct)
        else:
            to_left.append(conjunct)
    return to_left, to_right, both


def _into_inner(plan: LogicalJoin, conjuncts: Conjuncts) -> LogicalPlan:
    left_columns, right_columns = outputs(plan.left), outputs(plan.right)
    every = infer_within(_merged(plan.conjuncts, conjuncts))
    to_left, to_right, both = _sides(every, left_columns, right_columns)
    above: Conjuncts = ()
    if plan.is_lateral:
        # The right side sees the left row, so it can apply these itself, perhaps by an index.
        inside = [each for each in both if not has_subquery(each) and not is_volatile(each)]
        above = tuple(each for each in both if each not in inside)
        to_right, both = to_right + inside, []
    left = _push(plan.left, tuple(to_left))
    right = _push(plan.right, tuple(to_right))
    on = tuple(each for each in both if not has_subquery(each))
    above += tuple(each for each in both if has_subquery(each))
    return filtered(LogicalJoin("inner", left, right, on, plan.is_lateral), above)


def _into_left(plan: LogicalJoin, conjuncts: Conjuncts) -> LogicalPlan:
    left_columns, right_columns = outputs(plan.left), outputs(plan.right)
    to_left, to_right, above = _sides(conjuncts, left_columns, right_columns)
    if plan.kind == "null-aware anti":
        # A null among the right side's values decides too, so its rows may not be chosen by the comparison.
        left = _push(plan.left, tuple(to_left))
        join = LogicalJoin(plan.kind, left, _push(plan.right, ()), plan.conjuncts)
        return filtered(join, tuple(above))
    own_left, own_right, own_both = _sides(plan.conjuncts, left_columns, right_columns)
    own_right += infer_for_nullable_side(own_both, to_left + own_left, right_columns)
    if plan.kind == "semi":
        to_left, own_left = to_left + own_left, []
    if plan.is_lateral:
        own_right += [each for each in own_both if not has_subquery(each) and not is_volatile(each)]
        own_both = [each for each in own_both if each not in own_right]
    left = _push(plan.left, tuple(to_left))
    right = _push(plan.right, tuple(own_right))
    join = LogicalJoin(plan.kind, left, right, tuple(own_left + own_both), plan.is_lateral)
    return filtered(join, tuple(to_right + above))


def _into_right(plan: LogicalJoin, conjuncts: Conjuncts) -> LogicalPlan:
    left_columns, right_columns = outputs(plan.left), outputs(plan.right)
    to_left, to_right, above = _sides(conjuncts, left_columns, right_columns)
    own_left, own_right, own_both = _sides(plan.conjuncts, left_columns, right_columns)
    constant = [each for each in to_left if columns_of(each).isdisjoint(left_columns)]
    above += [each for each in to_left if each not in constant]
    to_right += constant
    kept = [each for each in own_left if columns_of(each).isdisjoint(left_columns)]
    own_left = [each for each in own_left if each not in kept]
    own_left += infer_for_nullable_side(own_both, to_right + own_right, left_columns)
    left = _push(plan.left, tuple(own_left))
    right = _push(plan.right, tuple(to_right))
    join = LogicalJoin("right", left, right, tuple(kept + own_right + own_both), plan.is_lateral)
    return filtered(join, tuple(above))


# Set operations.


def _renamed(
    conjuncts: Conjuncts, columns: tuple[ColumnRef, ...], sources: tuple[ColumnRef, ...]
) -> Conjuncts:
    names = {column.index: source for column, source in zip(columns, sources, strict=True)}
    return tuple(substitute(each, names) for each in conjuncts)


def _into_append(plan: LogicalAppend, conjuncts: Conjuncts) -> LogicalPlan:
    moving = tuple(each for each in conjuncts if not is_volatile(each) and not has_subquery(each))
    staying = tuple(each for each in conjuncts if each not in moving)
    arms = tuple(
        _push(below, _renamed(moving, plan.columns, sources))
        for below, sources in zip(plan.inputs, plan.input_columns, strict=True)
    )
    return filtered(LogicalAppend(arms, plan.input_columns, plan.columns), staying)


def _into_set_operation(plan: LogicalSetOperation, conjuncts: Conjuncts) -> LogicalPlan:
    moving = tuple(each for each in conjuncts if not is_volatile(each) and not has_subquery(each))
    staying = tuple(each for each in conjuncts if each not in moving)
    left = _push(plan.left, _renamed(moving, plan.columns, plan.left_columns))
    right = _push(plan.right, _renamed(moving, plan.columns, plan.right_columns))
    return filtered(replace_fields(plan, left=left, right=right), staying)
