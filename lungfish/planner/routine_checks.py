"""What CREATE FUNCTION and its kin ask of the planner: types, defaults, and whether a body gives what its routine declares."""

from __future__ import annotations

from collections.abc import Sequence

from lungfish import errors
from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import Oid, SqlFunction
from lungfish.functions import has_aggregate, has_function, has_window_function
from lungfish.planner.bind_call import refuse_aggregate_syntax
from lungfish.planner.binder import bind_statement, new_state
from lungfish.planner.coerce import coerce_with
from lungfish.planner.expression_tree import has_subquery
from lungfish.planner.expressions import BoundExpression, OutputColumn
from lungfish.planner.optimizer import optimize_expression
from lungfish.planner.routine_body import (
    PLANNED,
    ResultShape,
    body_statements,
    result_columns,
    shape_of,
)
from lungfish.planner.routine_calls import find_routine, shown_call
from lungfish.planner.routine_frame import RoutineFrame, frame_of_types
from lungfish.planner.routine_types import current_row_type, find_routine_type, is_polymorphic
from lungfish.planner.scope import Clause, Scope
from lungfish.planner.standalone import objects_used
from lungfish.sql.ast.expressions import Expression, FunctionCall, TypeName
from lungfish.sql.ast.routines import Call
from lungfish.types.coercion import CastContext, can_coerce
from lungfish.types.sql_type import SqlType, TypeKind


def resolve_routine_type(name: TypeName, catalog: Catalog, search_path: Sequence[str]) -> SqlType:
    """The type of a parameter or result; see `routine_types`."""
    return find_routine_type(name, new_state(catalog, tuple(search_path)))


def routine_shape(
    routine: SqlFunction,
    result: SqlType,
    columns: Sequence[OutputColumn] | None,
    catalog: Catalog,
    search_path: Sequence[str],
) -> ResultShape:
    """`routine_body.shape_of`, outside of any statement."""
    return shape_of(routine, result, columns, new_state(catalog, tuple(search_path)))


def check_default(
    node: Expression, kind: SqlType, catalog: Catalog, search_path: Sequence[str]
) -> SqlType:
    """Bind a parameter's default; answers its own type. Raises what is wrong with it."""
    state = new_state(catalog, tuple(search_path))
    scope = Scope(state, None)
    scope.clause = Clause.DEFAULT
    bound = scope.bind(node)
    if has_subquery(bound):
        raise errors.FeatureNotSupported("cannot use subquery in DEFAULT expression").at(
            node.position
        )
    if not is_polymorphic(kind):
        if not can_coerce(bound.type, kind, CastContext.ASSIGNMENT):
            raise errors.DatatypeMismatch(
                f"argument of DEFAULT must be type {kind.unmodified}, not type {bound.type.unmodified}"
            ).at(node.position)
        coerce_with(bound, kind, CastContext.ASSIGNMENT, state, node.position)
    return bound.type


def check_routine(
    routine: SqlFunction, catalog: Catalog, search_path: Sequence[str]
) -> frozenset[Oid]:
    """Bind the body's statements, so that a wrong one is found when the routine is made. Answers the routines that they call."""
    types = routine.parameter_types
    statements = body_statements(routine.body)
    if any(map(is_polymorphic, (*types, routine.result))):
        # What its names and operators are is known at a call only.
        return frozenset()
    columns: tuple[OutputColumn, ...] | None = None
    state = new_state(catalog, tuple(search_path), types)
    called: set[Oid] = set()
    for statement in statements:
        columns = None
        if isinstance(statement, Call):
            frame = frame_of_types(routine.name, routine.parameter_names, types)
            called.add(bind_procedure_call(statement.call, catalog, search_path, frame)[0].oid)
        if not isinstance(statement, PLANNED):
            continue
        state = new_state(catalog, tuple(search_path), types)
        state.routine = frame_of_types(routine.name, routine.parameter_names, types)
        # What it calls of itself is another version of it, or is not there yet.
        state.active_routines = (routine.oid,)
        try:
            columns = result_columns(bind_statement(statement, state))
        except errors.Error as error:
            error.position = None
            raise
        called |= state.routines_used
    if routine.result.kind is not TypeKind.VOID:
        result = current_row_type(routine.result, catalog)
        shape_of(routine, result, columns, state)
    return frozenset(called)


def objects_of_body(
    routine: SqlFunction, catalog: Catalog, search_path: Sequence[str]
) -> frozenset[Oid]:
    """The objects that the statements of a standard body name."""
    found: frozenset[Oid] = frozenset()
    for statement in body_statements(routine.body):
        found |= objects_used(statement, catalog, search_path)
    return found


def bind_procedure_call(
    node: FunctionCall,
    catalog: Catalog,
    search_path: Sequence[str],
    routine: RoutineFrame | None = None,
) -> tuple[SqlFunction, tuple[BoundExpression, ...]]:
    """The procedure that CALL means, and its arguments; `routine` is that whose body the statement is in.

    Raises UndefinedFunction, WrongObjectType; FeatureNotSupported for outputs that a body could not take.
    """
    types = () if routine is None else tuple(each.type for each in routine.arguments)
    state = new_state(catalog, tuple(search_path), types)
    state.routine = routine
    scope = Scope(state, None)
    scope.clause = Clause.CALL
    found = find_routine(node, scope, is_call=True)
    if found is None:
        given_types = [scope.bind(argument).type for argument in node.arguments]
        name = node.name[-1]
        if has_function(name) or has_aggregate(name) or has_window_function(name):
            raise errors.WrongObjectType(
                f"{shown_call(name, given_types)} is not a procedure",
                hint="To call a function, use SELECT.",
            ).at(node.position)
        raise errors.UndefinedFunction(
            f"procedure {shown_call('.'.join(node.name), given_types)} does not exist",
            hint="No procedure matches the given name and argument types."
            " You might need to add explicit type casts.",
        ).at(node.position)
    refuse_aggregate_syntax(node, node.name[-1])
    if found.routine.kind != "procedure":
        given_types = [argument.type for argument in found.arguments]
        raise errors.WrongObjectType(
            f"{shown_call(found.routine.name, given_types)} is not a procedure",
            hint="To call a function, use SELECT.",
        ).at(node.position)
    if routine is not None and found.routine.outputs:
        raise errors.FeatureNotSupported(
            "calling procedures with output arguments is not supported in SQL functions"
        )
    for argument, given in zip(found.arguments, node.arguments, strict=False):
        if has_subquery(argument):
            raise errors.FeatureNotSupported("cannot use subquery in CALL argument").at(
                given.position
            )
    return found.routine, tuple(map(optimize_expression, found.arguments))
