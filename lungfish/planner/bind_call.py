"""Calls by name: plain functions, set-returning ones, aggregates, window functions.

Only here is decided which of them a name is: with OVER it is a window call; otherwise aggregates are looked for by name
first, as no name is both. An aggregate belongs to the innermost query level whose columns its arguments use (SQL's rule for
`SELECT (SELECT sum(outer.x))`); it is put into that level's list, and the expression keeps a reference to its column.
"""

from __future__ import annotations

from itertools import takewhile

from lungfish import errors
from lungfish.functions import resolve_constructor
from lungfish.functions.registry import Aggregate, Resolved, Volatility
from lungfish.planner.bind_arguments import bind_arguments, bind_filter, given_argument
from lungfish.planner.bind_hypothetical import HYPOTHETICAL, bind_hypothetical
from lungfish.planner.bind_merge_action import MERGE_ACTION, bind_merge_action
from lungfish.planner.bind_type import find_type, is_type_name
from lungfish.planner.bind_window import bind_window_call
from lungfish.planner.callees import (
    find_aggregate,
    find_function,
    has_aggregate,
    has_function,
    has_window_function,
)
from lungfish.planner.coerce import coerce_arguments, coerce_explicit
from lungfish.planner.collated_calls import COLLATION_FOR
from lungfish.planner.expression_tree import is_volatile
from lungfish.planner.expressions import (
    AggregateCall,
    BoundExpression,
    Call,
    ColumnRef,
    SortKey,
)
from lungfish.planner.named_arguments import place_arguments
from lungfish.planner.own_aggregates import has_own_aggregate, resolve_aggregate
from lungfish.planner.registered_literals import check_relation_argument
from lungfish.planner.routine_calls import bind_routine_call
from lungfish.planner.row_fields import access_field
from lungfish.planner.scope import AGGREGATES_ALLOWED, SETS_ALLOWED, Clause, Scope
from lungfish.planner.sort_keys import check_grouped, make_sort_key
from lungfish.planner.uncommitted_labels import refuse_uncommitted_ends
from lungfish.sql.ast import expressions as ast
from lungfish.types.coercion import CastContext, Category, can_coerce, category_of
from lungfish.types.sql_type import SqlType, TypeKind

# PostgreSQL's limit.
_ARGUMENTS_MAX = 100


def bind_call(node: ast.FunctionCall, scope: Scope) -> BoundExpression:
    """A call, whatever kind of function it names."""
    if len(node.arguments) > _ARGUMENTS_MAX:
        raise errors.TooManyArguments(
            f"cannot pass more than {_ARGUMENTS_MAX} arguments to a function"
        ).at(node.position)
    if scope.state.catalog.has_functions:
        if has_own_aggregate(node, scope.state):
            name = node.name[-1]
            if node.window is not None:
                return bind_window_call(node, name, scope)
            return _bind_aggregate(node, name, scope)
        routine = bind_routine_call(node, scope)
        if routine is not None:
            _refuse_aggregate_syntax(node, node.name[-1])
            if isinstance(routine, Call) and routine.function.returns_set:
                return _bind_set(routine, scope)
            return routine
    if node.argument_names:
        node = place_arguments(node)
    made = _range_made(node, scope)
    name = _function_name(node, made)
    if node.window is not None:
        return bind_window_call(node, name, scope)
    if has_aggregate(name):
        return _bind_aggregate(node, name, scope)
    if node.is_within_group and name in HYPOTHETICAL:
        return bind_hypothetical(node, name, scope)
    if has_window_function(name) and not has_function(name):
        raise errors.WrongObjectType(f"window function {name} requires an OVER clause").at(
            node.position
        )
    _refuse_aggregate_syntax(node, name)
    if name == MERGE_ACTION and not node.arguments:
        return bind_merge_action(node, scope)
    return _bind_function(node, name, scope, made)


def _range_made(node: ast.FunctionCall, scope: Scope) -> SqlType | None:
    """The user's range or multirange type whose values a call of that name makes."""
    state = scope.state
    if len(node.name) > 2:
        return None
    schema = node.name[0] if len(node.name) == 2 else None
    found = state.catalog.find_type(node.name[-1], schema, state.search_path)
    is_range = found is not None and found.type.kind in (TypeKind.RANGE, TypeKind.MULTIRANGE)
    return found.type if found is not None and is_range else None


def _function_name(node: ast.FunctionCall, made: SqlType | None) -> str:
    if len(node.name) == 1:
        return node.name[0]
    if len(node.name) == 2 and node.name[0] in ("pg_catalog", "public"):
        return node.name[1]
    shown = ".".join(node.name)
    if len(node.name) == 2 and has_function(shown):
        return shown
    if made is not None:
        return made.name or shown
    raise errors.UndefinedFunction(f"function {shown} does not exist").at(node.position)


def _refuse_aggregate_syntax(node: ast.FunctionCall, name: str) -> None:
    problem = None
    if node.is_star:
        problem = f"{name}(*) specified, but {name} is not an aggregate function"
    elif node.is_distinct:
        problem = f"DISTINCT specified, but {name} is not an aggregate function"
    elif node.is_within_group:
        problem = f"WITHIN GROUP specified, but {name} is not an aggregate function"
    elif node.order_by:
        problem = f"ORDER BY specified, but {name} is not an aggregate function"
    elif node.filter is not None:
        problem = f"FILTER specified, but {name} is not an aggregate function"
    if problem is not None:
        raise errors.WrongObjectType(problem).at(node.position)


def _bind_function(
    node: ast.FunctionCall, name: str, scope: Scope, made: SqlType | None
) -> BoundExpression:
    arguments = bind_arguments(node, scope)
    types = tuple(argument.type for argument in arguments)
    is_known = has_function(name) or (made is not None and made.element in types)
    if len(arguments) == 1 and not node.is_variadic and not is_known:
        whole = _field_or_cast(node, name, arguments[0], scope)
        if whole is not None:
            return whole
    try:
        if made is None or has_function(name):
            found = find_function(name, types, node.position, is_variadic=node.is_variadic)
        else:
            found = resolve_constructor(
                made, types, is_variadic=node.is_variadic, position=node.position
            )
    except errors.UndefinedFunction:
        # What no function takes may be a cast: int4range('[1,2]').
        is_cast = len(arguments) == 1 and arguments[0].type.kind is TypeKind.UNKNOWN
        whole = _field_or_cast(node, name, arguments[0], scope) if is_cast else None
        if whole is None:
            raise
        return whole
    positions = tuple(argument.position for argument in node.arguments)
    typed = coerce_arguments(arguments, found, scope.state, positions)
    function = found.callee
    if function.volatility is not Volatility.IMMUTABLE:
        scope.state.has_volatile = True
        if function.name == COLLATION_FOR:
            scope.state.has_collations = True
        check_relation_argument(function.name, arguments, scope.state, node.position)
    refuse_uncommitted_ends(function.name, typed, scope.state.catalog, node.position)
    is_array = node.is_variadic and function.is_variadic
    call = Call(function, typed, found.result, is_array, node.position)
    if not function.returns_set:
        return call
    return _bind_set(call, scope)


def _field_or_cast(
    node: ast.FunctionCall, name: str, argument: BoundExpression, scope: Scope
) -> BoundExpression | None:
    """`f(x)` where no function is called f: the cast `x::f`, or the field f of a row."""
    is_row = argument.type.kind is TypeKind.RECORD
    if is_row and name in argument.type.labels:
        return access_field(argument, argument.type.labels.index(name))
    # pg_type knows the type of one byte by the name that SQL gives the one of a length.
    type_name = ast.TypeName('"char"' if name == "char" else name, position=node.position)
    if not is_type_name(type_name, scope.state):
        return None
    target, source = find_type(type_name, scope.state), argument.type
    if is_row and category_of(target) is Category.STRING:
        # A row is not made text by the name of a type alone.
        return None
    if not can_coerce(source, target, CastContext.EXPLICIT):
        return None
    return coerce_explicit(argument, target, scope.state, node.position)


def _bind_set(call: Call, scope: Scope) -> BoundExpression:
    """A set-returning call: allowed where its rows can multiply those of the query."""
    if scope.is_in_aggregate:
        raise errors.FeatureNotSupported(
            "aggregate function calls cannot contain set-returning function calls",
            hint="You might be able to move the set-returning function into a LATERAL FROM item.",
        ).at(call.position)
    if scope.clause not in SETS_ALLOWED:
        raise errors.FeatureNotSupported(
            f"set-returning functions are not allowed in {scope.clause.value}"
        ).at(call.position)
    if scope.clause is not Clause.FROM_FUNCTION:
        scope.has_set_calls = True
        scope.last_set_call = call
    return call


# Aggregates.


def _bind_aggregate(node: ast.FunctionCall, name: str, scope: Scope) -> BoundExpression:
    state = scope.state
    # The levels whose columns are used; direct arguments have no say in whose aggregate it is.
    uses: set[Scope] = set()
    direct_uses: set[Scope] = set()
    nested: dict[Scope, int] = {}
    state.level_uses.append(uses)
    state.nested_owners.append(nested)
    was_inside, scope.is_in_aggregate = scope.is_in_aggregate, True
    try:
        call = _aggregate_call(node, name, scope, direct_uses)
    finally:
        scope.is_in_aggregate = was_inside
        state.nested_owners.pop()
        state.level_uses.pop()
    owner = _owner(scope, uses)
    if any(
        each in direct_uses for each in takewhile(lambda each: each is not owner, scope.chain())
    ):
        raise errors.GroupingError(
            "outer-level aggregate cannot contain a lower-level variable in its direct arguments"
        ).at(node.position)
    if owner in nested:
        raise errors.GroupingError("aggregate function calls cannot be nested").at(nested[owner])
    _check_placement(owner, scope, node)
    if state.level_uses:
        state.level_uses[-1].add(owner)
        state.nested_owners[-1].update(nested)
        state.nested_owners[-1].setdefault(owner, node.position)
    return add_aggregate(call, owner, name)


def add_aggregate(call: AggregateCall, owner: Scope, name: str) -> ColumnRef:
    """The column of the aggregate in its query level; equal calls share one."""
    for column, known in owner.aggregates:
        if known == call and not any(is_volatile(argument) for argument in call.arguments):
            return column
    column = owner.state.new_column(name, call.type)
    owner.aggregates.append((column, call))
    return column


def _owner(scope: Scope, uses: set[Scope]) -> Scope:
    """The innermost level, from here outwards, whose columns are used; this one if none is."""
    for candidate in scope.chain():
        if candidate in uses:
            return candidate
    return scope


def _check_placement(owner: Scope, scope: Scope, node: ast.FunctionCall) -> None:
    if owner.is_in_aggregate:
        raise errors.GroupingError("aggregate function calls cannot be nested").at(node.position)
    if owner.is_lateral_view:
        raise errors.GroupingError(
            "aggregate functions are not allowed in FROM clause of their own query level"
        ).at(node.position)
    if owner.clause not in AGGREGATES_ALLOWED:
        raise errors.GroupingError(
            f"aggregate functions are not allowed in {owner.clause.value}"
        ).at(node.position)
    if owner.reads_own_recursion:
        raise errors.InvalidRecursion(
            "aggregate functions are not allowed in a recursive query's recursive term"
        ).at(node.position)


def _aggregate_call(
    node: ast.FunctionCall, name: str, scope: Scope, direct_uses: set[Scope]
) -> AggregateCall:
    if node.is_within_group:
        scope.state.level_uses.append(direct_uses)
    try:
        arguments = bind_arguments(node, scope)
    finally:
        if node.is_within_group:
            scope.state.level_uses.pop()
    raw = arguments
    order_by = tuple(
        make_sort_key(item, scope.bind(item.expression), scope, keeps_unknown=node.is_within_group)
        for item in node.order_by
    )
    if node.is_within_group:
        found, arguments, order_by = _ordered_set(node, name, arguments, order_by, scope)
    else:
        found = resolve_aggregate(node, name, arguments, scope)
        if found.callee.is_ordered_set:
            raise errors.WrongObjectType(
                f"WITHIN GROUP is required for ordered-set aggregate {name}"
            ).at(node.position)
        positions = tuple(argument.position for argument in node.arguments)
        arguments = coerce_arguments(arguments, found, scope.state, positions)
    condition = bind_filter(node, scope)
    is_distinct = node.is_distinct
    if is_distinct:
        # Those of json_agg and its kin are compared as what they were before they were made json.
        given = tuple(map(given_argument, raw))
        for argument in given:
            check_grouped(argument.type, node.position)
        if order_by:
            is_json = given != raw
            order_by = _distinct_order(node, given, given if is_json else arguments, order_by)
    return AggregateCall(found.callee, arguments, found.result, is_distinct, condition, order_by)


def _distinct_order(
    node: ast.FunctionCall,
    raw: tuple[BoundExpression, ...],
    arguments: tuple[BoundExpression, ...],
    order_by: tuple[SortKey, ...],
) -> tuple[SortKey, ...]:
    """The order of an aggregate with DISTINCT, over its arguments as they were cast. Raises InvalidColumnReference for any
    other expression."""
    keys: list[SortKey] = []
    for key in order_by:
        if key.expression not in raw:
            raise errors.InvalidColumnReference(
                "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list"
            ).at(node.order_by[0].expression.position)
        argument = arguments[raw.index(key.expression)]
        keys.append(SortKey(argument, key.is_descending, key.nulls_first))
    return tuple(keys)


def _ordered_set(
    node: ast.FunctionCall,
    name: str,
    direct: tuple[BoundExpression, ...],
    order_by: tuple[SortKey, ...],
    scope: Scope,
) -> tuple[Resolved[Aggregate], tuple[BoundExpression, ...], tuple[SortKey, ...]]:
    """percentile_cont(direct) WITHIN GROUP (ORDER BY sorted): both lists together are the arguments."""
    arguments = (*direct, *(key.expression for key in order_by))
    types = tuple(argument.type for argument in arguments)
    found = find_aggregate(name, types, node.position, is_star=False)
    if not found.callee.is_ordered_set:
        raise errors.WrongObjectType(
            f"{name} is not an ordered-set aggregate, so it cannot have WITHIN GROUP"
        ).at(node.position)
    positions = (node.position,) * len(arguments)
    typed = coerce_arguments(arguments, found, scope.state, positions)
    keys = tuple(
        SortKey(expression, key.is_descending, key.nulls_first)
        for expression, key in zip(typed[len(direct) :], order_by, strict=True)
    )
    return found, typed, keys
