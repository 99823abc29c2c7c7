"""What uses a column stops its drop, or goes with it under CASCADE."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lungfish.catalog.objects import Column, Table, View
from lungfish.errors import DependentObjectsStillExist, FeatureNotSupported
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.routine_users import routines_on
from lungfish.executor.ddl.rules import rule_words, rules_about
from lungfish.executor.ddl.view_texts import uses_column
from lungfish.sql.ast.ddl import DropColumn
from lungfish.sql.rename import mentions_name


def drop_users_of_column(
    context: DdlContext,
    table: Table,
    column: Column,
    action: DropColumn,
    drop_column: Callable[[DdlContext, Table, DropColumn], None],
) -> None:
    """Views, rules, foreign keys of other tables and generated columns that use the column stop its drop, or go."""
    for view in context.catalog.dependent_views(table.oid):
        if uses_column(context, view, table, column):
            if not action.is_cascade:
                raise _refuse_column(table, column, f"view {view.name}", action.position)
            if context.catalog.object(view.oid) is not None:
                _drop_view(context, view, action.position)
    for rule in rules_about(context.catalog, table, column.name):
        if not action.is_cascade:
            words = rule_words(context.catalog, rule)
            raise _refuse_column(table, column, words, action.position)
        context.runner.notice(f"drop cascades to {rule_words(context.catalog, rule)}")
        context.change.remove(rule.oid)
    for item in table.columns:
        if (
            item.generated is not None
            and item is not column
            and mentions_name(item.generated, column.name)
        ):
            if not action.is_cascade:
                raise _refuse_column(
                    table, column, f"column {item.name} of table {table.name}", action.position
                )
            drop_column(context, context.catalog.table(table.oid), replace(action, name=item.name))
    for other in context.catalog.referencing_tables(table.oid):
        held = [
            item
            for item in other.constraints
            if item.referenced_table_oid == table.oid and column.number in item.referenced_columns
        ]
        # A key of the table itself that is also on the column goes with it.
        users = [
            f"constraint {item.name} on table {other.name}"
            for item in held
            if other.oid != table.oid or column.number not in item.columns
        ]
        if users and not action.is_cascade:
            raise _refuse_column(table, column, users[0], action.position)
        for words in users:
            context.runner.notice(f"drop cascades to {words}")
        if held:
            context.change.put(
                replace(
                    other, constraints=tuple(item for item in other.constraints if item not in held)
                )
            )


def _drop_view(context: DdlContext, view: View | Table, position: int) -> None:
    """Drop a view that uses the column, and those over it. Raises FeatureNotSupported where a routine uses its rows."""
    shown = f"{'view' if isinstance(view, View) else view.kind} {view.name}"
    if routines_on(context.catalog, view.oid):
        raise FeatureNotSupported(
            f"DROP COLUMN ... CASCADE over routines that use {shown} is not supported",
            position=position,
        )
    context.runner.notice(f"drop cascades to {shown}")
    for above in context.catalog.dependent_views(view.oid):
        if context.catalog.object(above.oid) is not None:
            _drop_view(context, above, position)
    for rule in (
        *context.catalog.rules_of(view.oid),
        *context.catalog.dependent_rules(view.oid),
    ):
        if context.catalog.object(rule.oid) is not None:
            context.change.remove(rule.oid)
    if isinstance(view, Table):
        context.runner.lock_table(view, "access exclusive")
    context.change.remove(view.oid)


def _refuse_column(
    table: Table, column: Column, dependent: str, position: int
) -> DependentObjectsStillExist:
    return DependentObjectsStillExist(
        f"cannot drop column {column.name} of table {table.name} because other objects depend on it",
        position=position,
        detail=f"{dependent} depends on column {column.name} of table {table.name}",
        hint="Use DROP ... CASCADE to drop the dependent objects too.",
    )
