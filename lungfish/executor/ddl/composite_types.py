"""ALTER TYPE of composite types, and what stands in the way of changing a table whose row type is used.

A stored row value has exactly the fields of its type, so a change of the fields writes the tables with such values anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lungfish.catalog.objects import Oid, Table, UserType
from lungfish.catalog.type_uses import users_of_type, uses_type, with_types
from lungfish.errors import (
    DuplicateColumn,
    FeatureNotSupported,
    InvalidTableDefinition,
    UndefinedColumn,
    UndefinedTable,
)
from lungfish.executor.ddl.action_order import steps_of
from lungfish.executor.ddl.alter_column_type import refuse_types_twice
from lungfish.executor.ddl.alter_table import alter_table
from lungfish.executor.ddl.column_rules import check_column_type
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.rename_parts import rename_column
from lungfish.executor.ddl.typed_tables import as_plain_tables
from lungfish.executor.ddl.types import find_user_type, rewrite_values
from lungfish.sql.ast.ddl import (
    AddColumn,
    AlterColumnType,
    AlterTable,
    AlterTableAction,
    DropColumn,
    Rename,
)
from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.ast.type_definitions import AlterCompositeType
from lungfish.types.sql_type import SqlType, TypeKind

Values = tuple[Any, ...]


def alter_composite_type(context: DdlContext, statement: AlterCompositeType) -> str:
    """Run ALTER TYPE ... ADD, DROP or ALTER ATTRIBUTE; answers the command tag."""
    refuse_types_twice(statement.actions)
    for action in (each for step in steps_of(statement.actions) for each in step):
        found = _find_composite(context, statement.name)
        with as_plain_tables(context, found, is_cascade=statement.is_cascade) as tables:
            _alter(context, found, action)
            for name in tables:
                alter_table(context, AlterTable(name, (action,)))
    return "ALTER TYPE"


def _alter(context: DdlContext, found: UserType, action: AlterTableAction) -> None:
    match action:
        case AddColumn():
            _add_attribute(context, found, action)
        case DropColumn():
            _drop_attribute(context, found, action)
        case AlterColumnType():
            _alter_attribute(context, found, action)
        case _:
            raise FeatureNotSupported(
                "ALTER TYPE with this action is not supported", position=action.position
            )


def _find_composite(context: DdlContext, name: ObjectName) -> UserType:
    found = find_user_type(context, name)
    if found.type.kind is not TypeKind.RECORD or found.base is not None:
        raise UndefinedTable(f'relation "{name}" does not exist', position=name.position)
    return found


def _attribute(found: UserType, name: str, position: int) -> int:
    if name not in found.type.labels:
        raise UndefinedColumn(
            f'column "{name}" of relation "{found.name}" does not exist', position=position
        )
    return found.type.labels.index(name)


def _add_attribute(context: DdlContext, found: UserType, action: AddColumn) -> None:
    name = action.column.name
    labels, fields = found.type.labels, found.type.fields
    if name in labels:
        raise DuplicateColumn(
            f'column "{name}" of relation "{found.name}" already exists', position=action.position
        )
    kind = context.runner.resolve_type(action.column.type_name)
    check_column_type(name, kind)
    if uses_type(kind, found.oid):
        raise InvalidTableDefinition(
            f"composite type {found.name} cannot be made a member of itself",
            position=action.position,
        )
    new = replace(found.type, labels=(*labels, name), fields=(*fields, kind))
    _change_fields(context, found, new, lambda row: (*row, None))


def _drop_attribute(context: DdlContext, found: UserType, action: DropColumn) -> None:
    labels, fields = found.type.labels, found.type.fields
    if action.if_exists and action.name not in labels:
        context.runner.notice(
            f'column "{action.name}" of relation "{found.name}" does not exist, skipping'
        )
        return
    at = _attribute(found, action.name, action.position)
    new = replace(
        found.type, labels=labels[:at] + labels[at + 1 :], fields=fields[:at] + fields[at + 1 :]
    )
    _change_fields(context, found, new, lambda row: row[:at] + row[at + 1 :])


def _alter_attribute(context: DdlContext, found: UserType, action: AlterColumnType) -> None:
    at = _attribute(found, action.name, action.position)
    _refuse_stored(context, found.oid, f'type "{found.name}"', "uses it")
    kind = context.runner.resolve_type(action.type_name)
    check_column_type(action.name, kind)
    fields = found.type.fields
    new = replace(found.type, fields=(*fields[:at], kind, *fields[at + 1 :]))
    _change_fields(context, found, new, lambda row: row)


def rename_attribute(context: DdlContext, statement: Rename) -> None:
    """Run ALTER TYPE ... RENAME ATTRIBUTE."""
    found = _find_composite(context, statement.name)
    if statement.old_name not in found.type.labels:
        raise UndefinedColumn(f'column "{statement.old_name}" does not exist')
    at = found.type.labels.index(statement.old_name)
    labels = found.type.labels
    if statement.new_name in labels:
        raise DuplicateColumn(
            f'column "{statement.new_name}" of relation "{found.name}" already exists',
            position=statement.position,
        )
    new = replace(found.type, labels=(*labels[:at], statement.new_name, *labels[at + 1 :]))
    with as_plain_tables(context, found, is_cascade=statement.is_cascade) as tables:
        _change_fields(context, found, new, None)
        for name in tables:
            rename_column(context, replace(statement, kind="column", name=name, is_only=False))


def refuse_attribute_comment(context: DdlContext, name: ObjectName) -> None:
    """Raise FeatureNotSupported if the name is a composite type's, whose attributes have no comments."""
    path = context.search_path
    if context.catalog.find_relation(name.name, name.schema, path) is not None:
        return
    found = context.catalog.find_type(name.name, name.schema, path)
    if found is not None and found.type.kind is TypeKind.RECORD and found.base is None:
        raise FeatureNotSupported(
            "COMMENT ON COLUMN of a composite type is not supported", position=name.position
        )


def _change_fields(
    context: DdlContext, found: UserType, new: SqlType, change: Callable[[Values], Values] | None
) -> None:
    """Give the type other fields wherever it is; `change` makes a new value of an old one, None where they are the same."""
    oid = found.oid

    def changed(sql_type: SqlType) -> SqlType:
        if sql_type.oid != oid:
            return sql_type
        return replace(sql_type, labels=new.labels, fields=new.fields)

    users = users_of_type(context.catalog, oid)
    context.change.put(replace(found, type=new))
    for user in users:
        after = with_types(user, changed)
        if change is None or not isinstance(user, Table) or not isinstance(after, Table):
            context.change.put(after)
            continue
        context.runner.lock_table(user, "access exclusive")
        rewrite_values(context, user, after, oid, change)


def _refuse_stored(context: DdlContext, oid: Oid, what: str, how: str) -> None:
    for table in context.catalog.tables():
        for column in table.columns:
            if uses_type(column.type, oid):
                raise FeatureNotSupported(
                    f'cannot alter {what} because column "{table.name}.{column.name}" {how}'
                )
