"""ADD CONSTRAINT ... USING INDEX: a unique index that is there becomes the constraint's, and takes its name."""

from __future__ import annotations

from dataclasses import replace

from lungfish.catalog.objects import Constraint, Index, Table
from lungfish.errors import (
    FeatureNotSupported,
    InvalidTableDefinition,
    ObjectNotInPrerequisiteState,
    UndefinedObject,
    WrongObjectType,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.names import refuse_taken_name
from lungfish.executor.ddl.not_null import refuse_kept, refuse_unchecked, set_not_null
from lungfish.sql.ast.ddl import ConstraintDefinition
from lungfish.sql.ast.queries import ObjectName


def add_key_using_index(
    context: DdlContext, table: Table, definition: ConstraintDefinition
) -> Table:
    """The table with the constraint. Raises UndefinedObject, WrongObjectType, ObjectNotInPrerequisiteState."""
    if table.partition_key is not None:
        raise FeatureNotSupported(
            "ALTER TABLE / ADD CONSTRAINT USING INDEX is not supported on partitioned tables"
        )
    found = next((item for item in table.indexes if item.name == definition.using_index), None)
    if found is None:
        raise UndefinedObject(
            f'index "{definition.using_index}" does not exist', position=definition.position
        )
    if any(item.index_oid == found.oid for item in table.constraints):
        raise ObjectNotInPrerequisiteState(
            f'index "{found.name}" is already associated with a constraint',
            position=definition.position,
        )
    _require_plain(found, definition)
    numbers = tuple(column.column_number for column in found.columns)
    is_primary = definition.kind == "primary key"
    if is_primary and found.nulls_not_distinct:
        raise InvalidTableDefinition("primary keys cannot use NULLS NOT DISTINCT indexes")
    if is_primary:
        table = _without_nulls(table, numbers, definition)
    name = definition.name or found.name
    if name != found.name:
        context.runner.notice(
            f'ALTER TABLE / ADD CONSTRAINT USING INDEX will rename index "{found.name}" to "{name}"'
        )
        refuse_taken_name(
            context, table.namespace_oid, ObjectName(name, position=definition.position)
        )
    changed = replace(
        found, name=name, is_primary=is_primary, is_deferrable=definition.is_deferrable
    )
    if changed.is_deferrable:
        # Its tree must learn to take a key twice for a while, so it is built anew.
        changed = replace(changed, relation_id=context.change.new_relation_id())
    constraint = Constraint(
        context.change.new_oid(),
        name,
        definition.kind,
        numbers,
        index_oid=found.oid,
        is_deferrable=definition.is_deferrable,
        is_initially_deferred=definition.is_initially_deferred,
    )
    indexes = tuple(changed if item is found else item for item in table.indexes)
    return replace(table, indexes=indexes, constraints=(*table.constraints, constraint))


def _without_nulls(
    table: Table, numbers: tuple[int, ...], definition: ConstraintDefinition
) -> Table:
    """The table with the columns of its new primary key NOT NULL."""
    if any(item.kind == "primary key" for item in table.constraints):
        raise InvalidTableDefinition(
            f'multiple primary keys for table "{table.name}" are not allowed',
            position=definition.position,
        )
    for number in numbers:
        column = table.columns[table.position_of_number(number)]
        refuse_unchecked(table, column)
        refuse_kept(table, column)
        table = set_not_null(table, column.name, is_not_null=True)
    return table


def _require_plain(index: Index, definition: ConstraintDefinition) -> None:
    """Raise WrongObjectType unless the index is a unique one over whole columns in their usual order."""
    problem = None
    turned = [
        at
        for at, column in enumerate(index.columns, 1)
        if column.is_descending or column.nulls_first or column.collation is not None
    ]
    if not index.is_unique:
        problem = f'"{index.name}" is not a unique index'
    elif any(not column.column_number for column in index.columns):
        problem = f'index "{index.name}" contains expressions'
    elif index.predicate is not None:
        problem = f'"{index.name}" is a partial index'
    elif turned:
        problem = (
            f'index "{index.name}" column number {turned[0]} does not have default sorting behavior'
        )
    if problem is not None:
        raise WrongObjectType(
            problem,
            position=definition.position,
            detail="Cannot create a primary key or unique constraint using such an index.",
        )
