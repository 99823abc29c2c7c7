"""Aggregates that CREATE AGGREGATE has made: which one a call means, and the expressions that its states go through.

A state is taken further by an expression over it and the arguments of a row, and becomes the result by another one over it alone.
Both are bound anew for each call, since polymorphic aggregates have other types in each; the executor compiles them
(`executor/own_aggregate.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from lungfish import errors
from lungfish.catalog.aggregate_parts import AggregateParts, SupportFunction
from lungfish.catalog.objects import Oid, SqlFunction
from lungfish.functions import aggregate_signatures
from lungfish.functions.registry import Aggregate, Resolved, Volatility
from lungfish.planner.bind_state import BindState
from lungfish.planner.callees import find_aggregate, find_function
from lungfish.planner.coerce import coerce_arguments, coerce_implicit
from lungfish.planner.expressions import ArrayExpr, BoundExpression, Call, ColumnRef, Constant
from lungfish.planner.inline_routine import inline_call
from lungfish.planner.routine_calls import (
    BoundCall,
    Fit,
    built_in,
    called,
    choose_routine,
    element_of,
    no_such_function,
)
from lungfish.planner.routine_types import CallTypes
from lungfish.planner.scope import Scope
from lungfish.sql.ast import expressions as ast
from lungfish.types.frozen import frozen
from lungfish.types.sql_type import UNKNOWN, SqlType


@frozen
class AggregateSteps:
    """What stands for `Aggregate.create` of a user's aggregate. Of `step` column 0 is the state, the others are the arguments."""

    routine: SqlFunction
    step: BoundExpression
    # A row with a NULL is passed over.
    is_strict: bool
    # The first row's argument is the first state.
    starts_with_first: bool
    initial: BoundExpression
    # Over column 0; None: the result is the state.
    final: BoundExpression | None

    def __call__(self, _types: Sequence[SqlType], _result: SqlType) -> NoReturn:
        raise AssertionError("compiled by the executor, which runs routines")


def has_own_aggregate(node: ast.FunctionCall, state: BindState) -> bool:
    """Whether a call may mean an aggregate of a user's: one has that name, and no function of that name takes as many arguments."""
    candidates = _named(node, state)
    if not any(each.kind == "aggregate" for each in candidates):
        return False
    is_plain = not (node.is_star or node.is_distinct or node.order_by or node.filter)
    count = len(node.arguments)
    return not is_plain or not any(
        each.kind == "function" and len(each.inputs) == count for each in candidates
    )


def _named(node: ast.FunctionCall, state: BindState) -> list[SqlFunction]:
    schema = node.name[0] if len(node.name) == 2 else None
    return state.catalog.find_functions(node.name[-1], schema, state.search_path)


def resolve_aggregate(
    node: ast.FunctionCall, name: str, arguments: tuple[BoundExpression, ...], scope: Scope
) -> Resolved[Aggregate]:
    """The aggregate that a call means, built in or not, for its arguments or for `*`. Raises UndefinedFunction and its kin."""
    if not node.is_star and not arguments and not node.is_within_group:
        raise errors.WrongObjectType(
            f"{name}(*) must be used to call a parameterless aggregate function"
        ).at(node.position)
    if scope.state.catalog.has_functions:
        own = _resolve_own(node, arguments, scope.state)
        if own is not None:
            return own
    types = tuple(argument.type for argument in arguments)
    return find_aggregate(name, types, node.position, is_star=node.is_star)


def _resolve_own(
    node: ast.FunctionCall, arguments: Sequence[BoundExpression], state: BindState
) -> Resolved[Aggregate] | None:
    """The user's aggregate that a call means; None if it means a built-in one. Raises UndefinedFunction, AmbiguousFunction."""
    candidates = [each for each in _named(node, state) if each.kind == "aggregate"]
    if not candidates:
        return None
    if node.is_star:
        candidates = [each for each in candidates if not each.parameter_types]
    types = [argument.type for argument in arguments]
    name = node.name[-1]
    others = built_in(node.name, state.catalog, state.search_path)
    found = choose_routine(candidates, node, types, others)
    if found is None:
        if aggregate_signatures(name) and len(node.name) == 1:
            return None
        raise no_such_function(node, types)
    try:
        return _resolved(found[0], types, state)
    except errors.Error as error:
        raise error.at(node.position)  # noqa: B904 - the same error, its place added.


def _resolved(fit: Fit, given: Sequence[SqlType], state: BindState) -> Resolved[Aggregate]:
    routine = fit.routine
    parts = routine.aggregate
    assert parts is not None, "an aggregate has its parts"
    declared = list(routine.parameter_types)
    spread = max(fit.spread_count, 0)
    if fit.spread_count >= 0:
        declared = [*declared[:-1], *([element_of(declared[-1])] * spread)]
    meanings = CallTypes(declared, given)
    actual = tuple(meanings.of(kind) for kind in declared)
    columns: list[BoundExpression] = [
        ColumnRef(index, kind) for index, kind in enumerate(actual, 1)
    ]
    if fit.spread_count >= 0:
        array = meanings.of(routine.parameter_types[-1])
        fixed = len(columns) - spread
        columns = [*columns[:fixed], ArrayExpr(tuple(columns[fixed:]), array)]
    steps = _steps(routine, parts, columns, meanings, state)
    result = meanings.of(parts.state) if steps.final is None else steps.final.type
    state.routines_used.add(routine.oid)
    # Under a name that nothing built in has: what is known of those by name is not true of it.
    name = f"{routine.oid} {routine.name}"
    callee = Aggregate(name, actual, result, steps, is_order_sensitive=True)
    return Resolved(callee, actual, result)


def _steps(
    routine: SqlFunction,
    parts: AggregateParts,
    columns: Sequence[BoundExpression],
    meanings: CallTypes,
    state: BindState,
) -> AggregateSteps:
    kind = meanings.of(parts.state)
    running = ColumnRef(0, kind)
    step, is_strict = _support_call(parts.transition, (running, *columns), state)
    final = None
    if parts.final is not None:
        extra = [Constant(None, column.type) for column in columns] if parts.has_extra else ()
        final, _ = _support_call(parts.final, (running, *extra), state)
    initial: BoundExpression = Constant(None, kind)
    if parts.initial is not None:
        initial = coerce_implicit(Constant(parts.initial, UNKNOWN), kind, state, -1)
    return AggregateSteps(
        routine=routine,
        step=coerce_implicit(step, kind, state, -1),
        is_strict=is_strict,
        starts_with_first=is_strict and parts.initial is None,
        initial=initial,
        final=final,
    )


def _support_call(
    support: SupportFunction, arguments: Sequence[BoundExpression], state: BindState
) -> tuple[BoundExpression, bool]:
    """A call of one of the aggregate's functions, and whether it is strict."""
    types = tuple(argument.type for argument in arguments)
    if not support.oid:
        found = find_function(support.name, types)
        typed = coerce_arguments(arguments, found, state, ())
        if found.callee.volatility is not Volatility.IMMUTABLE:
            state.has_volatile = True
        return Call(found.callee, typed, found.result), found.callee.is_strict
    routine = state.catalog.object(Oid(support.oid))
    assert isinstance(routine, SqlFunction), "what an aggregate depends on is there"
    declared = [each.type for each in routine.inputs]
    meanings = CallTypes(declared, types)
    given = tuple(
        coerce_implicit(argument, meanings.of(kind), state, -1)
        for argument, kind in zip(arguments, declared, strict=True)
    )
    call = BoundCall(routine, given, meanings.of(routine.result))
    inlined = inline_call(routine, given, call.result, Scope(state, None))
    return inlined or called(call, state, -1), routine.is_strict
