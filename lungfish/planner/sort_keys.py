"""Sort keys from ORDER BY items: direction, where nulls go, and whether the type has an order at all."""

from __future__ import annotations

from lungfish import errors
from lungfish.planner.coerce import resolve_unknown
from lungfish.planner.expressions import BoundExpression, SortKey
from lungfish.planner.scope import Scope
from lungfish.sql.ast.queries import OrderItem
from lungfish.types.sql_type import SqlType, TypeKind

UNORDERED = frozenset({TypeKind.JSON, TypeKind.JSONPATH, TypeKind.VOID})


def make_sort_key(
    item: OrderItem, expression: BoundExpression, scope: Scope, *, keeps_unknown: bool = False
) -> SortKey:
    """The sort key of an item whose expression is bound. Nulls come last, when descending first, unless the item says."""
    if not keeps_unknown:
        expression = resolve_unknown(expression, scope.state, item.expression.position)
    check_ordered(expression.type, item.expression.position)
    is_descending = item.is_descending
    if item.using_operator is not None:
        if item.using_operator not in ("<", ">"):
            raise errors.WrongObjectType(
                f"operator {item.using_operator} is not a valid ordering operator",
                hint='Ordering operators must be "<" or ">" members of btree operator families.',
            ).at(item.position)
        is_descending = item.using_operator == ">"
    nulls_first = is_descending if item.nulls_first is None else item.nulls_first
    return SortKey(expression, is_descending, nulls_first)


def is_unordered(type_: SqlType) -> bool:
    """Whether the type, or one that it is made of, has neither order nor equality."""
    inner = type_.fields if type_.element is None else (type_.element,)
    return type_.kind in UNORDERED or any(is_unordered(each) for each in inner)


def check_ordered(type_: SqlType, position: int) -> None:
    """Raise UndefinedFunction if values of the type cannot be ordered."""
    if is_unordered(type_):
        raise errors.UndefinedFunction(
            f"could not identify an ordering operator for type {type_}",
            hint="Use an explicit ordering operator or modify the query.",
        ).at(position)


def check_grouped(type_: SqlType, position: int) -> None:
    """Raise UndefinedFunction if values of the type cannot be told to be equal."""
    if is_unordered(type_):
        raise errors.UndefinedFunction(
            f"could not identify an equality operator for type {type_}"
        ).at(position)


def check_compared(type_: SqlType, position: int) -> None:
    """Raise UndefinedFunction if there is no greater and less among values of the type."""
    if is_unordered(type_):
        raise errors.UndefinedFunction(
            f"could not identify a comparison function for type {type_}"
        ).at(position)
