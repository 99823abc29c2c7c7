"""Calls of routines written in SQL: which one is meant, what each parameter gets, and what the call becomes.

inlined     a body that is one plain expression takes the place of the call, its parameters replaced by the arguments
            (PostgreSQL's inline_function, with its conditions)
called      anything else: a `Call` whose function runs the body's statements, see session/routine_runs.py
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from lungfish import errors
from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import INPUT_MODES, Oid, RoutineParameter, SqlFunction
from lungfish.functions import (
    aggregate_signatures,
    function_signatures,
    has_aggregate,
    has_function,
    has_window_function,
    window_signatures,
)
from lungfish.functions.registry import Function, Volatility
from lungfish.functions.resolve import OwnCasts, Signature, select
from lungfish.planner.bind_arguments import bind_arguments
from lungfish.planner.bind_state import BindState
from lungfish.planner.bind_stored import parse_expression
from lungfish.planner.coerce import coerce_implicit, coerce_with
from lungfish.planner.expressions import ArrayExpr, BoundExpression, Call
from lungfish.planner.inline_routine import inline_call
from lungfish.planner.named_arguments import check_names
from lungfish.planner.routine_body import described_row
from lungfish.planner.routine_types import (
    CallTypes,
    as_argument,
    current_row_type,
    is_polymorphic,
)
from lungfish.planner.scope import Clause, Scope
from lungfish.sql.ast import expressions as ast
from lungfish.types.coercion import CastContext
from lungfish.types.frozen import frozen
from lungfish.types.sql_type import UNKNOWN, VOID, SqlType, TypeKind


@frozen
class RoutineCall:
    """What runs a routine needs to know of a call: the actual types of the parameters and of the result (of each row, if it is a set)."""

    routine: SqlFunction
    argument_types: tuple[SqlType, ...]
    result: SqlType


@frozen
class RoutineForm:
    """The scalar form of a routine: runs it within the statement that calls it."""

    call: RoutineCall

    def __call__(self, statement: Any, *arguments: Any) -> Any:
        return statement.functions.call_routine(self.call, arguments, statement)


@frozen
class Fit:
    """A routine that takes so many arguments of these names."""

    routine: SqlFunction
    # Of each input parameter: the number of its argument; None: its default.
    sources: tuple[int | None, ...]
    # How many arguments the last parameter takes together; -1: it is no spread VARIADIC.
    spread_count: int
    signature: Function

    @property
    def rank(self) -> tuple[bool, int]:
        """Of two that take the same types the lesser one is meant."""
        return self.spread_count >= 0, sum(source is None for source in self.sources)


@frozen
class BoundCall:
    """A call with each parameter's value."""

    routine: SqlFunction
    arguments: tuple[BoundExpression, ...]
    result: SqlType


def bind_routine_call(node: ast.FunctionCall, scope: Scope) -> BoundExpression | None:
    """A call of a routine in SQL; None if the name, with these arguments, is that of something built in."""
    found = find_routine(node, scope)
    if found is None:
        return None
    if found.routine.kind == "procedure":
        types = [argument.type for argument in found.arguments]
        raise errors.WrongObjectType(
            f"{shown_call(found.routine.name, types)} is a procedure",
            hint="To call a procedure, use CALL.",
        ).at(node.position)
    _refuse_window(node, found)
    state = scope.state
    state.routines_used.add(found.routine.oid)
    if _is_any_row(found.result) and scope.clause is not Clause.FROM_FUNCTION:
        given = tuple(argument.type for argument in found.arguments)
        found = replace(found, result=described_row(found.routine, given, state))
    # A query that is to be written back keeps its calls.
    if scope.clause is not Clause.FROM_FUNCTION and state.trace is None:
        inlined = inline_call(found.routine, found.arguments, found.result, scope)
        if inlined is not None:
            return inlined
    return called(found, state, node.position)


def _is_any_row(result: SqlType) -> bool:
    return result.kind is TypeKind.RECORD and not result.fields


def called(found: BoundCall, state: BindState, position: int) -> Call:
    """The call as one that runs the routine."""
    routine = found.routine
    if not state.calls_routines or routine.volatility == "volatile":
        state.calls_routines = "volatile" if routine.volatility == "volatile" else "stable"
    if routine.volatility != "immutable":
        state.has_volatile = True
    types = tuple(argument.type for argument in found.arguments)
    function = runtime_function(RoutineCall(routine, types, found.result))
    return Call(function, found.arguments, found.result, position=position)


@lru_cache(maxsize=1024)
def runtime_function(call: RoutineCall) -> Function:
    """The function that runs a routine with arguments of certain types."""
    routine = call.routine
    columns: tuple[tuple[str, SqlType], ...] = ()
    outputs = routine.outputs
    if len(outputs) == 1 and outputs[0].name:
        columns = ((outputs[0].name, call.result),)
    return Function(
        routine.name,
        call.argument_types,
        call.result,
        RoutineForm(call),
        volatility=Volatility(routine.volatility),
        is_strict=routine.is_strict,
        returns_set=routine.returns_set,
        output_columns=columns,
        needs_statement=True,
    )


@lru_cache(maxsize=256)
def procedure_call(routine: SqlFunction, types: tuple[SqlType, ...]) -> RoutineCall:
    """What runs a procedure needs to know of a CALL."""
    declared = tuple(each.type for each in routine.inputs)
    return RoutineCall(routine, types, CallTypes(declared, types).of(routine.result))


def routine_call_of(function: Function) -> RoutineCall | None:
    """What `runtime_function` made the function of; None if it is no routine's."""
    form = function.scalar
    return form.call if isinstance(form, RoutineForm) else None


def find_routine(
    node: ast.FunctionCall, scope: Scope, *, is_call: bool = False
) -> BoundCall | None:
    """The routine that a call means, with each parameter's value; with `is_call` it is CALL, which names output parameters too.

    Raises UndefinedFunction, AmbiguousFunction.
    """
    state = scope.state
    schema = node.name[0] if len(node.name) == 2 else None
    candidates = [
        each
        for each in state.catalog.find_functions(node.name[-1], schema, state.search_path)
        if each.kind != "aggregate"
    ]
    if not candidates:
        return None
    check_names(node)
    arguments = bind_arguments(node, scope)
    types = [argument.type for argument in arguments]
    chosen = choose_routine(
        candidates, node, types, built_in(node.name, state.catalog, state.search_path)
    )
    if chosen is None:
        name = node.name[-1]
        if is_call or has_function(name) or has_aggregate(name) or has_window_function(name):
            return None
        raise no_such_function(node, types)
    return _with_values(chosen[0], node, arguments, state)


def no_such_function(node: ast.FunctionCall, types: Sequence[SqlType]) -> errors.Error:
    """What is raised where no function takes the call's arguments."""
    return errors.UndefinedFunction(
        f"function {_shown_with_names(node, types)} does not exist",
        hint="No function matches the given name and argument types."
        " You might need to add explicit type casts.",
    ).at(node.position)


def shown_call(name: str, types: Sequence[SqlType]) -> str:
    """The call as messages show it."""
    return f"{name}({', '.join(str(kind.unmodified) for kind in types)})"


def _shown_with_names(node: ast.FunctionCall, types: Sequence[SqlType]) -> str:
    named = {index: name for name, index in node.argument_names}
    parts = [
        f"{named[index]} => {kind.unmodified}" if index in named else str(kind.unmodified)
        for index, kind in enumerate(types)
    ]
    return f"{'.'.join(node.name)}({', '.join(parts)})"


def _refuse_window(node: ast.FunctionCall, found: BoundCall) -> None:
    if node.window is not None:
        types = [argument.type for argument in found.arguments]
        raise errors.WrongObjectType(
            f"OVER specified, but {shown_call(found.routine.name, types).partition('(')[0]}"
            " is not a window function nor an aggregate function"
        ).at(node.position)


# Choosing.


def meant_routine(
    candidates: Sequence[SqlFunction],
    node: ast.FunctionCall,
    types: Sequence[SqlType],
    catalog: Catalog,
    search_path: Sequence[str],
) -> tuple[SqlFunction, tuple[SqlType, ...]] | None:
    """The candidate that a call means, and what each of its arguments is cast to."""
    found = choose_routine(candidates, node, types, built_in(node.name, catalog, search_path))
    return None if found is None else (found[0].routine, found[1])


@frozen
class BuiltIn:
    """What is built in under the name of a call."""

    signatures: Sequence[Signature]
    # The schemas that the search path puts before pg_catalog: their routines hide what is built in and takes the same types.
    schemas_before: frozenset[Oid]
    casts: OwnCasts = frozenset()


def built_in(name: Sequence[str], catalog: Catalog, search_path: Sequence[str]) -> BuiltIn:
    """What a call of that name may mean beside the routines that users have made."""
    if len(name) > 1:
        return BuiltIn((), frozenset(), catalog.implicit_casts)
    signatures: list[Signature] = [
        *function_signatures(name[0]),
        *aggregate_signatures(name[0]),
        *window_signatures(name[0]),
    ]
    return BuiltIn(signatures, catalog.schemas_before_catalog(search_path), catalog.implicit_casts)


def choose_routine(
    candidates: Sequence[SqlFunction],
    node: ast.FunctionCall,
    types: Sequence[SqlType],
    others: BuiltIn,
) -> tuple[Fit, tuple[SqlType, ...]] | None:
    """The candidate that the call means, and the types that it takes; None where none fits, or something built in fits better."""
    fits = _distinct([fit for each in candidates if (fit := _fit(each, node)) is not None])
    if not fits:
        return None
    own = {id(fit.signature): fit for fit in fits}
    signatures: list[Signature] = [fit.signature for fit in fits]
    if not node.argument_names and not node.is_variadic:
        # Of those that take the same types the first one hides the rest.
        ahead = [
            fit.signature for fit in fits if fit.routine.namespace_oid in others.schemas_before
        ]
        signatures = [*ahead, *others.signatures, *signatures[len(ahead) :]]
    try:
        found = select(signatures, types, casts=others.casts)
    except errors.AmbiguousFunction:
        found = None
        is_ambiguous = True
    else:
        is_ambiguous = found is not None and _is_tied(own.get(id(found.callee)), candidates, node)
    if is_ambiguous:
        raise errors.AmbiguousFunction(
            f"function {_shown_with_names(node, types)} is not unique",
            hint="Could not choose a best candidate function. You might need to add explicit type casts.",
        ).at(node.position)
    fit = None if found is None else own.get(id(found.callee))
    return None if fit is None or found is None else (fit, found.argument_types)


def _fit(routine: SqlFunction, node: ast.FunctionCall) -> Fit | None:
    """How the routine takes the call's arguments; None if it cannot take so many, or has no such names."""
    inputs = called_parameters(routine)
    count = len(node.arguments)
    if node.argument_names:
        sources = _named_sources(inputs, node)
        if sources is None or (routine.is_variadic and not node.is_variadic):
            return None
        return _make_fit(routine, sources, -1, count)
    if node.is_variadic and routine.is_variadic:
        if count != len(inputs):
            return None
        return _make_fit(routine, tuple(range(count)), -1, count)
    if routine.is_variadic and count >= len(inputs):
        return _make_fit(routine, tuple(range(len(inputs))), count - len(inputs) + 1, count)
    missing = inputs[count:]
    if count > len(inputs) or any(each.default is None for each in missing):
        return None
    return _make_fit(routine, (*range(count), *(None for _ in missing)), -1, count)


def _named_sources(
    inputs: Sequence[RoutineParameter], node: ast.FunctionCall
) -> tuple[int | None, ...] | None:
    positional = len(node.arguments) - len(node.argument_names)
    by_name = dict(node.argument_names)
    taken = {each.name for each in inputs[:positional]}
    left = {each.name for each in inputs[positional:]}
    if positional > len(inputs) or not by_name.keys() <= left or by_name.keys() & taken:
        return None
    sources: list[int | None] = list(range(positional))
    for each in inputs[positional:]:
        source = by_name.get(each.name) if each.name else None
        if source is None and each.default is None:
            return None
        sources.append(source)
    return tuple(sources)


def called_parameters(routine: SqlFunction) -> tuple[RoutineParameter, ...]:
    """The parameters that a call gives: of a procedure also those that are output only, whose arguments are not looked at."""
    return routine.all_parameters if routine.kind == "procedure" else routine.inputs


def _make_fit(
    routine: SqlFunction, sources: tuple[int | None, ...], spread_count: int, count: int
) -> Fit:
    types: list[SqlType] = [UNKNOWN] * count
    parameters = called_parameters(routine)
    for parameter, source in zip(parameters, sources, strict=True):
        if source is not None:
            types[source] = parameter.type
    if spread_count >= 0:
        element = element_of(parameters[-1].type)
        types[len(sources) - 1 :] = [element] * spread_count
    signature = Function(routine.name, tuple(as_argument(kind) for kind in types), VOID)
    return Fit(routine, sources, spread_count, signature)


def element_of(array: SqlType) -> SqlType:
    """What the arguments of a VARIADIC parameter are, one by one."""
    if array.kind is TypeKind.POLYMORPHIC:
        name = "anycompatible" if array.name == "anycompatiblearray" else "anyelement"
        return SqlType(TypeKind.POLYMORPHIC, name=name)
    assert array.element is not None, "a VARIADIC parameter is an array"
    return array.element


def _distinct(fits: Sequence[Fit]) -> list[Fit]:
    """Of those that take the same types the one that is meant; the first schema's where they are alike."""
    best: dict[tuple[object, ...], Fit] = {}
    for fit in fits:
        known = best.get(fit.signature.arguments)
        if known is None or (
            known.routine.namespace_oid == fit.routine.namespace_oid and fit.rank < known.rank
        ):
            best[fit.signature.arguments] = fit
    return list(best.values())


def _is_tied(chosen: Fit | None, candidates: Sequence[SqlFunction], node: ast.FunctionCall) -> bool:
    """Whether another routine of the same schema takes the same types, with defaults or without."""
    if chosen is None:
        return False
    others = [fit for each in candidates if (fit := _fit(each, node)) is not None]
    return any(
        other.routine.oid != chosen.routine.oid
        and other.routine.namespace_oid == chosen.routine.namespace_oid
        and other.signature.arguments == chosen.signature.arguments
        and (other.spread_count >= 0) == (chosen.spread_count >= 0)
        for other in others
    )


# The parameters' values.


def _with_values(
    fit: Fit, node: ast.FunctionCall, arguments: Sequence[BoundExpression], state: BindState
) -> BoundCall:
    """The call with a value of the right type for each input parameter."""
    routine = fit.routine
    values: list[BoundExpression | None] = [
        None if source is None else arguments[source] for source in fit.sources
    ]
    parameters = called_parameters(routine)
    for index, parameter in enumerate(parameters):
        if values[index] is None:
            assert parameter.default is not None, "what has no default is given"
            default = _default(parameter.default, state)
            if not is_polymorphic(parameter.type):
                target = parameter.type
                default = coerce_with(default, target, CastContext.ASSIGNMENT, state, -1)
            values[index] = default
    declared = [parameter.type for parameter in parameters]
    given = [value.type for value in values if value is not None]
    if fit.spread_count >= 0:
        spread = arguments[len(declared) - 1 :]
        element = element_of(declared[-1])
        declared = [*declared[:-1], *([element] * fit.spread_count)]
        given = [*given[:-1], *(argument.type for argument in spread)]
    try:
        types = CallTypes(declared, given)
    except errors.Error as error:
        raise error.at(node.position)  # noqa: B904 - the same error, its place added.
    actual = [types.of(parameter.type) for parameter in parameters]
    if fit.spread_count >= 0:
        values[-1] = _spread(spread, actual[-1], state, node)
    positions = [
        node.arguments[source].position if source is not None else node.position
        for source in fit.sources
    ]
    typed = tuple(
        coerce_implicit(_given(value), current_row_type(kind, state.catalog), state, position)
        for value, kind, position in zip(values, actual, positions, strict=True)
    )
    typed = tuple(
        value
        for value, parameter in zip(typed, parameters, strict=True)
        if parameter.mode in INPUT_MODES
    )
    return BoundCall(routine, typed, _result_type(routine, types, state))


def _given(value: BoundExpression | None) -> BoundExpression:
    assert value is not None, "every parameter has its value"
    return value


def _default(text: str, state: BindState) -> BoundExpression:
    """A default, bound where no column is in sight."""
    scope = Scope(state, None)
    scope.clause = Clause.DEFAULT
    frame, state.routine = state.routine, None
    try:
        return scope.bind(parse_expression(text))
    except errors.Error as error:
        error.position = None
        raise
    finally:
        state.routine = frame


def _spread(
    arguments: Sequence[BoundExpression], array: SqlType, state: BindState, node: ast.FunctionCall
) -> BoundExpression:
    """The arguments of a VARIADIC parameter as one array."""
    assert array.element is not None, "a VARIADIC parameter is an array"
    element = array.element
    return ArrayExpr(
        tuple(coerce_implicit(each, element, state, node.position) for each in arguments), array
    )


def _result_type(routine: SqlFunction, types: CallTypes, state: BindState) -> SqlType:
    """What the call answers, or each of its rows."""
    result = routine.result
    if routine.kind == "procedure":
        return result
    return current_row_type(types.of(result), state.catalog)
