"""Functions in FROM: their calls, the columns that these give, ROWS FROM and WITH ORDINALITY."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lungfish import errors
from lungfish.catalog.objects import SqlFunction
from lungfish.functions.json_populate import reader_of
from lungfish.functions.registry import Function
from lungfish.planner.bind_type import find_type
from lungfish.planner.expression_tree import walk
from lungfish.planner.expressions import BoundExpression, Call, Constant, RowExpr
from lungfish.planner.inline_set import inline_set
from lungfish.planner.logical import LogicalFunctionScan, LogicalPlan, LogicalValues
from lungfish.planner.output_names import output_name
from lungfish.planner.range_entries import rename_columns
from lungfish.planner.routine_calls import (
    RoutineCall,
    find_routine,
    routine_call_of,
    runtime_function,
)
from lungfish.planner.scope import Clause, RangeEntry, Scope
from lungfish.sql.ast import queries as ast
from lungfish.sql.ast.expressions import Expression, FunctionCall, TypeName
from lungfish.types.sql_type import BIGINT, SqlType, TypeKind

Columns = list[tuple[str, SqlType]]


def bind_function_reference(
    item: ast.FunctionReference, scope: Scope
) -> tuple[LogicalPlan, list[RangeEntry]]:
    """A function, or several side by side, as a table."""
    scope.clause = Clause.FROM_FUNCTION
    _check_definitions(item)
    inlined = _inlined(item, scope)
    if inlined is not None:
        return inlined
    calls: list[BoundExpression] = []
    columns: Columns = []
    for node, definitions in _side_by_side(item):
        bound = scope.bind(node)
        if isinstance(bound, Call):
            _check_arguments(bound)
            bound, made = _describe(bound, node, definitions, item, scope)
        elif len(item.calls) == 1:
            return _single_value(item, bound, scope)
        else:
            made = [(_name_of(node), bound.type)]
        calls.append(bound)
        columns.extend(made)
    if item.with_ordinality:
        columns.append(("ordinality", BIGINT))
    alias = item.alias or _name_of(item.calls[0])
    state = scope.state
    refs = tuple(state.new_column(name, type_) for name, type_ in columns)
    entry = RangeEntry(alias, [name for name, _ in columns], refs=refs)
    entry.is_scalar_function = len(columns) == 1 and calls[0].type.kind is not TypeKind.RECORD
    if len(calls) == 1 and not item.with_ordinality:
        entry.row_type = _named_row(calls[0].type)
    rename_columns(entry, item.column_aliases, item.position)
    return LogicalFunctionScan(tuple(calls), alias, item.with_ordinality, refs), [entry]


def _name_of(node: Expression) -> str:
    """What the columns of a function are called by."""
    return node.name[-1] if isinstance(node, FunctionCall) else output_name(node)


def _is_part(node: Expression, whole: Expression) -> bool:
    """Whether the call is one array's of an unnest of several."""
    return (
        isinstance(node, FunctionCall)
        and isinstance(whole, FunctionCall)
        and len(node.arguments) != len(whole.arguments)
    )


def _check_arguments(call: Call) -> None:
    """Raise FeatureNotSupported for sets inside of the call."""
    for argument in call.arguments:
        for node in walk(argument):
            if isinstance(node, Call) and node.function.returns_set:
                raise errors.FeatureNotSupported(
                    "set-returning functions must appear at top level of FROM"
                ).at(node.position)


def _check_definitions(item: ast.FunctionReference) -> None:
    """Raise SyntaxError for a column definition list that cannot stand behind the whole."""
    if not item.column_definitions:
        return
    message = hint = None
    if len(item.calls) > 1:
        message = "ROWS FROM() with multiple functions cannot have a column definition list"
        hint = "Put a separate column definition list for each function inside ROWS FROM()."
    elif item.with_ordinality:
        message = "WITH ORDINALITY cannot be used with a column definition list"
        hint = "Put the column definition list inside ROWS FROM()."
    if message is not None:
        raise errors.SyntaxError(message, hint=hint).at(item.position)


def _inlined(
    item: ast.FunctionReference, scope: Scope
) -> tuple[LogicalPlan, list[RangeEntry]] | None:
    """The query of a routine in place of its call; None where there is nothing to replace."""
    state = scope.state
    if not state.catalog.has_functions or len(item.calls) > 1 or item.with_ordinality:
        return None
    if item.column_definitions or item.call_definitions or state.trace is not None:
        return None
    call = item.calls[0]
    found = find_routine(call, scope) if isinstance(call, FunctionCall) else None
    if found is None or not found.routine.returns_set:
        return None
    output = inline_set(found, state)
    if output is None:
        return None
    state.routines_used.add(found.routine.oid)
    name = item.alias or _name_of(item.calls[0])
    columns = _columns_of(found.routine, found.result, name)
    entry = RangeEntry(name, [label for label, _ in columns], refs=output.columns)
    entry.is_scalar_function = found.result.kind is not TypeKind.RECORD
    entry.row_type = _named_row(found.result)
    rename_columns(entry, item.column_aliases, item.position)
    return output.input, [entry]


def _named_row(kind: SqlType) -> SqlType | None:
    return kind if kind.kind is TypeKind.RECORD and kind.name is not None else None


def _columns_of(routine: SqlFunction, result: SqlType, name: str) -> Columns:
    """The columns of a routine's rows; `name` is that of the only one, where nothing else names it."""
    if result.kind is TypeKind.RECORD:
        return list(zip(result.labels, result.fields, strict=True))
    outputs = routine.outputs
    return [(outputs[0].name if outputs and outputs[0].name else name, result)]


Definitions = Sequence[ast.ColumnDefinitionItem]


def _side_by_side(item: ast.FunctionReference) -> Iterator[tuple[Expression, Definitions]]:
    """The calls with their column definitions; unnest of several arrays as an unnest for each of them."""
    own: Sequence[Definitions] = item.call_definitions or [item.column_definitions] * len(
        item.calls
    )
    for node, definitions in zip(item.calls, own, strict=True):
        if isinstance(node, FunctionCall) and node.name[-1] == "unnest" and len(node.arguments) > 1:
            for argument in node.arguments:
                yield replace(node, arguments=(argument,)), definitions
        else:
            yield node, definitions


def _single_value(
    item: ast.FunctionReference, value: BoundExpression, scope: Scope
) -> tuple[LogicalPlan, list[RangeEntry]]:
    """What looks like a call and is an expression (CURRENT_DATE, a cast): a table of one row."""
    name = item.alias or _name_of(item.calls[0])
    columns: Columns = [(name, value.type)]
    row: tuple[BoundExpression, ...] = (value,)
    if value.type.kind is TypeKind.RECORD:
        if not isinstance(value, RowExpr):
            raise errors.FeatureNotSupported("this row as a table is not supported").at(
                item.calls[0].position
            )
        columns, row = list(zip(value.type.labels, value.type.fields, strict=True)), value.items
    if item.with_ordinality:
        columns = [*columns, ("ordinality", BIGINT)]
        row = (*row, Constant(1, BIGINT))
    refs = tuple(scope.state.new_column(label, kind) for label, kind in columns)
    entry = RangeEntry(name, [column.name for column in refs], refs=refs)
    rename_columns(entry, item.column_aliases, item.position)
    return LogicalValues((row,), refs, name), [entry]


def _describe(
    call: Call,
    node: Expression,
    definitions: Definitions,
    item: ast.FunctionReference,
    scope: Scope,
) -> tuple[Call, Columns]:
    """The call with the type of its rows, and its columns."""
    function: Function = call.function
    if definitions:
        return _defined(call, definitions, item.position, scope)
    if function.output_columns:
        return call, list(function.output_columns)
    if call.type.kind is TypeKind.RECORD:
        if not call.type.fields or (function.name == "unnest" and not call.type.oid):
            raise errors.SyntaxError(
                'a column definition list is required for functions returning "record"'
            ).at(node.position)
        return call, list(zip(call.type.labels, call.type.fields, strict=True))
    name = _name_of(node)
    if item.alias is not None and len(item.calls) == 1 and not _is_part(node, item.calls[0]):
        name = item.alias
    return call, [(name, call.type)]


def _defined(
    call: Call, definitions: Definitions, position: int, scope: Scope
) -> tuple[Call, Columns]:
    """AS t(a int, b text) behind a function that returns records."""
    routine = routine_call_of(call.function)
    _check_needed(call, routine, position)
    columns: Columns = []
    for each in definitions:
        assert isinstance(each.type_name, TypeName)
        columns.append((each.name, find_type(each.type_name, scope.state)))
    type_ = SqlType(
        TypeKind.RECORD,
        labels=tuple(name for name, _ in columns),
        fields=tuple(each for _, each in columns),
    )
    if routine is not None:
        function = runtime_function(replace(routine, result=type_))
    else:
        function = reader_of(call.function.name, type_) or call.function
    typed = Call(function, call.arguments, type_, call.is_variadic_array, call.position)
    return typed, columns


def _check_needed(call: Call, routine: RoutineCall | None, position: int) -> None:
    """Raise SyntaxError where the function says itself what its columns are."""
    message = None
    if call.type.kind is not TypeKind.RECORD or call.function.output_columns:
        message = 'a column definition list is only allowed for functions returning "record"'
    elif call.type.name is not None:
        message = (
            "a column definition list is redundant for a function returning a named composite type"
        )
    elif routine is not None and routine.routine.outputs:
        message = "a column definition list is redundant for a function with OUT parameters"
    if message is not None:
        raise errors.SyntaxError(message).at(position)
