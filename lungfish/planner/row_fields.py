"""The fields of row values."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from lungfish import errors
from lungfish.functions.registry import Function, Polymorphic
from lungfish.planner.expressions import BoundExpression, Call, RowExpr
from lungfish.types.sql_type import TypeKind


def field_of(operand: BoundExpression, field: str, position: int) -> BoundExpression:
    """The field of that name of a row. Raises WrongObjectType, UndefinedColumn."""
    if field == "*" and field not in operand.type.labels:
        raise errors.FeatureNotSupported('row expansion via "*" is not supported here').at(position)
    if operand.type.kind is not TypeKind.RECORD:
        raise errors.WrongObjectType(
            f"column notation .{field} applied to type {operand.type}, which is not a composite type"
        ).at(position)
    labels = operand.type.labels
    if field not in labels:
        if operand.type.name is None:
            raise errors.UndefinedColumn(
                f'could not identify column "{field}" in record data type'
            ).at(position)
        raise errors.UndefinedColumn(f'column "{field}" not found in data type {operand.type}').at(
            position
        )
    return access_field(operand, labels.index(field))


def access_field(row: BoundExpression, index: int) -> BoundExpression:
    """Field `index` of a row value."""
    if isinstance(row, RowExpr):
        return row.items[index]
    return Call(field_function(index), (row,), row.type.fields[index])


@lru_cache(maxsize=256)
def field_function(index: int) -> Function:
    """The function that takes field `index` out of a row."""

    def take(row: tuple[Any, ...]) -> Any:
        return row[index]

    return Function(
        "row_field",
        (Polymorphic.RECORD,),
        lambda types: types[0].fields[index],
        scalar=take,
    )
