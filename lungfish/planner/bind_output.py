"""The columns of a bound query given other types: for set operations, subquery comparisons and INSERT."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lungfish.planner.bind_state import BindState
from lungfish.planner.coerce import coerce_implicit
from lungfish.planner.expressions import BoundExpression, ColumnRef, Constant, ParameterRef
from lungfish.planner.logical import (
    Item,
    LogicalFilter,
    LogicalLimit,
    LogicalOutput,
    LogicalPlan,
    LogicalProject,
    LogicalProjectSet,
    LogicalSort,
)
from lungfish.types.sql_type import TEXT, SqlType, TypeKind

Coerce = Callable[[BoundExpression, SqlType, BindState, int], BoundExpression]


def cast_outputs(
    output: LogicalOutput,
    types: Sequence[SqlType],
    state: BindState,
    position: int,
    coerce: Coerce = coerce_implicit,
) -> LogicalOutput:
    """The query with its columns cast to `types`, the names kept."""
    items: list[Item] = []
    columns: list[ColumnRef] = []
    for column, type_ in zip(output.columns, types, strict=True):
        expression = untyped_source(output.input, column)
        typed = coerce(expression, type_, state, position)
        if typed is expression and typed is column:
            columns.append(column)
            continue
        made = state.new_column(column.name, typed.type)
        items.append((made, typed))
        columns.append(made)
    if not items:
        return output
    return LogicalOutput(LogicalProject(output.input, tuple(items)), tuple(columns))


def untyped_source(plan: LogicalPlan, column: ColumnRef) -> BoundExpression:
    """The literal or parameter of unknown type that the column stands for, else the column itself.

    PostgreSQL does the same for the select list of INSERT ... SELECT and of a UNION's arms: such a literal takes
    the type that is asked of the column.
    """
    if column.type.kind is not TypeKind.UNKNOWN:
        return column
    while True:
        match plan:
            case LogicalProject():
                for made, expression in plan.items:
                    if made.index == column.index and isinstance(
                        expression, (Constant, ParameterRef)
                    ):
                        return expression
                plan = plan.input
            case (
                LogicalFilter()
                | LogicalSort()
                | LogicalLimit()
                | LogicalProjectSet()
                | LogicalOutput()
            ):
                plan = plan.input
            case _:
                return column


def resolve_outputs(output: LogicalOutput, state: BindState) -> LogicalOutput:
    """The query with columns of unknown type made text."""
    kinds = [column.type.kind for column in output.columns]
    if TypeKind.UNKNOWN not in kinds:
        return output
    types = [
        TEXT if column.type.kind is TypeKind.UNKNOWN else column.type for column in output.columns
    ]
    return cast_outputs(output, types, state, -1)
