"""REINDEX, DROP of what is never there, and the actions of ALTER that change no rows: owner, parameters, logging."""

from __future__ import annotations

from dataclasses import replace

from lungfish.catalog.inheritance import descendants, part_of_index
from lungfish.catalog.objects import Index, Sequence, SystemView, Table, View
from lungfish.errors import (
    ActiveSqlTransaction,
    FeatureNotSupported,
    InvalidSchemaName,
    UndefinedObject,
    UndefinedTable,
    WrongObjectType,
)
from lungfish.executor.ddl.alter_view import alter_view
from lungfish.executor.ddl.attach_index import attach_index
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.names import find_relation
from lungfish.executor.ddl.owners import change_index_owner, change_owner
from lungfish.executor.ddl.relation_options import set_index_option
from lungfish.sql.ast.ddl import (
    AlterTable,
    ChangeOwner,
    SetPersistence,
    SetTriggers,
)
from lungfish.sql.ast.partitions import AttachPartition
from lungfish.sql.ast.relation_options import RelationOption
from lungfish.sql.ast.upkeep import CreateExtension, DropAbsent, Reindex


def reindex(context: DdlContext, statement: Reindex) -> str:
    """Run REINDEX: each index is built anew from its table's rows. Raises UniqueViolation if they no longer allow it."""
    if statement.is_concurrent or statement.kind in ("schema", "database", "system"):
        if context.runner.is_in_block:
            word = "CONCURRENTLY" if statement.is_concurrent else statement.kind.upper()
            raise ActiveSqlTransaction(f"REINDEX {word} cannot run inside a transaction block")
    if statement.kind == "system" and statement.is_concurrent:
        raise FeatureNotSupported("cannot reindex system catalogs concurrently")
    if statement.kind == "index":
        assert statement.name is not None
        table, index = find_index(context, statement)
        if statement.is_concurrent and any(
            each.kind == "exclude" and each.index_oid == index.oid for each in table.constraints
        ):
            raise FeatureNotSupported(
                "concurrent index creation for exclusion constraints is not supported"
            )
        if table.partition_key is not None and context.runner.is_in_block:
            raise ActiveSqlTransaction("REINDEX INDEX cannot run inside a transaction block")
        for each in descendants(table, context.catalog) if table.partition_key else (table,):
            part = part_of_index(each, index, context.catalog)
            _rebuild(context, each, (index if part is None else part,))
    elif statement.kind == "table":
        assert statement.name is not None
        name = statement.name
        if context.catalog.find_index(name.name, name.schema, context.search_path) is not None:
            raise WrongObjectType(
                f'"{name.name}" is not a table or materialized view', position=statement.position
            )
        found = find_relation(context, statement.name)
        if isinstance(found, SystemView) and statement.is_concurrent:
            raise FeatureNotSupported("cannot reindex system catalogs concurrently")
        if not isinstance(found, Table):
            raise WrongObjectType(
                f'"{found.name}" is not a table or materialized view', position=statement.position
            )
        if not found.indexes:
            context.runner.notice(f'table "{found.name}" has no indexes to reindex')
        if found.partition_key is not None and context.runner.is_in_block:
            raise ActiveSqlTransaction("REINDEX TABLE cannot run inside a transaction block")
        for each in descendants(found, context.catalog) if found.partition_key else (found,):
            _rebuild(context, each, each.indexes)
    else:
        for table in _tables_of(context, statement):
            _rebuild(context, table, table.indexes)
    return "REINDEX"


def find_index(context: DdlContext, statement: Reindex) -> tuple[Table, Index]:
    """The index that REINDEX INDEX names. Raises UndefinedTable or WrongObjectType."""
    name = statement.name
    assert name is not None
    found = context.catalog.find_index(name.name, name.schema, context.search_path)
    if found is None:
        if context.catalog.find_relation(name.name, name.schema, context.search_path) is not None:
            raise WrongObjectType(f'"{name.name}" is not an index', position=name.position)
        raise UndefinedTable(f'relation "{name}" does not exist', position=name.position)
    return found


def _tables_of(context: DdlContext, statement: Reindex) -> list[Table]:
    """The tables of a schema, or of the whole database."""
    if statement.kind != "schema":
        return list(context.catalog.tables())
    assert statement.name is not None
    namespace = context.catalog.namespace(statement.name.name)
    if namespace is None:
        raise InvalidSchemaName(f'schema "{statement.name}" does not exist')
    return [item for item in context.catalog.tables() if item.namespace_oid == namespace.oid]


def _rebuild(context: DdlContext, table: Table, indexes: tuple[Index, ...]) -> None:
    context.runner.lock_table(table, "access exclusive")
    for old in indexes:
        table = context.catalog.table(table.oid)
        fresh = replace(old, relation_id=context.change.new_relation_id())
        table = replace(
            table,
            indexes=tuple(fresh if item.oid == old.oid else item for item in table.indexes),
        )
        context.change.put(table)
        context.change.relations.build_index(table, fresh, context.runner.begin_build(fresh))


def create_extension(_context: DdlContext, _statement: CreateExtension) -> str:
    """Run CREATE EXTENSION of one that is built in."""
    return "CREATE EXTENSION"


def drop_absent(context: DdlContext, statement: DropAbsent) -> str:
    """Run DROP of something that does not exist: an error, or a notice under IF EXISTS."""
    behind = ""
    tag = f"DROP {statement.kind.upper().replace('-', ' ')}"
    if statement.relation is not None:
        name = statement.relation
        found = context.catalog.find_relation(name.name, name.schema, context.search_path)
        if found is None:
            if not statement.if_exists:
                raise UndefinedTable(f'relation "{name}" does not exist')
            context.runner.notice(f'relation "{name}" does not exist, skipping')
            return tag
        behind = f' for table "{name.name}"'
    for each in statement.names:
        message = f'{statement.kind} "{each}"{behind} does not exist'
        if not statement.if_exists:
            raise UndefinedObject(message)
        context.runner.notice(f"{message}, skipping")
    return tag


def alter_without_rows(
    context: DdlContext, table: Table, action: SetPersistence | ChangeOwner
) -> None:
    """An action of ALTER TABLE after which all rows are as they were."""
    match action:
        case ChangeOwner():
            change_owner(context, table, action)
        case SetPersistence():
            if table.partition_key is not None:
                word = "LOGGED" if action.persistence == "permanent" else "UNLOGGED"
                raise WrongObjectType(
                    f'ALTER action SET {word} cannot be performed on relation "{table.name}"',
                    position=action.position,
                    detail="This operation is not supported for partitioned tables.",
                )
            if table.persistence == "temporary":
                raise FeatureNotSupported(
                    f'cannot change logged status of table "{table.name}" because it is temporary',
                    position=action.position,
                )
            context.change.put(replace(table, persistence=action.persistence))


def set_triggers(context: DdlContext, table: Table, action: SetTriggers) -> None:
    """ENABLE or DISABLE TRIGGER: tables have none of the user's, and those of foreign keys cannot be taken off."""
    if action.name is not None:
        raise UndefinedObject(
            f'trigger "{action.name}" for table "{table.name}" does not exist',
            position=action.position,
        )
    has_keys = any(item.kind == "foreign key" for item in table.constraints)
    if action.disables_all and (has_keys or context.catalog.referencing_tables(table.oid)):
        raise FeatureNotSupported(
            "DISABLE TRIGGER ALL of a table with foreign keys is not supported",
            position=action.position,
        )


def alter_other(context: DdlContext, statement: AlterTable) -> str:
    """ALTER of an index, a view or a sequence with actions that only say what is so. The object must be there."""
    name = statement.name
    if statement.kind == "index":
        if context.catalog.find_index(name.name, name.schema, context.search_path) is None:
            raise UndefinedTable(f'relation "{name}" does not exist', position=name.position)
    else:
        found = find_relation(context, name)
        if not isinstance(found, View if statement.kind == "view" else Sequence):
            raise WrongObjectType(
                f'"{found.name}" is not a {statement.kind}', position=name.position
            )
        if isinstance(found, View):
            return alter_view(context, found, statement)
    for action in statement.actions:
        if isinstance(action, ChangeOwner):
            _change_owner(context, statement, action)
        elif isinstance(action, AttachPartition):
            attach_index(context, name, action)
        elif statement.kind == "index" and isinstance(action, RelationOption):
            set_index_option(context, statement, action)
    return f"ALTER {statement.kind.upper()}"


def _change_owner(context: DdlContext, statement: AlterTable, action: ChangeOwner) -> None:
    name = statement.name
    index = context.catalog.find_index(name.name, name.schema, context.search_path)
    if statement.kind == "index" and index is not None:
        change_index_owner(context, index[0], index[1].name, action)
    else:
        change_owner(context, find_relation(context, name), action)
