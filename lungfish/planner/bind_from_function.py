"""Functions in FROM: their calls, the columns that these give, ROWS FROM and WITH ORDINALITY."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lungfish import errors
from lungfish.functions.json_populate import reader_of
from lungfish.functions.registry import Function
from lungfish.planner.bind_type import find_type
from lungfish.planner.expressions import BoundExpression, Call, Constant, RowExpr
from lungfish.planner.logical import LogicalFunctionScan, LogicalPlan, LogicalValues
from lungfish.planner.range_entries import rename_columns
from lungfish.planner.scope import Clause, RangeEntry, Scope
from lungfish.sql.ast import queries as ast
from lungfish.sql.ast.expressions import FunctionCall, TypeName
from lungfish.types.sql_type import BIGINT, SqlType, TypeKind

Columns = list[tuple[str, SqlType]]


def bind_function_reference(
    item: ast.FunctionReference, scope: Scope
) -> tuple[LogicalPlan, list[RangeEntry]]:
    """A function, or several side by side, as a table."""
    scope.clause = Clause.FROM_FUNCTION
    calls: list[Call] = []
    columns: Columns = []
    for node in _side_by_side(item.calls):
        bound = scope.bind(node)
        if not isinstance(bound, Call):
            return _single_value(item, bound, scope)
        call, made = _describe(bound, node, item, scope)
        calls.append(call)
        columns.extend(made)
    if item.with_ordinality:
        columns.append(("ordinality", BIGINT))
    alias = item.alias or item.calls[0].name[-1]
    state = scope.state
    refs = tuple(state.new_column(name, type_) for name, type_ in columns)
    entry = RangeEntry(alias, [name for name, _ in columns], refs=refs)
    entry.is_scalar_function = len(columns) == 1
    rename_columns(entry, item.column_aliases, item.position)
    return LogicalFunctionScan(tuple(calls), alias, item.with_ordinality, refs), [entry]


def _side_by_side(nodes: Sequence[FunctionCall]) -> Iterator[FunctionCall]:
    """The calls, with unnest of several arrays as an unnest for each of them."""
    for node in nodes:
        if node.name[-1] == "unnest" and len(node.arguments) > 1:
            for argument in node.arguments:
                yield replace(node, arguments=(argument,))
        else:
            yield node


def _single_value(
    item: ast.FunctionReference, value: BoundExpression, scope: Scope
) -> tuple[LogicalPlan, list[RangeEntry]]:
    """What looks like a call and is an expression (CURRENT_DATE, a cast): a table of one row."""
    name = item.alias or item.calls[0].name[-1]
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
    call: Call, node: FunctionCall, item: ast.FunctionReference, scope: Scope
) -> tuple[Call, Columns]:
    """The call with the type of its rows, and its columns."""
    function: Function = call.function
    if item.column_definitions:
        return _defined(call, item, scope)
    if function.output_columns:
        return call, list(function.output_columns)
    if call.type.kind is TypeKind.RECORD:
        if not call.type.fields:
            raise errors.SyntaxError(
                'a column definition list is required for functions returning "record"'
            ).at(node.position)
        return call, list(zip(call.type.labels, call.type.fields, strict=True))
    name = node.name[-1]
    if (
        item.alias is not None
        and len(item.calls) == 1
        and len(node.arguments) == len(item.calls[0].arguments)
    ):
        name = item.alias
    return call, [(name, call.type)]


def _defined(call: Call, item: ast.FunctionReference, scope: Scope) -> tuple[Call, Columns]:
    """AS t(a int, b text) behind a function that returns records."""
    if call.type.kind is not TypeKind.RECORD or call.function.output_columns:
        raise errors.SyntaxError(
            'a column definition list is only allowed for functions returning "record"'
        ).at(item.position)
    columns: Columns = []
    for each in item.column_definitions:
        assert isinstance(each.type_name, TypeName)
        columns.append((each.name, find_type(each.type_name, scope.state)))
    type_ = SqlType(
        TypeKind.RECORD,
        labels=tuple(name for name, _ in columns),
        fields=tuple(each for _, each in columns),
    )
    function = reader_of(call.function.name, type_) or call.function
    typed = Call(function, call.arguments, type_, call.is_variadic_array, call.position)
    return typed, columns
