"""CREATE SCHEMA, RENAME, SET SCHEMA and COMMENT: changes of what objects are called and said to be."""

from __future__ import annotations

from dataclasses import replace

from lungfish.catalog.objects import Column, Index, Namespace, Sequence, Table, View
from lungfish.errors import (
    DuplicateColumn,
    DuplicateObject,
    DuplicateSchema,
    FeatureNotSupported,
    ReservedName,
    UndefinedTable,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.domains import rename_domain_constraint
from lungfish.executor.ddl.names import (
    find_column,
    find_constraint,
    find_sequence,
    find_table,
    find_view,
    refuse_taken_name,
)
from lungfish.executor.ddl.types import find_user_type, rename_type
from lungfish.sql.ast.ddl import Comment, CreateSchema, Rename, SetSchema
from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.rename import mentions_name, rename_in_text


def create_schema(context: DdlContext, statement: CreateSchema) -> str:
    """Run CREATE SCHEMA; answers the command tag."""
    if statement.elements:
        raise FeatureNotSupported(
            "CREATE SCHEMA with elements is not supported", position=statement.position
        )
    if statement.name.startswith("pg_"):
        raise ReservedName(
            f'unacceptable schema name "{statement.name}"',
            position=statement.position,
            detail='The prefix "pg_" is reserved for system schemas.',
        )
    if context.catalog.namespace(statement.name) is not None:
        if statement.if_not_exists:
            context.runner.notice(f'schema "{statement.name}" already exists, skipping')
            return "CREATE SCHEMA"
        raise DuplicateSchema(
            f'schema "{statement.name}" already exists', position=statement.position
        )
    context.change.put(Namespace(context.change.new_oid(), statement.name))
    return "CREATE SCHEMA"


def rename(context: DdlContext, statement: Rename) -> str:
    """Run ALTER ... RENAME; answers the command tag."""
    tag = f"ALTER {statement.kind.upper()}"
    match statement.kind:
        case "column":
            _rename_column(context, statement)
            return "ALTER TABLE"
        case "constraint":
            _rename_constraint(context, statement)
            return "ALTER TABLE"
        case "schema":
            _rename_schema(context, statement)
        case "index":
            _rename_index(context, statement)
        case "table" | "view" | "sequence":
            _rename_relation(context, statement)
        case "type" | "domain":
            rename_type(context, statement)
        case "domain constraint":
            rename_domain_constraint(context, statement)
            return "ALTER DOMAIN"
        case kind:
            raise FeatureNotSupported(
                f"ALTER {kind.upper()} ... RENAME is not supported", position=statement.position
            )
    return tag


def _rename_relation(context: DdlContext, statement: Rename) -> None:
    name = statement.name
    if (
        statement.if_exists
        and context.catalog.find_relation(name.name, name.schema, context.search_path) is None
    ):
        context.runner.notice(f'relation "{name}" does not exist, skipping')
        return
    found: Table | View | Sequence
    match statement.kind:
        case "view":
            found = find_view(context, name)
        case "sequence":
            found = find_sequence(context, name)
        case _:
            found = find_table(context, name)
    refuse_taken_name(
        context, found.namespace_oid, ObjectName(statement.new_name, position=statement.position)
    )
    if isinstance(found, Table):
        context.runner.lock_table(found, "access exclusive")
    dependents = context.catalog.dependent_views(found.oid)
    if dependents:
        raise FeatureNotSupported(
            f"renaming {found.name}, which view {dependents[0].name} uses, is not supported",
            position=statement.position,
            hint="Drop the view, rename, and create it again.",
        )
    context.change.put(replace(found, name=statement.new_name))


def _rename_column(context: DdlContext, statement: Rename) -> None:
    table = find_table(context, statement.name)
    assert statement.old_name is not None
    old = statement.old_name
    column = find_column(table, old, statement.position)
    if table.column_position(statement.new_name) is not None:
        raise DuplicateColumn(
            f'column "{statement.new_name}" of relation "{table.name}" already exists',
            position=statement.position,
        )
    context.runner.lock_table(table, "access exclusive")
    for view in context.catalog.dependent_views(table.oid):
        if mentions_name(view.query, old):
            raise FeatureNotSupported(
                f"renaming a column that view {view.name} uses is not supported",
                position=statement.position,
            )

    def renamed(text: str | None) -> str | None:
        return None if text is None else rename_in_text(text, old, statement.new_name)

    columns = tuple(
        replace(
            item,
            name=statement.new_name if item is column else item.name,
            generated=renamed(item.generated),
        )
        for item in table.columns
    )
    indexes = tuple(
        replace(
            index,
            predicate=renamed(index.predicate),
            columns=tuple(
                replace(key, expression=renamed(key.expression)) for key in index.columns
            ),
        )
        for index in table.indexes
    )
    constraints = tuple(replace(item, check=renamed(item.check)) for item in table.constraints)
    context.change.put(replace(table, columns=columns, indexes=indexes, constraints=constraints))


def _rename_constraint(context: DdlContext, statement: Rename) -> None:
    table = find_table(context, statement.name)
    assert statement.old_name is not None
    constraint = find_constraint(table, statement.old_name, statement.position)
    if any(item.name == statement.new_name for item in table.constraints):
        raise DuplicateObject(
            f'constraint "{statement.new_name}" for relation "{table.name}" already exists',
            position=statement.position,
        )
    if constraint.index_oid is not None:
        refuse_taken_name(
            context,
            table.namespace_oid,
            ObjectName(statement.new_name, position=statement.position),
        )
    constraints = tuple(
        replace(item, name=statement.new_name) if item is constraint else item
        for item in table.constraints
    )
    indexes = tuple(
        replace(index, name=statement.new_name) if index.oid == constraint.index_oid else index
        for index in table.indexes
    )
    context.change.put(replace(table, constraints=constraints, indexes=indexes))


def _find_index(context: DdlContext, name: ObjectName) -> tuple[Table, Index]:
    found = context.catalog.find_index(name.name, name.schema, context.search_path)
    if found is None:
        raise UndefinedTable(f'relation "{name}" does not exist', position=name.position)
    return found


def _rename_index(context: DdlContext, statement: Rename) -> None:
    table, index = _find_index(context, statement.name)
    refuse_taken_name(
        context, table.namespace_oid, ObjectName(statement.new_name, position=statement.position)
    )
    indexes = tuple(
        replace(item, name=statement.new_name) if item is index else item for item in table.indexes
    )
    constraints = tuple(
        replace(item, name=statement.new_name) if item.index_oid == index.oid else item
        for item in table.constraints
    )
    context.change.put(replace(table, indexes=indexes, constraints=constraints))


def _rename_schema(context: DdlContext, statement: Rename) -> None:
    namespace = context.find_namespace(statement.name.name, statement.name.position)
    if context.catalog.namespace(statement.new_name) is not None:
        raise DuplicateSchema(
            f'schema "{statement.new_name}" already exists', position=statement.position
        )
    context.change.put(replace(namespace, name=statement.new_name))


def set_schema(context: DdlContext, statement: SetSchema) -> str:
    """Run ALTER ... SET SCHEMA; answers the command tag."""
    if statement.kind != "table":
        raise FeatureNotSupported(
            f"ALTER {statement.kind.upper()} ... SET SCHEMA is not supported",
            position=statement.position,
        )
    table = find_table(context, statement.name)
    namespace = context.find_namespace(statement.schema, statement.position)
    refuse_taken_name(context, namespace.oid, statement.name)
    context.runner.lock_table(table, "access exclusive")
    indexes = tuple(replace(index, namespace_oid=namespace.oid) for index in table.indexes)
    context.change.put(replace(table, namespace_oid=namespace.oid, indexes=indexes))
    for sequence in context.catalog.owned_sequences(table.oid):
        context.change.put(replace(sequence, namespace_oid=namespace.oid))
    return "ALTER TABLE"


def comment(context: DdlContext, statement: Comment) -> str:
    """Run COMMENT ON; answers the command tag."""
    name = statement.name
    match statement.kind:
        case "table":
            context.change.put(replace(find_table(context, name), comment=statement.text))
        case "view":
            context.change.put(replace(find_view(context, name), comment=statement.text))
        case "sequence":
            context.change.put(replace(find_sequence(context, name), comment=statement.text))
        case "schema":
            namespace = context.find_namespace(name.name, name.position)
            context.change.put(replace(namespace, comment=statement.text))
        case "index":
            table, index = _find_index(context, name)
            indexes = tuple(
                replace(item, comment=statement.text) if item is index else item
                for item in table.indexes
            )
            context.change.put(replace(table, indexes=indexes))
        case "type" | "domain":
            context.change.put(replace(find_user_type(context, name), comment=statement.text))
        case "column":
            _comment_column(context, statement)
        case "constraint":
            _comment_constraint(context, statement)
        case kind:
            raise FeatureNotSupported(
                f"COMMENT ON {kind.upper()} is not supported", position=statement.position
            )
    return "COMMENT"


def _comment_column(context: DdlContext, statement: Comment) -> None:
    assert statement.sub_name is not None
    table = find_table(context, statement.name)
    column = find_column(table, statement.sub_name, statement.position)

    def marked(item: Column) -> Column:
        return replace(item, comment=statement.text) if item is column else item

    context.change.put(replace(table, columns=tuple(marked(item) for item in table.columns)))


def _comment_constraint(context: DdlContext, statement: Comment) -> None:
    assert statement.sub_name is not None
    table = find_table(context, statement.name)
    constraint = find_constraint(table, statement.sub_name, statement.position)
    constraints = tuple(
        replace(item, comment=statement.text) if item is constraint else item
        for item in table.constraints
    )
    context.change.put(replace(table, constraints=constraints))
