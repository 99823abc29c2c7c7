"""A call of a routine replaced by its body, where the body is one plain expression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lungfish import errors
from lungfish.catalog.objects import SqlFunction
from lungfish.functions.registry import Volatility
from lungfish.planner.bind_state import BindState
from lungfish.planner.coerce import coerce_with
from lungfish.planner.expression_tree import has_subquery, is_volatile, map_children, walk
from lungfish.planner.expressions import (
    BoundExpression,
    Call,
    CaseExpr,
    CastTo,
    Constant,
    DomainExpr,
    IsNullExpr,
    OrAny,
    ParameterRef,
)
from lungfish.planner.routine_body import plain_expression
from lungfish.planner.routine_frame import frame_of_types
from lungfish.planner.scope import Scope
from lungfish.types.coercion import CastContext, can_coerce
from lungfish.types.sql_type import SqlType, TypeKind

# How deep calls are put into each other before they are left as calls.
_DEPTH_MAX = 32


def inline_call(
    routine: SqlFunction, arguments: Sequence[BoundExpression], result: SqlType, scope: Scope
) -> BoundExpression | None:
    """The call as an expression over its arguments; None where it must be called."""
    state = scope.state
    if routine.returns_set or routine.settings or result.kind in (TypeKind.VOID, TypeKind.RECORD):
        return None
    if routine.oid in state.active_routines or len(state.active_routines) >= _DEPTH_MAX:
        return None
    if any(argument.type.domain is not None for argument in arguments):
        return None
    body = _bound_body(routine, arguments, result, state)
    if body is None or not _is_steady(body, routine.volatility):
        return None
    uses = [0] * len(arguments)
    for node in walk(body):
        if isinstance(node, ParameterRef):
            uses[node.index] += 1
    for argument, count in zip(arguments, uses, strict=True):
        # One that is not used at all is not evaluated, as in PostgreSQL.
        if (count > 1 or routine.is_strict) and (is_volatile(argument) or has_subquery(argument)):
            return None
    inlined = _replaced(body, arguments)
    if not routine.is_strict or not arguments:
        return inlined
    nulls = tuple(IsNullExpr(argument, is_negated=False) for argument in arguments)
    is_null: BoundExpression = nulls[0] if len(nulls) == 1 else OrAny(nulls)
    return CaseExpr(((is_null, Constant(None, result)),), inlined, result)


def _bound_body(
    routine: SqlFunction, arguments: Sequence[BoundExpression], result: SqlType, state: BindState
) -> BoundExpression | None:
    """The body's expression as the result's type, over ParameterRefs; None if it is none, or is wrong, which its call will say."""
    expression = plain_expression(routine.body)
    if expression is None:
        return None
    inner = Scope(state, None)
    before = state.routine, state.search_path, state.active_routines
    flags = state.has_volatile, state.has_subqueries, state.calls_routines
    types = tuple(argument.type for argument in arguments)
    state.routine = frame_of_types(routine.name, routine.parameter_names, types)
    state.active_routines = (*state.active_routines, routine.oid)
    if routine.is_standard:
        state.search_path = routine.search_path
    try:
        bound = inner.bind(expression)
        if inner.aggregates or inner.windows or inner.has_set_calls or has_subquery(bound):
            _forget(state, flags)
            return None
        if not can_coerce(bound.type, result, CastContext.ASSIGNMENT):
            _forget(state, flags)
            return None
        return coerce_with(bound, result, CastContext.ASSIGNMENT, state, -1)
    except errors.Error:
        _forget(state, flags)
        return None
    finally:
        state.routine, state.search_path, state.active_routines = before


def _forget(state: BindState, flags: tuple[bool, bool, str]) -> None:
    """What was bound is not used after all."""
    state.has_volatile, state.has_subqueries, state.calls_routines = flags


def _is_steady(body: BoundExpression, declared: str) -> bool:
    """Whether nothing in the body is less steady than the routine says to be."""
    if declared == "volatile":
        return True
    found = {node.function.volatility for node in walk(body) if isinstance(node, Call)}
    if Volatility.VOLATILE in found:
        return False
    return declared == "stable" or Volatility.STABLE not in found


def _replaced(node: BoundExpression, arguments: Sequence[BoundExpression]) -> BoundExpression:
    """The body with the arguments in place of its parameters, and without places: they were those of another text."""
    if isinstance(node, ParameterRef):
        return arguments[node.index]
    changed = map_children(node, lambda child: _replaced(child, arguments))
    if isinstance(changed, (Call, CastTo, DomainExpr)) and changed.position >= 0:
        return replace(changed, position=-1)
    return changed
