"""ALTER TABLE ... ALTER COLUMN ... ADD / SET / DROP IDENTITY. The identity of a partitioned table is that of its partitions."""

from __future__ import annotations

from dataclasses import replace

from lungfish.catalog.inheritance import descendants
from lungfish.catalog.objects import Column, Table
from lungfish.errors import InvalidTableDefinition, ObjectNotInPrerequisiteState
from lungfish.executor.ddl.column_rules import check_identity_type
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.names import find_column
from lungfish.executor.ddl.not_null import refuse_unchecked
from lungfish.executor.ddl.sequences import (
    change_sequence,
    make_sequence,
    sequence_name_of,
    store_sequence,
)
from lungfish.sql.ast.ddl import AlterColumnIdentity

_DONE = {"add": "add identity to a", "drop": "drop identity from a", "set": "change identity"}


def alter_identity(
    context: DdlContext, table: Table, action: AlterColumnIdentity, *, is_only: bool = False
) -> None:
    """Run the action. Raises InvalidTableDefinition for a partition, and for a partitioned table without its partitions."""
    what = f"cannot {_DONE[action.action]} column of"
    if table.partition_bound is not None:
        raise InvalidTableDefinition(f"{what} a partition", position=action.position)
    if table.partition_key is not None and is_only:
        raise InvalidTableDefinition(
            f"{what} only the partitioned table",
            position=action.position,
            hint="Do not specify the ONLY keyword.",
        )
    column = find_column(table, action.name, action.position)
    if action.action == "add":
        _add(context, table, column, action)
        return
    if column.identity is None:
        message = f'column "{column.name}" of relation "{table.name}" is not an identity column'
        if action.if_exists:
            context.runner.notice(f"{message}, skipping")
            return
        raise ObjectNotInPrerequisiteState(message, position=action.position)
    assert column.sequence_oid is not None
    if action.action == "drop":
        _put(context, table, replace(column, identity=None, sequence_oid=None))
        context.change.remove(column.sequence_oid)
        return
    assert action.identity is not None
    change_sequence(context, column.sequence_oid, action.identity.options)
    if action.sets_generation:
        kind = "always" if action.identity.is_always else "by default"
        _put(context, table, replace(column, identity=kind))


def _add(context: DdlContext, table: Table, column: Column, action: AlterColumnIdentity) -> None:
    assert action.identity is not None
    if column.identity is not None:
        raise ObjectNotInPrerequisiteState(
            f'column "{column.name}" of relation "{table.name}" is already an identity column',
            position=action.position,
        )
    check_identity_type(column.type, action.position)
    if not column.is_not_null:
        raise ObjectNotInPrerequisiteState(
            f'column "{column.name}" of relation "{table.name}" must be declared NOT NULL before identity can be added',
            position=action.position,
        )
    refuse_unchecked(table, column)
    if column.default is not None:
        raise ObjectNotInPrerequisiteState(
            f'column "{column.name}" of relation "{table.name}" already has a default value',
            position=action.position,
        )
    name = sequence_name_of(context, table, column.name, action.identity.options)
    sequence = make_sequence(
        context.change.new_oid(),
        name,
        table.namespace_oid,
        action.identity.options,
        default_type=column.type,
    )
    store_sequence(
        context, replace(sequence, owner_table_oid=table.oid, owner_column=column.number)
    )
    kind = "always" if action.identity.is_always else "by default"
    _put(context, table, replace(column, identity=kind, sequence_oid=sequence.oid))


def _put(context: DdlContext, table: Table, changed: Column) -> None:
    """Give the column, and those of partitions, the identity of the changed one."""
    parts = descendants(table, context.catalog) if table.partition_key is not None else ()
    for item in (table, *parts):
        columns = tuple(
            replace(each, identity=changed.identity, sequence_oid=changed.sequence_oid)
            if each.name == changed.name
            else each
            for each in item.columns
        )
        context.change.put(replace(item, columns=columns))
