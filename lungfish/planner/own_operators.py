"""Operators and casts that somebody has made: which one an expression means, and the call that it becomes.

An operator is chosen among people's and the built-in ones together, by PostgreSQL's rules; an implicit cast of somebody's counts there
like a built-in one. What is chosen is a call of its function. A query that is to be written back keeps the operator's symbol, and casts
as such.
"""

from __future__ import annotations

from lungfish import errors
from lungfish.catalog.aggregate_parts import SupportFunction
from lungfish.catalog.objects import Oid, SqlFunction
from lungfish.catalog.operator_objects import UserCast, UserOperator
from lungfish.functions import function_signatures
from lungfish.functions.registry import Function
from lungfish.functions.resolve import Signature, select_operator
from lungfish.planner.bind_state import BindState
from lungfish.planner.callees import find_function
from lungfish.planner.coerce import coerce_arguments, coerce_implicit, coerce_with
from lungfish.planner.expressions import BoundExpression, Call, CastTo
from lungfish.planner.inline_routine import inline_call
from lungfish.planner.routine_calls import BoundCall, called
from lungfish.planner.routine_types import CallTypes, as_argument, current_row_type
from lungfish.planner.scope import Scope
from lungfish.sql.quoting import quote_identifier
from lungfish.types.coercion import CastContext
from lungfish.types.sql_type import TEXT, SqlType, TypeKind

Operands = tuple[BoundExpression, ...]


def bind_own_operator(
    symbol: str, schema: str | None, operands: Operands, scope: Scope, position: int
) -> BoundExpression | None:
    """The call that an operator of somebody's is, or a built-in one that implicit casts of somebody's lead to.

    None where only what is built in can be meant. Raises UndefinedFunction for an operator that its `schema` has not,
    AmbiguousFunction.
    """
    catalog = scope.state.catalog
    if schema is None and not catalog.has_operators and not catalog.implicit_casts:
        return None
    found = choose_operator(symbol, schema, tuple(each.type for each in operands), scope, position)
    if isinstance(found, UserOperator):
        return _call_of(found, operands, scope, position)
    if found is None or not catalog.implicit_casts:
        return None
    resolved = select_operator(
        function_signatures(symbol), [each.type for each in operands], catalog.implicit_casts
    )
    assert resolved is not None, "the operator has just been chosen"
    typed = coerce_arguments(operands, resolved, scope.state, (position,) * len(operands))
    return Call(resolved.callee, typed, resolved.result, position=position)


def refuse_own_operator(
    symbol: str, types: tuple[SqlType, ...], scope: Scope, position: int
) -> None:
    """Raise FeatureNotSupported where an operator of somebody's would have to be asked for each of several values at once."""
    found = choose_operator(symbol, None, types, scope, position)
    if isinstance(found, UserOperator):
        raise errors.FeatureNotSupported(
            f"operator {found.signature}, which is no built-in one, is not supported here"
        ).at(position)


def require_operator_schema(schema: str | None, scope: Scope, position: int) -> None:
    """Raise InvalidSchemaName if OPERATOR() names a schema that is not there."""
    if schema is not None and not scope.state.catalog.has_namespace(schema):
        raise errors.InvalidSchemaName(f'schema "{schema}" does not exist').at(position)


def choose_operator(
    symbol: str, schema: str | None, types: tuple[SqlType, ...], scope: Scope, position: int
) -> UserOperator | Function | None:
    """What the operator between such operands is; None where none fits."""
    state = scope.state
    require_operator_schema(schema, scope, position)
    candidates = state.catalog.find_operators(symbol, schema, state.search_path)
    if not candidates and not state.catalog.implicit_casts and schema is None:
        return None
    own = [(_signature(each), each) for each in candidates if len(each.operands) == len(types)]
    by_signature = {id(signature): each for signature, each in own}
    signatures: list[Signature] = list(function_signatures(symbol) if schema is None else ())
    signatures += [signature for signature, _ in own]
    shown = " ".join(_shown(symbol, schema, types))
    try:
        found = select_operator(signatures, types, state.catalog.implicit_casts)
    except errors.AmbiguousFunction:
        raise errors.AmbiguousFunction(
            f"operator is not unique: {shown}",
            hint="Could not choose a best candidate operator. You might need to add explicit type casts.",
        ).at(position) from None
    if found is None:
        if schema is None:
            return None
        raise errors.UndefinedFunction(
            f"operator does not exist: {shown}",
            hint="No operator matches the given name and argument types."
            " You might need to add explicit type casts.",
        ).at(position)
    own_one = by_signature.get(id(found.callee))
    if own_one is not None:
        return own_one
    assert isinstance(found.callee, Function), "what is nobody's is built in"
    return found.callee


def _shown(symbol: str, schema: str | None, types: tuple[SqlType, ...]) -> list[str]:
    name = symbol if schema is None else f"{schema}.{symbol}"
    names = [str(each.unmodified) for each in types]
    return [name, *names] if len(names) == 1 else [names[0], name, names[1]]


def _signature(operator: UserOperator) -> Function:
    arguments = tuple(as_argument(each) for each in operator.operands)
    return Function(operator.name, arguments, operator.result)


def _call_of(
    operator: UserOperator, operands: Operands, scope: Scope, position: int
) -> BoundExpression:
    state = scope.state
    state.routines_used.add(operator.oid)
    if state.trace is not None:
        return _written(operator, operands, state, position)
    return _call(operator.function, operands, scope, position)


def _written(
    operator: UserOperator, operands: Operands, state: BindState, position: int
) -> BoundExpression:
    """The operator as it is written back: with its schema where the search path does not find it."""
    assert state.trace is not None, "what is to be written back is traced"
    path = state.search_path if state.trace.shown_path is None else state.trace.shown_path
    found = state.catalog.find_operators(operator.name, None, path)
    name = operator.name
    if operator not in found:
        schema = state.catalog.namespace_name(operator.namespace_oid)
        name = f"OPERATOR({quote_identifier(schema)}.{name})"
    types = CallTypes(operator.operands, [each.type for each in operands])
    wanted = tuple(types.of(each) for each in operator.operands)
    typed = tuple(
        coerce_implicit(each, kind, state, position)
        for each, kind in zip(operands, wanted, strict=True)
    )
    result = types.of(operator.result)
    function = Function(name, wanted, result)
    state.trace.note_operator(function, operator)
    return Call(function, typed, result, position=position)


def _call(
    function: SupportFunction, operands: Operands, scope: Scope, position: int
) -> BoundExpression:
    """A call of an operator's or a cast's function."""
    state = scope.state
    routine = state.catalog.object(Oid(function.oid)) if function.oid else None
    if not isinstance(routine, SqlFunction):
        types = tuple(each.type for each in operands)
        found = find_function(function.name, types, position)
        typed = coerce_arguments(operands, found, state, (position,) * len(operands))
        return Call(found.callee, typed, found.result, position=position)
    declared = [each.type for each in routine.inputs]
    meanings = CallTypes(declared, [each.type for each in operands])
    typed = tuple(
        coerce_implicit(each, current_row_type(meanings.of(kind), state.catalog), state, position)
        for each, kind in zip(operands, declared, strict=True)
    )
    result = current_row_type(meanings.of(routine.result), state.catalog)
    state.routines_used.add(routine.oid)
    inlined = inline_call(routine, typed, result, scope)
    if inlined is not None:
        return inlined
    return called(BoundCall(routine, typed, result), state, position)


def cast_with(
    cast: UserCast, node: BoundExpression, target: SqlType, context: CastContext, state: BindState
) -> BoundExpression:
    """The node as the cast makes it, in a context that allows it."""
    state.routines_used.add(cast.oid)
    is_explicit = context is CastContext.EXPLICIT
    if state.trace is not None:
        return CastTo(node, target, is_explicit, -1)
    if cast.method == "function":
        assert cast.function is not None, "such a cast has a function"
        made = _call(cast.function, (node,), Scope(state, None), -1)
        return made if made.type == target else _fitted(made, target, context, state)
    if cast.method == "inout" and TypeKind.TEXT not in (node.type.kind, target.kind):
        node = CastTo(node, TEXT, True, -1)
    return CastTo(node, target, is_explicit, -1)


def _fitted(
    made: BoundExpression, target: SqlType, context: CastContext, state: BindState
) -> BoundExpression:
    """What a cast's function has made, brought to the length that the target has."""
    if made.type.unmodified == target.unmodified:
        return coerce_with(made, target, context, state, -1)
    return CastTo(made, target, context is CastContext.EXPLICIT, -1)
