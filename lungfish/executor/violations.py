"""The errors of broken constraints, worded as PostgreSQL words them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from lungfish import errors
from lungfish.catalog.objects import Column, Constraint, Index, Table
from lungfish.executor.context import Row
from lungfish.sql.rename import without_schema
from lungfish.storage.table_index import UniqueConflict
from lungfish.types.sql_type import SqlType
from lungfish.types.text_format import format_value

# A call without parentheses inside: enough to tell lower(name) from a + b.
_CALL = re.compile(r'[\w."]+\([^()]*\)')
# Longer values are cut in the description of a whole row.
_VALUE_LENGTH_MAX = 64


def not_null_violation(table: Table, column: Column, row: Row) -> errors.Error:
    """NULL in a column that is NOT NULL (23502)."""
    return errors.NotNullViolation(
        f'null value in column "{column.name}" of relation "{table.name}" violates not-null constraint',
        detail=_failing_row(table, row),
        table=table.name,
        column=column.name,
    )


def check_violation(table: Table, constraint: Constraint, row: Row) -> errors.Error:
    """A CHECK that is false for a row (23514)."""
    return errors.CheckViolation(
        f'new row for relation "{table.name}" violates check constraint "{constraint.name}"',
        detail=_failing_row(table, row),
        table=table.name,
        constraint=constraint.name,
    )


def check_option_violation(table: Table, view_name: str, row: Row) -> errors.Error:
    """A row that its view would not show (44000)."""
    return errors.WithCheckOptionViolation(
        f'new row violates check option for view "{view_name}"',
        detail=_failing_row(table, row[: len(table.columns)]),
    )


def not_in_partition(table: Table, row: Row) -> errors.Error:
    """A row that is none of the partition's (23514)."""
    return errors.CheckViolation(
        f'new row for relation "{table.name}" violates partition constraint',
        detail=_failing_row(table, row),
        table=table.name,
    )


def _failing_row(table: Table, row: Row) -> str:
    texts = [
        "virtual" if column.is_virtual else _short(_text(value, column.type))
        for value, column in zip(row, table.columns, strict=True)
    ]
    return f"Failing row contains ({', '.join(texts)})."


def _short(text: str) -> str:
    return text if len(text) <= _VALUE_LENGTH_MAX else f"{text[:_VALUE_LENGTH_MAX]}..."


def _text(value: Any, sql_type: SqlType) -> str:
    return "null" if value is None else format_value(value, sql_type)


def unique_violation(table: Table, conflict: UniqueConflict) -> errors.Error:
    """A second row with a key that may stand there once (23505)."""
    index = next(item for item in table.indexes if item.relation_id == conflict.index.relation_id)
    return errors.UniqueViolation(
        f'duplicate key value violates unique constraint "{index.name}"',
        detail=f"Key {_key(table, index, conflict.key_values)} already exists.",
        table=table.name,
        constraint=index.name,
    )


def duplicated_key(table: Table, conflict: UniqueConflict) -> errors.Error:
    """Rows that are there already share a key, so a unique index cannot be built (23505)."""
    index = next(item for item in table.indexes if item.relation_id == conflict.index.relation_id)
    return errors.UniqueViolation(
        f'could not create unique index "{index.name}"',
        detail=f"Key {_key(table, index, conflict.key_values)} is duplicated.",
        table=table.name,
        constraint=index.name,
    )


def exclusion_violation(
    table: Table, index: Index, key: Sequence[Any], existing: Sequence[Any]
) -> errors.Error:
    """A row that clashes with another by an exclusion constraint (23P01)."""
    return errors.ExclusionViolation(
        f'conflicting key value violates exclusion constraint "{index.name}"',
        detail=f"Key {_key(table, index, key)} conflicts with existing key"
        f" {_key(table, index, existing)}.",
        table=table.name,
        constraint=index.name,
    )


def empty_period(table: Table, index: Index) -> errors.Error:
    """An empty range as the period of a key WITHOUT OVERLAPS (23514)."""
    column = table.columns[table.position_of_number(index.columns[-1].column_number)]
    return errors.CheckViolation(
        f'empty WITHOUT OVERLAPS value found in column "{column.name}" in relation "{table.name}"',
        table=table.name,
        column=column.name,
    )


def clashing_rows(
    table: Table, index: Index, key: Sequence[Any], other: Sequence[Any]
) -> errors.Error:
    """Rows that are there already clash, so an exclusion constraint cannot be made (23P01)."""
    return errors.ExclusionViolation(
        f'could not create exclusion constraint "{index.name}"',
        detail=f"Key {_key(table, index, key)} conflicts with key {_key(table, index, other)}.",
        table=table.name,
        constraint=index.name,
    )


def _key(table: Table, index: Index, values: Sequence[Any]) -> str:
    names: list[str] = []
    texts: list[str] = []
    for part, value in zip(index.columns, values, strict=False):
        if part.expression is None:
            column = table.columns[table.position_of_number(part.column_number)]
            names.append(column.name)
            texts.append(_text(value, column.type))
        else:
            assert part.type is not None, "an index expression has a type"
            names.append(_shown_expression(part.expression))
            texts.append(_text(value, part.type))
    return f"({', '.join(names)})=({', '.join(texts)})"


def _shown_expression(text: str) -> str:
    """An index expression as PostgreSQL shows it: in parentheses, unless it is one call."""
    text = without_schema(text, "public")
    return text if _CALL.fullmatch(text) else f"({text})"


def missing_parent(
    constraint: Constraint, child: Table, parent: Table, key: Sequence[Any]
) -> errors.Error:
    """A row whose foreign key refers to nothing (23503)."""
    names, texts = _columns_and_texts(child, constraint.columns, key)
    return errors.ForeignKeyViolation(
        f'insert or update on table "{child.name}" violates foreign key constraint "{constraint.name}"',
        detail=f'Key ({names})=({texts}) is not present in table "{parent.name}".',
        table=child.name,
        constraint=constraint.name,
    )


def mixed_nulls(constraint: Constraint, child: Table) -> errors.Error:
    """MATCH FULL with some columns null and others not (23503)."""
    return errors.ForeignKeyViolation(
        f'insert or update on table "{child.name}" violates foreign key constraint "{constraint.name}"',
        detail="MATCH FULL does not allow mixing of null and nonnull key values.",
        table=child.name,
        constraint=constraint.name,
    )


def still_referenced(
    constraint: Constraint,
    child: Table,
    parent: Table,
    key: Sequence[Any],
    *,
    is_restrict: bool,
) -> errors.Error:
    """A row that goes, or changes its key, while others refer to it (23503; for RESTRICT 23001)."""
    names, texts = _columns_and_texts(parent, constraint.referenced_columns, key)
    if is_restrict:
        return errors.RestrictViolation(
            f'update or delete on table "{parent.name}" violates RESTRICT setting of foreign key '
            f'constraint "{constraint.name}" on table "{child.name}"',
            detail=f'Key ({names})=({texts}) is referenced from table "{child.name}".',
            table=child.name,
            constraint=constraint.name,
        )
    return errors.ForeignKeyViolation(
        f'update or delete on table "{parent.name}" violates foreign key constraint '
        f'"{constraint.name}" on table "{child.name}"',
        detail=f'Key ({names})=({texts}) is still referenced from table "{child.name}".',
        table=child.name,
        constraint=constraint.name,
    )


def _columns_and_texts(table: Table, numbers: Sequence[int], key: Sequence[Any]) -> tuple[str, str]:
    columns = [table.columns[table.position_of_number(number)] for number in numbers]
    texts = [_text(value, column.type) for value, column in zip(key, columns, strict=True)]
    return ", ".join(column.name for column in columns), ", ".join(texts)
