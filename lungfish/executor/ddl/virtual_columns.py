"""What a virtual generated column may not be, nor have: PostgreSQL computes it wherever its table is read, and so forbids all that would
need its value stored, or somebody's code run by whoever reads the table."""

from __future__ import annotations

from collections.abc import Collection

from lungfish.catalog.objects import FIRST_USER_OID, Column, Table
from lungfish.errors import Error, FeatureNotSupported
from lungfish.planner import ExpressionFacts
from lungfish.types.sql_type import SqlType

_USER_TYPES = "Virtual generated columns that make use of user-defined types are not yet supported."
_USER_FUNCTIONS = (
    "Virtual generated columns that make use of user-defined functions are not yet supported."
)


def is_user_defined(kind: SqlType) -> bool:
    """Whether somebody made the type, or that of its elements."""
    while kind.domain is None and kind.element is not None:
        kind = kind.element
    return kind.domain is not None or kind.oid >= FIRST_USER_OID


def check_virtual_type(column: Column) -> None:
    """Raise FeatureNotSupported for a type that a virtual column may not have."""
    if not column.is_virtual:
        return
    kind = column.type
    if kind.domain is not None:
        raise FeatureNotSupported(
            f'virtual generated column "{column.name}" cannot have a domain type'
        )
    if is_user_defined(kind):
        raise FeatureNotSupported(
            f'virtual generated column "{column.name}" cannot have a user-defined type',
            detail=_USER_TYPES,
        )


def check_virtual_expression(facts: ExpressionFacts) -> None:
    """Raise FeatureNotSupported if the expression needs what somebody made."""
    if facts.calls_routines:
        raise FeatureNotSupported(
            "generation expression uses user-defined function", detail=_USER_FUNCTIONS
        )
    if any(map(is_user_defined, facts.types)):
        raise FeatureNotSupported(
            "generation expression uses user-defined type", detail=_USER_TYPES
        )


def refuse_virtual(table: Table, columns: Collection[int], what: str) -> None:
    """Raise FeatureNotSupported if one of the columns, by their numbers, is virtual: `what` cannot be made of it."""
    for column in table.columns:
        if column.is_virtual and column.number in columns:
            raise FeatureNotSupported(f"{what} on virtual generated columns are not supported")


def refuse_virtual_in(facts: ExpressionFacts, message: str) -> None:
    """Raise FeatureNotSupported with the message if the expression reads a virtual column."""
    if any(column.is_virtual for column in facts.columns):
        raise FeatureNotSupported(message)


def require_same_generation(own: Column, inherited: Column, error: type[Error]) -> None:
    """Raise the error if one of two generated columns is virtual and the other is stored."""
    if own.is_virtual == inherited.is_virtual:
        return
    kinds = {False: "STORED", True: "VIRTUAL"}
    raise error(
        f'column "{own.name}" inherits from generated column of different kind',
        detail=f"Parent column is {kinds[inherited.is_virtual]}, child column is {kinds[own.is_virtual]}.",
    )


def refuse_dropped_expression(table: Table, column: Column) -> None:
    """Raise FeatureNotSupported: a virtual column has no values that could stay when its expression goes."""
    if column.is_virtual:
        raise FeatureNotSupported(
            "ALTER TABLE / DROP EXPRESSION is not supported for virtual generated columns",
            detail=_of_relation(table, column),
        )


def refuse_changed_expression(table: Table, column: Column) -> None:
    """Raise FeatureNotSupported where checks of rows that are there would have to be made again."""
    if column.is_virtual and any(item.kind == "check" for item in table.constraints):
        raise FeatureNotSupported(
            "ALTER TABLE / SET EXPRESSION is not supported for virtual generated columns in tables with check constraints",
            detail=_of_relation(table, column),
        )


def _of_relation(table: Table, column: Column) -> str:
    return f'Column "{column.name}" of relation "{table.name}" is a virtual generated column.'
