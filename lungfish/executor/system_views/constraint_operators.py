"""The operators of constraints, as pg_constraint names them: what a foreign key compares with, what an exclusion forbids."""

from __future__ import annotations

from functools import cache

from lungfish.catalog import Catalog
from lungfish.catalog.objects import Constraint, Oid, Table
from lungfish.executor.system_views.pg_operator_classes import key_type_oid
from lungfish.executor.system_views.routines import operators
from lungfish.types.sql_type import SqlType

Operators = tuple[int, ...]


@cache
def _by_signature() -> dict[tuple[str, int, int], int]:
    return {(each.symbol, each.left, each.right): int(each.oid) for each in operators()}


def _operator(symbol: str, left: SqlType, right: SqlType) -> int:
    """The operator of two types; 0: there is none."""
    return _by_signature().get((symbol, key_type_oid(left), key_type_oid(right)), 0)


def _compared(there: SqlType, here: SqlType) -> tuple[int, int, int]:
    """How a key's column and a column that refers to it are compared, with each other and each with its like."""
    mixed, same = _operator("=", there, here), _operator("=", there, there)
    # Without an operator of both, what refers is turned into the key's type.
    return (mixed, same, _operator("=", here, here)) if mixed else (same, same, same)


def reference_operators(
    catalog: Catalog, table: Table, item: Constraint
) -> tuple[Operators, Operators, Operators]:
    """conpfeqop, conppeqop and conffeqop of a foreign key: how its key, the key's columns and its own ones are compared."""
    assert item.referenced_table_oid is not None, "a foreign key refers to a table"
    referenced = catalog.table(Oid(item.referenced_table_oid))
    found = [
        _compared(_column_type(referenced, there), _column_type(table, here))
        for here, there in zip(item.columns, item.referenced_columns, strict=True)
    ]
    first, second, third = zip(*found, strict=True)
    return first, second, third


def exclusion_operators(table: Table, item: Constraint) -> Operators:
    """conexclop of an exclusion, or of a key WITHOUT OVERLAPS."""
    index = next(each for each in table.indexes if each.oid == item.index_oid)
    kinds = [
        _column_type(table, key.column_number) if key.column_number else key.type
        for key in index.columns
    ]
    pairs = zip(item.operators, kinds, strict=True)
    return tuple([0 if kind is None else _operator(symbol, kind, kind) for symbol, kind in pairs])


def _column_type(table: Table, number: int) -> SqlType:
    return table.columns[table.position_of_number(number)].type
