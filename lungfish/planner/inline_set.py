"""A set-returning routine in FROM replaced by its query, so that the query around it can be planned as a whole.

PostgreSQL's inline_set_returning_function, with its conditions: the body is one query, and neither the routine nor an argument
would be evaluated another number of times with another result.
"""

from __future__ import annotations

from lungfish import errors
from lungfish.planner.bind_output import cast_outputs
from lungfish.planner.bind_state import BindState
from lungfish.planner.coerce import coerce_with
from lungfish.planner.expression_tree import has_subquery, is_volatile
from lungfish.planner.expressions import BoundExpression, OutputColumn
from lungfish.planner.logical import LogicalOutput
from lungfish.planner.routine_body import body_statements, shape_of
from lungfish.planner.routine_calls import BoundCall
from lungfish.planner.routine_frame import RoutineFrame
from lungfish.planner.scope import Scope
from lungfish.sql.ast.queries import Query
from lungfish.types.coercion import CastContext
from lungfish.types.sql_type import SqlType, TypeKind

_DEPTH_MAX = 16


def inline_set(found: BoundCall, state: BindState) -> LogicalOutput | None:
    """The routine's query, with a column for each one of its rows; None where it must be called."""
    routine = found.routine
    if (
        not routine.returns_set
        or routine.volatility == "volatile"
        or routine.is_strict
        or routine.settings
        or found.result.kind is TypeKind.VOID
        or (found.result.kind is TypeKind.RECORD and not found.result.fields)
        or routine.oid in state.active_routines
        or len(state.active_routines) >= _DEPTH_MAX
    ):
        return None
    if any(is_volatile(argument) or has_subquery(argument) for argument in found.arguments):
        return None
    statements = body_statements(routine.body)
    if len(statements) != 1 or not isinstance(statements[0], Query) or statements[0].locking:
        return None
    before = state.routine, state.search_path, state.active_routines
    state.routine = RoutineFrame(routine.name, routine.parameter_names, found.arguments)
    state.active_routines = (*state.active_routines, routine.oid)
    if routine.is_standard:
        state.search_path = routine.search_path
    try:
        output = state.bind_query(statements[0], Scope(state, None))
    except errors.Error as error:
        # The place is one in the body.
        error.position = None
        raise
    finally:
        state.routine, state.search_path, state.active_routines = before
    columns = [OutputColumn(column.name, column.type) for column in output.columns]
    shape = shape_of(routine, found.result, columns, state)
    types = found.result.fields if shape.kind == "row" else (found.result,)
    if shape.kind == "value" and found.result.kind is TypeKind.RECORD:
        return None
    return cast_outputs(output, types, state, -1, _assigned)


def _assigned(
    expression: BoundExpression, target: SqlType, state: BindState, position: int
) -> BoundExpression:
    return coerce_with(expression, target, CastContext.ASSIGNMENT, state, position)
