"""RENAME COLUMN and RENAME CONSTRAINT, of a table and of those that inherit from it."""

from __future__ import annotations

from dataclasses import replace

from lungfish.catalog.inheritance import (
    column_inherit_count,
    constraint_inherit_count,
    descendants,
)
from lungfish.catalog.objects import Column, Constraint, Table, View
from lungfish.catalog.partition_parts import PartitionKey
from lungfish.errors import (
    DuplicateColumn,
    DuplicateObject,
    FeatureNotSupported,
    InvalidTableDefinition,
    UndefinedColumn,
    WrongObjectType,
)
from lungfish.executor.ddl.column_rules import check_column_name, refuse_system_column
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.names import (
    find_column,
    find_constraint,
    find_named_constraint,
    find_relation,
    find_table,
    refuse_stored_rows,
    refuse_taken_name,
)
from lungfish.executor.ddl.rules import rule_words, rules_about
from lungfish.sql.ast.ddl import Rename
from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.rename import rename_in_text


def rename_column(context: DdlContext, statement: Rename) -> None:
    """Rename a column of a table and of its children."""
    found = find_relation(context, statement.name)
    if isinstance(found, View):
        _rename_view_column(context, found, statement)
        return
    table = find_table(context, statement.name)
    if table.of_type_oid is not None:
        raise WrongObjectType("cannot rename column of typed table")
    assert statement.old_name is not None
    old = statement.old_name
    refuse_system_column(old, "rename", statement.position)
    if table.column_position(old) is None:
        raise UndefinedColumn(f'column "{old}" does not exist', position=statement.position)
    check_column_name(statement.new_name, statement.position)
    family = descendants(table, context.catalog)
    if statement.is_only and len(family) > 1:
        raise InvalidTableDefinition(
            f'inherited column "{old}" must be renamed in child tables too'
        )
    oids = {item.oid for item in family}
    for each in family:
        parents_here = sum(oid in oids for oid in each.parents)
        if column_inherit_count(each, old, context.catalog) > parents_here:
            raise InvalidTableDefinition(f'cannot rename inherited column "{old}"')
        _check_rename(context, each, statement)
    for each in family:
        column = find_column(each, old)
        context.change.put(_renamed(context.catalog.table(each.oid), column, statement.new_name))


def _rename_view_column(context: DdlContext, view: View, statement: Rename) -> None:
    old = statement.old_name
    names = [column.name for column in view.columns]
    if old not in names:
        raise UndefinedColumn(f'column "{old}" does not exist', position=statement.position)
    check_column_name(statement.new_name, statement.position)
    if statement.new_name in names:
        raise DuplicateColumn(
            f'column "{statement.new_name}" of relation "{view.name}" already exists',
            position=statement.position,
        )
    _refuse_rules(context, view, statement)
    columns = tuple(
        replace(column, name=statement.new_name) if column.name == old else column
        for column in view.columns
    )
    context.change.put(replace(view, columns=columns))


def _check_rename(context: DdlContext, table: Table, statement: Rename) -> None:
    refuse_stored_rows(context, table, statement.position)
    if table.column_position(statement.new_name) is not None:
        raise DuplicateColumn(
            f'column "{statement.new_name}" of relation "{table.name}" already exists',
            position=statement.position,
        )
    context.runner.lock_table(table, "access exclusive")
    _refuse_rules(context, table, statement)


def _refuse_rules(context: DdlContext, relation: Table | View, statement: Rename) -> None:
    """Raise FeatureNotSupported if a rule may speak of the column."""
    assert statement.old_name is not None, "a column is renamed"
    for rule in rules_about(context.catalog, relation, statement.old_name):
        raise FeatureNotSupported(
            f"renaming a column that {rule_words(context.catalog, rule)} uses is not supported",
            position=statement.position,
        )


def _renamed(table: Table, column: Column, new_name: str) -> Table:
    """The table with the column's new name, also in all texts that name it."""

    def renamed(text: str | None) -> str | None:
        return None if text is None else rename_in_text(text, column.name, new_name)

    columns = tuple(
        replace(
            item,
            name=new_name if item is column else item.name,
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
    key = table.partition_key
    if key is not None:
        parts = tuple(replace(item, expression=renamed(item.expression)) for item in key.columns)
        key = PartitionKey(key.strategy, parts)
    return replace(
        table, columns=columns, indexes=indexes, constraints=constraints, partition_key=key
    )


def rename_constraint(context: DdlContext, statement: Rename) -> None:
    """Rename a constraint of a table, and a check that children have from it."""
    table = find_table(context, statement.name)
    assert statement.old_name is not None
    old = statement.old_name
    constraint = find_named_constraint(table, old, statement.position)
    goes_down = constraint.kind in ("check", "not null") and not constraint.is_no_inherit
    family = descendants(table, context.catalog) if goes_down else (table,)
    if statement.is_only and len(family) > 1:
        raise InvalidTableDefinition(
            f'inherited constraint "{old}" must be renamed in child tables too'
        )
    oids = {item.oid for item in family}
    for each in family:
        own = find_constraint(each, old)
        parents_here = sum(oid in oids for oid in each.parents)
        if constraint_inherit_count(each, own, context.catalog) > parents_here:
            raise InvalidTableDefinition(f'cannot rename inherited constraint "{old}"')
    for each in family:
        own = find_constraint(each, old)
        _rename_constraint_of(context, context.catalog.table(each.oid), own, statement)


def _rename_constraint_of(
    context: DdlContext, table: Table, constraint: Constraint, statement: Rename
) -> None:
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
