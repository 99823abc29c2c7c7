"""Typed tables: CREATE TABLE OF, ALTER TABLE ... OF and NOT OF, and what ALTER TYPE does to them.

A typed table has the columns of a composite type, whose attributes only ALTER TYPE ... CASCADE changes, in both at once. The type and the
table's rows are two things all the same: the rows have the table's own row type.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import Column, Oid, Table, UserType
from lungfish.catalog.type_uses import domain_collation
from lungfish.errors import (
    DatatypeMismatch,
    DependentObjectsStillExist,
    UndefinedObject,
    WrongObjectType,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.sql.ast.ddl import (
    AddColumn,
    AlterColumnType,
    AlterTableAction,
    DropColumn,
)
from lungfish.sql.ast.partitions import AlterInherit, SetTableType
from lungfish.sql.ast.queries import ObjectName
from lungfish.types.sql_type import TypeKind
from lungfish.types.type_oids import BUILT_IN


def typed_tables(catalog: Catalog, oid: Oid) -> list[Table]:
    """The tables of a composite type."""
    return sorted(
        (table for table in catalog.tables() if table.of_type_oid == oid),
        key=lambda table: table.oid,
    )


def with_columns_of(context: DdlContext, table: Table, name: ObjectName) -> Table:
    """A new table with the columns of a composite type. Raises UndefinedObject, WrongObjectType."""
    found = _find_row_type(context, name)
    columns = _columns_of(context.catalog, found)
    return replace(
        table,
        columns=columns,
        stored_types=found.type.fields,
        stored_positions=tuple(range(len(columns))),
        next_column_number=len(columns) + 1,
        of_type_oid=found.oid,
    )


def _columns_of(catalog: Catalog, found: UserType) -> tuple[Column, ...]:
    return tuple(
        Column(name, kind, number, collation=domain_collation(kind, catalog))
        for number, (name, kind) in enumerate(
            zip(found.type.labels, found.type.fields, strict=True), 1
        )
    )


def _find_row_type(context: DdlContext, name: ObjectName) -> UserType:
    """The composite type that a table is to be of."""
    found = context.catalog.find_type(name.name, name.schema, context.search_path)
    if found is None:
        if context.catalog.find_relation(name.name, name.schema, context.search_path) is not None:
            raise WrongObjectType(
                f"type {name.name} is the row type of another table",
                detail="A typed table must use a stand-alone composite type created with CREATE TYPE.",
            )
        if any(name.name == facts[2] for facts in BUILT_IN.values()):
            raise WrongObjectType(f"type {name.name} is not a composite type")
        raise UndefinedObject(f'type "{name}" does not exist', position=name.position)
    if found.type.kind is not TypeKind.RECORD or found.base is not None:
        raise WrongObjectType(f"type {found.name} is not a composite type")
    return found


def set_table_type(context: DdlContext, table: Table, action: SetTableType) -> None:
    """Run ALTER TABLE ... OF, or NOT OF."""
    if action.type_name is None:
        if table.of_type_oid is None:
            raise WrongObjectType(f'"{table.name}" is not a typed table')
        context.change.put(replace(table, of_type_oid=None))
        return
    found = _find_row_type(context, action.type_name)
    if table.parents:
        raise WrongObjectType("typed tables cannot inherit")
    _require_same_columns(table, found)
    context.change.put(replace(table, of_type_oid=found.oid))


def _require_same_columns(table: Table, found: UserType) -> None:
    names = [column.name for column in table.columns]
    for at, (label, kind) in enumerate(zip(found.type.labels, found.type.fields, strict=True)):
        if at >= len(names):
            raise DatatypeMismatch(f'table is missing column "{label}"')
        if names[at] != label:
            raise DatatypeMismatch(f'table has column "{names[at]}" where type requires "{label}"')
        if table.columns[at].type != kind:
            raise DatatypeMismatch(f'table "{table.name}" has different type for column "{label}"')
    if len(names) > len(found.type.labels):
        raise DatatypeMismatch(f'table has extra column "{names[len(found.type.labels)]}"')


def refuse_change_of_typed(table: Table, action: AlterTableAction) -> None:
    """Raise WrongObjectType if ALTER TABLE would give a typed table other columns than its type has."""
    if table.of_type_oid is None:
        return
    match action:
        case AddColumn():
            raise WrongObjectType("cannot add column to typed table")
        case DropColumn():
            raise WrongObjectType("cannot drop column from typed table")
        case AlterColumnType():
            raise WrongObjectType(
                "cannot alter column type of typed table", position=action.position
            )
        case AlterInherit(is_dropped=False):
            raise WrongObjectType("cannot change inheritance of typed table")


@contextmanager
def as_plain_tables(
    context: DdlContext, found: UserType, *, is_cascade: bool
) -> Iterator[list[ObjectName]]:
    """The names of the tables of a type that is about to change: while it does, ALTER TABLE may change them too.

    Raises DependentObjectsStillExist if there are any and CASCADE was not said.
    """
    tables = typed_tables(context.catalog, found.oid)
    if tables and not is_cascade:
        raise DependentObjectsStillExist(
            f'cannot alter type "{found.name}" because it is the type of a typed table',
            hint="Use ALTER ... CASCADE to alter the typed tables too.",
        )
    for table in tables:
        context.change.put(replace(table, of_type_oid=None))
    yield [
        ObjectName(table.name, context.catalog.namespace_name(table.namespace_oid))
        for table in tables
    ]
    for table in tables:
        context.change.put(replace(context.catalog.table(table.oid), of_type_oid=found.oid))
