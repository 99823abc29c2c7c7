"""ALTER TABLE ... ALTER COLUMN ... ADD / SET / DROP IDENTITY."""

from __future__ import annotations

from dataclasses import replace

from lungfish.catalog.objects import Column, Table
from lungfish.errors import ObjectNotInPrerequisiteState
from lungfish.executor.ddl.column_rules import check_identity_type
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.create_table import store_sequence
from lungfish.executor.ddl.names import choose_relation_name, find_column
from lungfish.executor.ddl.not_null import refuse_unchecked
from lungfish.executor.ddl.sequences import change_sequence, make_sequence
from lungfish.sql.ast.ddl import AlterColumnIdentity


def alter_identity(context: DdlContext, table: Table, action: AlterColumnIdentity) -> None:
    """Run the action."""
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
        context.change.put(
            _changed(table, column, replace(column, identity=None, sequence_oid=None))
        )
        context.change.remove(column.sequence_oid)
        return
    assert action.identity is not None
    change_sequence(context, column.sequence_oid, action.identity.options)
    kind = "always" if action.identity.is_always else "by default"
    context.change.put(_changed(table, column, replace(column, identity=kind)))


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
    name = choose_relation_name(context, table.namespace_oid, table.name, column.name, "seq")
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
    context.change.put(
        _changed(table, column, replace(column, identity=kind, sequence_oid=sequence.oid))
    )


def _changed(table: Table, old: Column, new: Column) -> Table:
    return replace(table, columns=tuple(new if item is old else item for item in table.columns))
