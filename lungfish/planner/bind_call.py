"""Calls by name: plain functions, set-returning ones, aggregates, window functions.

Only here is decided which of them a name is: with OVER it is a window call; otherwise aggregates are looked for by name
first, as no name is both. An aggregate belongs to the innermost query level whose columns its arguments use (SQL's rule for
`SELECT (SELECT sum(outer.x))`); it is put into that level's list, and the expression keeps a reference to its column.
"""

from __future__ import annotations

import dataclasses
from itertools import takewhile

from lungfish import errors
from lungfish.functions import aggregate_signatures, callable_signatures, resolve_constructor
from lungfish.functions.cast_functions import is_cast_function
from lungfish.functions.ranges import constructors_of
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
from lungfish.planner.equivalence import equivalent
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
from lungfish.planner.routine_calls import bind_routine_call, no_such_function
from lungfish.planner.row_fields import access_field
from lungfish.planner.scope import AGGREGATES_ALLOWED, SETS_ALLOWED, Clause, Scope
from lungfish.planner.sort_keys import check_grouped, make_sort_key
from lungfish.planner.uncommitted_labels import refuse_uncommitted_ends
from lungfish.sql.ast import expressions as ast
from lungfish.sql.lower_types import SPELT_TYPES, TYPE_NAMES
from lungfish.types.coercion import is_plain_cast
from lungfish.types.sql_type import SqlType, TypeKind

# Functions of ours that are none in PostgreSQL: words that stand for a value, and what stands behind brackets.
_NOT_CALLED = frozenset(
    {
        "array_slice",
        "array_subscript",
        "jsonb_subscript",
        "current_catalog",
        "current_date",
        "current_role",
        "current_time",
        "current_timestamp",
        "localtime",
        "localtimestamp",
        "user",
    }
)
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
            refuse_aggregate_syntax(node, node.name[-1])
            if isinstance(routine, Call) and routine.function.returns_set:
                return _bind_set(routine, scope)
            return routine
    if node.argument_names:
        placed = place_arguments(node)
        if placed is None:
            raise no_such_function(node, [each.type for each in bind_arguments(node, scope)])
        node = placed
    made = _range_made(node, scope)
    name = _function_name(node, made, scope)
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
    if node.is_star:
        # Raises UndefinedFunction for what takes arguments.
        _bind_function(dataclasses.replace(node, is_star=False), name, scope, made)
    refuse_aggregate_syntax(node, name)
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


def _function_name(node: ast.FunctionCall, made: SqlType | None, scope: Scope) -> str:
    """The name under which something built in is called. Raises UndefinedFunction for one of another schema."""
    *schemas, name = node.name
    shown = ".".join(node.name)
    if len(schemas) > 1:
        raise (
            errors.FeatureNotSupported(f"cross-database references are not implemented: {shown}")
            if len(schemas) == 2
            else errors.SyntaxError(f"improper qualified name (too many dotted names): {shown}")
        ).at(node.position)
    if schemas in ([], ["pg_catalog"]):
        # A name with a point in it is one of ours in a schema of its own.
        if node.is_sql_syntax or (name not in _NOT_CALLED and "." not in name):
            return name
    elif has_function(shown):
        return shown
    elif made is not None:
        return made.name or shown
    elif not scope.state.catalog.has_namespace(schemas[0]):
        raise errors.InvalidSchemaName(f'schema "{schemas[0]}" does not exist').at(node.position)
    raise no_such_function(node, [each.type for each in bind_arguments(node, scope)])


def refuse_aggregate_syntax(node: ast.FunctionCall, name: str) -> None:
    """Raise WrongObjectType for what only calls of aggregates may have."""
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
    is_single = len(arguments) == 1 and not node.is_variadic
    if is_single:
        converted = _call_as_cast(node, name, made, arguments[0], scope)
        if converted is not None:
            return converted
    try:
        if made is None or has_function(name):
            found = find_function(name, types, node.position, is_variadic=node.is_variadic)
        else:
            found = resolve_constructor(
                made, types, is_variadic=node.is_variadic, position=node.position
            )
    except errors.UndefinedFunction:
        row = types[0] if is_single else None
        if row is not None and row.kind is TypeKind.RECORD and name in row.labels:
            return access_field(arguments[0], row.labels.index(name))
        if len(node.name) > 1:
            raise no_such_function(node, types) from None
        raise
    positions = tuple(argument.position for argument in node.arguments)
    typed = coerce_arguments(arguments, found, scope.state, positions)
    function = found.callee
    if is_cast_function(function):
        return coerce_explicit(typed[0], found.result, scope.state, node.position)
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


def _call_as_cast(
    node: ast.FunctionCall,
    name: str,
    made: SqlType | None,
    argument: BoundExpression,
    scope: Scope,
) -> BoundExpression | None:
    """`f(x)` where f is a type: the cast `x::f`, if it has no function behind it and none takes exactly such an argument."""
    source = argument.type
    target = made or _type_called(name, node, scope)
    if target is None:
        return None
    signatures = callable_signatures(name) if made is None else constructors_of(made)
    if any(each.arguments == (source.base.unmodified,) for each in signatures):
        return None
    if source.kind is not TypeKind.UNKNOWN and not is_plain_cast(source, target):
        return None
    return coerce_explicit(argument, target, scope.state, node.position)


def _type_called(name: str, node: ast.FunctionCall, scope: Scope) -> SqlType | None:
    """The type of a name as pg_type has it, not as SQL's grammar does; not one of rows."""
    known = TYPE_NAMES.get(name)
    if known is None and name in SPELT_TYPES:
        return None
    schema = node.name[0] if len(node.name) > 1 else None
    # pg_type knows the type of one byte by the name that SQL gives the one of a length.
    written = '"char"' if name == "char" else known or name
    type_name = ast.TypeName(written, schema, position=node.position)
    if not is_type_name(type_name, scope.state):
        return None
    target = find_type(type_name, scope.state)
    return None if target.kind is TypeKind.RECORD else target


def _bind_set(call: Call, scope: Scope) -> BoundExpression:
    """A set-returning call: allowed where its rows can multiply those of the query."""
    if scope.is_in_aggregate:
        raise errors.FeatureNotSupported(
            "aggregate function calls cannot contain set-returning function calls",
            hint="You might be able to move the set-returning function into a LATERAL FROM item.",
        ).at(call.position)
    if scope.is_in_window and scope.clause not in (Clause.WINDOW_PARTITION, Clause.WINDOW_ORDER):
        raise errors.FeatureNotSupported(
            "window function calls cannot contain set-returning function calls",
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
        # What an aggregate inside of another one reads counts for that one too.
        state.level_uses[-1] |= uses | direct_uses | {owner}
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
        found = _plain_aggregate(node, name, arguments, scope)
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


def _plain_aggregate(
    node: ast.FunctionCall, name: str, arguments: tuple[BoundExpression, ...], scope: Scope
) -> Resolved[Aggregate]:
    """The aggregate of a call without WITHIN GROUP. Raises WrongObjectType for one that needs it."""
    needs_group = errors.WrongObjectType(
        f"WITHIN GROUP is required for ordered-set aggregate {name}"
    ).at(node.position)
    try:
        found = resolve_aggregate(node, name, arguments, scope)
    except errors.DatatypeMismatch:
        # Which type a polymorphic one has is looked at later.
        built_in = aggregate_signatures(name)
        if built_in and all(each.is_ordered_set for each in built_in):
            raise needs_group from None
        raise
    if found.callee.is_ordered_set:
        raise needs_group
    return found


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
        found = [at for at, each in enumerate(raw) if equivalent(each, key.expression)]
        if not found:
            raise errors.InvalidColumnReference(
                "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list"
            ).at(node.order_by[0].expression.position)
        keys.append(SortKey(arguments[found[0]], key.is_descending, key.nulls_first))
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
