"""ALTER TABLE ... ALTER COLUMN ... TYPE: the rows are written anew, each value cast as an assignment casts it."""

from __future__ import annotations

from dataclasses import replace

from lungfish.catalog.names import type_text
from lungfish.catalog.objects import Column, IndexColumn, Table
from lungfish.errors import DatatypeMismatch, FeatureNotSupported, InvalidObjectDefinition
from lungfish.executor.ddl.column_rules import (
    check_column_type,
    check_identity_type,
    check_type_change,
    is_assignable,
    refuse_system_column,
)
from lungfish.executor.ddl.constraints import validate_constraint
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.create_table import check_stored_texts
from lungfish.executor.ddl.names import find_column
from lungfish.executor.ddl.operator_class import chosen_operator_class
from lungfish.executor.ddl.rewrite import rewrite
from lungfish.executor.ddl.rules import rule_words, rules_about
from lungfish.executor.ddl.sequences import change_sequence
from lungfish.executor.ddl.typed_texts import with_typed_texts
from lungfish.executor.ddl.view_texts import uses_column
from lungfish.executor.ddl.virtual_columns import check_virtual_type
from lungfish.sql.ast.ddl import AlterColumnType, AlterTableAction, SequenceOption
from lungfish.sql.quoting import quote_identifier
from lungfish.types.collations import collation_of_column
from lungfish.types.sql_type import SqlType, TypeKind


def check_types_first(
    context: DdlContext, table: Table, actions: tuple[AlterTableAction, ...]
) -> None:
    """Raise UndefinedColumn or InvalidParameterValue for changes of types that cannot be, of the table as it is before any of the
    statement's actions; and what `refuse_types_twice` raises."""
    for action in actions if len(actions) > 1 else ():
        if not isinstance(action, AlterColumnType):
            continue
        refuse_system_column(action.name, "alter", action.position)
        column = find_column(table, action.name, action.position)
        if column.identity is not None:
            check_identity_type(context.runner.resolve_type(action.type_name), action.position)
    refuse_types_twice(actions)


def refuse_types_twice(actions: tuple[AlterTableAction, ...]) -> None:
    """Raise FeatureNotSupported if one column gets two types."""
    seen: set[str] = set()
    for action in actions:
        if isinstance(action, AlterColumnType):
            if action.name in seen:
                raise FeatureNotSupported(
                    f'cannot alter type of column "{action.name}" twice', position=action.position
                )
            seen.add(action.name)


def alter_types(context: DdlContext, table: Table, actions: tuple[AlterColumnType, ...]) -> None:
    """Run the actions for one table, whose rows are written once: each USING reads the row as it was.

    Raises DatatypeMismatch, FeatureNotSupported where a view reads a column.
    """
    table = with_typed_texts(context, table, frozenset(action.name for action in actions))
    new = table
    sources: dict[str, str] = {}
    for action in actions:
        column = find_column(table, action.name, action.position)
        new = _retype(context, table, new, action)
        changed = find_column(new, column.name)
        name = quote_identifier(column.name)
        # Without USING the cast must be one that an assignment does by itself.
        source = f"({action.using.text})" if action.using is not None else name
        sources[column.name] = f"CAST({source} AS {type_text(context.catalog, changed.type)})"
    check_stored_texts(context, new)
    _check_indexes(context, new)
    values = [sources.get(item.name, quote_identifier(item.name)) for item in table.columns]
    moved = rewrite(context, table, new, values)
    numbers = {item.number for item in table.columns if item.name in sources}
    for constraint in moved.constraints:
        if constraint.kind != "foreign key" or not numbers.isdisjoint(constraint.columns):
            validate_constraint(context, moved, constraint)


def _check_indexes(context: DdlContext, table: Table) -> None:
    """Bind what indexes say once, so that what the new types do not take is found now and not at the next row."""
    for index in table.indexes:
        if index.predicate is not None:
            _check_immutable(context, table, index.predicate, "predicate")
        for key in index.columns:
            if key.expression is not None:
                _check_immutable(context, table, key.expression, "expression")


def _check_immutable(context: DdlContext, table: Table, text: str, word: str) -> None:
    facts = context.runner.check_expression_facts(table, text, what=f"index {word}s")
    if not facts.is_immutable:
        raise InvalidObjectDefinition(f"functions in index {word} must be marked IMMUTABLE")


def _retype(context: DdlContext, table: Table, new: Table, action: AlterColumnType) -> Table:
    """The changed table with one more column of another type, which nothing stands against."""
    refuse_system_column(action.name, "alter", action.position)
    column = find_column(table, action.name, action.position)
    check_type_change(table, column, has_using=action.using is not None, position=action.position)
    kind = context.runner.resolve_type(action.type_name)
    check_column_type(column.name, kind)
    if column.identity is not None:
        check_identity_type(kind, action.position)
        if column.sequence_oid is not None and table.partition_bound is None:
            option = SequenceOption("as", str(kind.base.unmodified))
            change_sequence(context, column.sequence_oid, (option,))
    _check_assignments(context, table, column, action)
    _refuse_users(context, table, column, action.position)
    collation = collation_of_column(
        action.collation, kind, context.catalog.has_namespace, action.position
    )
    changed = replace(column, type=kind, collation=collation)
    check_virtual_type(changed)
    indexes = tuple(
        replace(
            index,
            columns=tuple(
                _retyped(key, kind, index.method) if key.column_number == column.number else key
                for key in index.columns
            ),
        )
        for index in new.indexes
    )
    return replace(replace_column(new, column, changed), indexes=indexes)


def _refuse_users(context: DdlContext, table: Table, column: Column, position: int) -> None:
    """Raise FeatureNotSupported where a view or a rule reads the column."""
    users = [
        f"rule _RETURN on view {view.name}"
        for view in context.catalog.dependent_views(table.oid)
        if uses_column(context, view, table, column)
    ]
    users += [
        rule_words(context.catalog, rule)
        for rule in rules_about(context.catalog, table, column.name)
    ]
    if users:
        raise FeatureNotSupported(
            "cannot alter type of a column used by a view or rule",
            position=position,
            detail=f'{users[0]} depends on column "{column.name}"',
        )


def _retyped(key: IndexColumn, kind: SqlType, method: str) -> IndexColumn:
    """A key whose column has got another type, which the operator class that it names must take too."""
    chosen = chosen_operator_class(key.operator_class, kind, method, -1)
    return replace(key, type=kind, operator_class=chosen)


def _check_assignments(
    context: DdlContext, table: Table, column: Column, action: AlterColumnType
) -> None:
    """Raise DatatypeMismatch unless the column's values, and its default, can be assigned to the new type."""
    runner = context.runner
    kind = runner.resolve_type(action.type_name)
    if column.is_virtual and column.generated is not None:
        given = runner.value_type(table, column.generated, what="column generation expressions")
        if not is_assignable(given, kind, context.catalog):
            raise DatatypeMismatch(
                f'generation expression for column "{column.name}" cannot be cast automatically to type {kind}'
            )
    elif action.using is None:
        runner.check_assignable(column, kind, action.position)
    elif not is_assignable(
        runner.value_type(table, action.using.text, what="transform expressions"),
        kind,
        context.catalog,
    ):
        raise DatatypeMismatch(
            f'result of USING clause for column "{column.name}" cannot be cast automatically to type {kind}',
            position=action.position,
            hint="You might need to add an explicit cast.",
        )
    if column.default is None or column.generated is not None:
        return
    given = runner.value_type(table, column.default, what="DEFAULT expressions")
    # A literal has become a value of the column's type.
    given = column.type if given.kind is TypeKind.UNKNOWN else given
    if not is_assignable(given, kind, context.catalog):
        raise DatatypeMismatch(
            f'default for column "{column.name}" cannot be cast automatically to type {kind}',
            position=action.position,
        )


def replace_column(table: Table, old: Column, new: Column) -> Table:
    """The table with another column in the place of one."""
    return replace(table, columns=tuple(new if item is old else item for item in table.columns))
