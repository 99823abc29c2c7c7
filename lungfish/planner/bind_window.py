"""Window functions: OVER and WINDOW clauses, partitioning, order, frames.

A window call becomes a column of its query level, like an aggregate; the calls with the same partitioning and order end in
one `LogicalWindow`.
"""

from __future__ import annotations

from lungfish import errors
from lungfish.functions.registry import Aggregate, Function, WindowFunction
from lungfish.planner.bind_arguments import bind_arguments, bind_filter
from lungfish.planner.bind_hypothetical import HYPOTHETICAL
from lungfish.planner.callees import (
    find_operator,
    find_window_function,
    has_aggregate,
    has_window_function,
)
from lungfish.planner.coerce import (
    coerce_arguments,
    coerce_implicit,
    coerce_with,
    resolve_unknown,
)
from lungfish.planner.expression_tree import columns_of
from lungfish.planner.expressions import BoundExpression, BoundFrame, CastTo, SortKey, WindowCall
from lungfish.planner.own_aggregates import has_own_aggregate, resolve_aggregate
from lungfish.planner.scope import WINDOWS_ALLOWED, Clause, Scope, WindowSpecification
from lungfish.planner.sort_keys import check_grouped, make_sort_key
from lungfish.sql.ast import expressions as ast
from lungfish.types.coercion import CastContext, can_coerce
from lungfish.types.sql_type import BIGINT, INTERVAL, SqlType, TypeKind

DEFAULT_FRAME = BoundFrame("range", "unbounded preceding", None, "current row", None, "no others")
OFFSET_KINDS = ("preceding", "following")
NUMBERS = frozenset({TypeKind.SMALLINT, TypeKind.INTEGER, TypeKind.BIGINT})
TIMES = frozenset(
    {TypeKind.DATE, TypeKind.TIMESTAMP, TypeKind.TIMESTAMPTZ, TypeKind.TIME, TypeKind.TIMETZ}
)
# What a distance may be added to.
_RANGE_KEYS = (
    NUMBERS | TIMES | {TypeKind.REAL, TypeKind.DOUBLE, TypeKind.NUMERIC, TypeKind.INTERVAL}
)


def _bind_filter(node: ast.FunctionCall, scope: Scope) -> BoundExpression | None:
    """FILTER of a window function: unlike its arguments it may not look at aggregates."""
    clause, scope.clause = scope.clause, Clause.FILTER
    try:
        return bind_filter(node, scope)
    finally:
        scope.clause = clause


def bind_window_call(node: ast.FunctionCall, name: str, scope: Scope) -> BoundExpression:
    """A call with OVER: the column that it will be."""
    assert node.window is not None
    _check_placement(scope, node.position)
    scope.is_in_window = True
    try:
        callee, arguments, result = _resolve(node, name, scope)
        condition = _bind_filter(node, scope)
        definition = effective_definition(node.window, scope)
        specification, frame = _bind_definition(definition, scope)
    finally:
        scope.is_in_window = False
    call = WindowCall(callee, arguments, result, frame, condition)
    for column, known, known_specification in scope.windows:
        if known == call and known_specification == specification:
            return column
    column = scope.state.new_column(name, result)
    scope.windows.append((column, call, specification))
    return column


def _check_placement(scope: Scope, position: int) -> None:
    if scope.is_in_aggregate:
        raise errors.GroupingError(
            "aggregate function calls cannot contain window function calls"
        ).at(position)
    if scope.clause in (Clause.WINDOW_PARTITION, Clause.WINDOW_ORDER, Clause.WINDOW_FRAME):
        raise errors.WindowingError("window functions are not allowed in window definitions").at(
            position
        )
    if scope.is_in_window:
        raise errors.WindowingError("window function calls cannot be nested").at(position)
    if scope.clause not in WINDOWS_ALLOWED:
        where = scope.clause.value
        raise errors.WindowingError(f"window functions are not allowed in {where}").at(position)


def _resolve(
    node: ast.FunctionCall, name: str, scope: Scope
) -> tuple[WindowFunction | Aggregate, tuple[BoundExpression, ...], SqlType]:
    position = node.position
    if node.is_distinct:
        raise errors.FeatureNotSupported("DISTINCT is not implemented for window functions").at(
            position
        )
    if node.order_by:
        raise errors.FeatureNotSupported(
            "aggregate ORDER BY is not implemented for window functions"
        ).at(position)
    arguments = bind_arguments(node, scope)
    positions = tuple(argument.position for argument in node.arguments)
    is_own = scope.state.catalog.has_functions and has_own_aggregate(node, scope.state)
    if has_window_function(name) and not is_own:
        if node.filter is not None:
            raise errors.FeatureNotSupported(
                "FILTER is not implemented for non-aggregate window functions"
            ).at(position)
        if name in HYPOTHETICAL and (arguments or node.is_within_group):
            raise errors.WrongObjectType(
                f"WITHIN GROUP is required for ordered-set aggregate {name}"
            ).at(position)
        window = find_window_function(name, tuple(each.type for each in arguments), position)
        typed = coerce_arguments(arguments, window, scope.state, positions)
        return window.callee, typed, window.result
    if not is_own and not has_aggregate(name):
        raise errors.WrongObjectType(
            f"OVER specified, but {name} is not a window function nor an aggregate function"
        ).at(position)
    found = resolve_aggregate(node, name, arguments, scope)
    if found.callee.is_ordered_set:
        raise errors.FeatureNotSupported(
            f"OVER is not supported for ordered-set aggregate {name}"
        ).at(position)
    return found.callee, coerce_arguments(arguments, found, scope.state, positions), found.result


def require_known_base(window: ast.WindowDefinition, scope: Scope) -> None:
    """Raise UndefinedObject if a window of the WINDOW clause extends one that does not stand before it."""
    if window.base is not None and window.base not in scope.window_definitions:
        raise errors.UndefinedObject(f'window "{window.base}" does not exist').at(window.position)


def effective_definition(window: ast.WindowDefinition, scope: Scope) -> ast.WindowDefinition:
    """The definition with what it takes over from the one that it names."""
    if window.base is None:
        return window
    base = scope.window_definitions.get(window.base)
    scope.used_windows.add(window.base)
    if base is None:
        raise errors.UndefinedObject(f'window "{window.base}" does not exist').at(window.position)
    base = effective_definition(base, scope)
    if window.name == window.base:
        # OVER w, not OVER (w): the window as it is, with its frame.
        return base
    if window.partition_by:
        raise errors.WindowingError(
            f'cannot override PARTITION BY clause of window "{window.base}"'
        ).at(window.position)
    if window.order_by and base.order_by:
        raise errors.WindowingError(
            f'cannot override ORDER BY clause of window "{window.base}"'
        ).at(window.position)
    if base.frame is not None:
        is_bare = not window.order_by and window.frame is None
        raise errors.WindowingError(
            f'cannot copy window "{window.base}" because it has a frame clause',
            hint="Omit the parentheses in this OVER clause." if is_bare else None,
        ).at(window.position)
    order_by = window.order_by or base.order_by
    return ast.WindowDefinition(
        None, None, base.partition_by, order_by, window.frame, window.position
    )


def check_unused_windows(scope: Scope) -> None:
    """Raise what is wrong with windows of the WINDOW clause that no call names."""
    for name, definition in scope.window_definitions.items():
        if name not in scope.used_windows:
            _bind_definition(effective_definition(definition, scope), scope)


def _bind_definition(
    window: ast.WindowDefinition, scope: Scope
) -> tuple[WindowSpecification, BoundFrame]:
    clause = scope.clause
    try:
        scope.clause = Clause.WINDOW_PARTITION
        partition: list[BoundExpression] = []
        for item in window.partition_by:
            bound = resolve_unknown(scope.bind(item), scope.state, item.position)
            check_grouped(bound.type, item.position)
            partition.append(bound)
        scope.clause = Clause.WINDOW_ORDER
        keys = tuple(
            make_sort_key(item, scope.bind(item.expression), scope) for item in window.order_by
        )
        scope.clause = Clause.WINDOW_FRAME
        frame, keys = _bind_frame(window, keys, scope)
    finally:
        scope.clause = clause
    return WindowSpecification(tuple(partition), keys), frame


def _bind_frame(
    window: ast.WindowDefinition, keys: tuple[SortKey, ...], scope: Scope
) -> tuple[BoundFrame, tuple[SortKey, ...]]:
    frame = window.frame
    if frame is None:
        return DEFAULT_FRAME, keys
    if frame.unit == "groups" and not keys:
        raise errors.WindowingError("GROUPS mode requires an ORDER BY clause").at(window.position)
    has_offset = frame.start.kind in OFFSET_KINDS or frame.end.kind in OFFSET_KINDS
    add = subtract = None
    offset_type = key_type = BIGINT
    if frame.unit == "range" and has_offset:
        if len(keys) != 1:
            raise errors.WindowingError(
                "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column"
            ).at(window.position)
        key_type = keys[0].expression.type
        offset_type, add, subtract, key = _range_offsets(frame, keys[0], scope, window.position)
        keys = (key,)
    start = _bind_offset(frame.start, offset_type, key_type, frame.unit, scope)
    end = _bind_offset(frame.end, offset_type, key_type, frame.unit, scope)
    bound = BoundFrame(
        frame.unit, frame.start.kind, start, frame.end.kind, end, frame.exclude, subtract, add
    )
    return bound, keys


def _range_offsets(
    frame: ast.WindowFrame, key: SortKey, scope: Scope, position: int
) -> tuple[SqlType, Function, Function, SortKey]:
    """The offset's type, + and - for it, and the sort key in the type that these yield."""
    source = key.expression.type
    offset_type = _distance_type(frame, scope)
    if source.kind in TIMES and not can_coerce(offset_type, INTERVAL):
        raise _unsupported_offset(source, offset_type, position)
    if offset_type.kind is TypeKind.UNKNOWN or source.kind in TIMES:
        offset_type = INTERVAL if source.kind in TIMES else source
    if source.kind not in _RANGE_KEYS:
        raise errors.FeatureNotSupported(
            f"RANGE with offset PRECEDING/FOLLOWING is not supported for column type {source}"
        ).at(position)
    if source.kind in NUMBERS and offset_type.kind not in NUMBERS:
        raise _unsupported_offset(source, offset_type, position)
    if source.kind is TypeKind.NUMERIC and not can_coerce(offset_type, source):
        raise _unsupported_offset(source, offset_type, position)
    add = find_operator("+", (source, offset_type), position)
    subtract = find_operator("-", (source, offset_type), position)
    expression = key.expression
    if add.argument_types[0] != source:
        expression = coerce_implicit(expression, add.argument_types[0], scope.state, position)
    if add.result != expression.type:
        # date + interval is a timestamp: the rows are then ordered as timestamps.
        expression = CastTo(expression, add.result, False, position)
        add = find_operator("+", (add.result, offset_type), position)
        subtract = find_operator("-", (add.result, offset_type), position)
    sorted_key = SortKey(expression, key.is_descending, key.nulls_first)
    return add.argument_types[1], add.callee, subtract.callee, sorted_key


def _distance_type(frame: ast.WindowFrame, scope: Scope) -> SqlType:
    """The type of the offsets: of two integers the wider one."""
    types = [
        scope.bind(bound.offset).type
        for bound in (frame.start, frame.end)
        if bound.offset is not None
    ]
    typed = [each for each in types if each.kind is not TypeKind.UNKNOWN] or types
    if all(each.kind in NUMBERS for each in typed) and BIGINT in typed:
        return BIGINT
    return typed[0]


def _unsupported_offset(source: SqlType, offset: SqlType, position: int) -> errors.Error:
    return errors.FeatureNotSupported(
        f"RANGE with offset PRECEDING/FOLLOWING is not supported for column type {source} "
        f"and offset type {offset}",
        hint="Cast the offset value to an appropriate type.",
    ).at(position)


def _bind_offset(
    bound: ast.FrameBound, type_: SqlType, key_type: SqlType, unit: str, scope: Scope
) -> BoundExpression | None:
    if bound.offset is None:
        return None
    position = bound.offset.position
    offset = scope.bind(bound.offset)
    if columns_of(offset):
        raise errors.InvalidColumnReference(
            f"argument of {unit.upper()} must not contain variables"
        ).at(position)
    if unit == "range":
        if not can_coerce(offset.type, type_):
            raise _unsupported_offset(key_type, offset.type, position)
        return coerce_implicit(offset, type_, scope.state, position)
    if not can_coerce(offset.type, BIGINT, CastContext.ASSIGNMENT):
        raise errors.DatatypeMismatch(
            f"argument of {unit.upper()} must be type bigint, not type {offset.type}"
        ).at(position)
    # ROWS 1.5 rounds, as an assignment would.
    return coerce_with(offset, BIGINT, CastContext.ASSIGNMENT, scope.state, position)
