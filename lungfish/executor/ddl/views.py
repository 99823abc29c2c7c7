"""CREATE VIEW: the query's text is kept, with the names and types of its columns and the objects that it uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lungfish.catalog.catalog import PG_TEMP_OID, is_temporary
from lungfish.catalog.objects import Column, Oid, View
from lungfish.errors import (
    DuplicateColumn,
    DuplicateTable,
    InvalidTableDefinition,
    SyntaxError,
    WrongObjectType,
)
from lungfish.executor.ddl.alter_view import check_view_options
from lungfish.executor.ddl.column_rules import check_column_type
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.names import refuse_taken_row_type
from lungfish.sql.ast.ddl import CreateView
from lungfish.types.sql_type import TEXT, SqlType, TypeKind


def create_view(context: DdlContext, statement: CreateView) -> str:
    """Run CREATE [OR REPLACE] VIEW; answers the command tag."""
    described, depends_on = context.runner.describe_query(statement.query)
    persistence = statement.persistence
    if any(is_temporary(item) for item in map(context.catalog.object, depends_on) if item):
        if persistence != "temporary":
            context.runner.notice(f'view "{statement.name.name}" will be a temporary view')
        persistence = "temporary"
    namespace = context.namespace_for(statement.name, persistence)
    existing = None
    if context.catalog.name_is_taken(namespace.oid, statement.name.name):
        found = context.catalog.find_relation(statement.name.name, namespace.name, ())
        if not statement.or_replace:
            raise DuplicateTable(
                f'relation "{statement.name.name}" already exists', position=statement.name.position
            )
        if not isinstance(found, View):
            raise WrongObjectType(
                f'"{statement.name.name}" is not a view', position=statement.name.position
            )
        existing = found
    if existing is None:
        refuse_taken_row_type(context, namespace, statement.name)
    if len(statement.column_names) > len(described):
        raise SyntaxError(
            "CREATE VIEW specifies more column names than columns", position=statement.position
        )
    names = (
        list(statement.column_names)
        + [name for name, _ in described][len(statement.column_names) :]
    )
    for index, (name, (_, kind)) in enumerate(zip(names, described, strict=True)):
        check_column_type(name, kind)
        if name in names[:index]:
            raise DuplicateColumn(
                f'column "{name}" specified more than once', position=statement.position
            )
    columns = _view_columns(context, statement, names, [kind for _, kind in described])
    if existing is not None:
        _refuse_other_columns(existing, columns)
    made = View(
        existing.oid if existing is not None else Oid(context.change.new_oid()),
        statement.name.name,
        namespace.oid,
        columns if existing is None else _as_before(existing, columns),
        context.runner.settled_query(statement.text),
        search_path=context.search_path,
        depends_on=depends_on,
        parameters=statement.parameters,
        is_temporary=namespace.oid == PG_TEMP_OID,
        comment=None if existing is None else existing.comment,
    )
    check_view_options(context, made)
    context.change.put(made)
    return "CREATE VIEW"


def _view_columns(
    context: DdlContext, statement: CreateView, names: Sequence[str], kinds: Sequence[SqlType]
) -> tuple[Column, ...]:
    collations = context.runner.check_collations(statement.query, names=names, what="view")
    return tuple(
        Column(name, TEXT if kind.kind is TypeKind.UNKNOWN else kind, number, collation=collation)
        for number, (name, kind, collation) in enumerate(
            zip(names, kinds, collations, strict=True), start=1
        )
    )


def _as_before(existing: View, columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """The columns with the defaults and comments that those of the same places had."""
    count = len(existing.columns)
    kept = [
        replace(new, default=old.default, comment=old.comment)
        for old, new in zip(existing.columns, columns, strict=False)
    ]
    return (*kept, *columns[count:])


def _refuse_other_columns(existing: View, columns: tuple[Column, ...]) -> None:
    """OR REPLACE may only add columns behind those that are there."""
    if len(columns) < len(existing.columns):
        raise InvalidTableDefinition("cannot drop columns from view")
    for old, new in zip(existing.columns, columns, strict=False):
        if old.name != new.name:
            raise InvalidTableDefinition(
                f'cannot change name of view column "{old.name}" to "{new.name}"',
                hint="Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.",
            )
        if old.type != new.type:
            raise InvalidTableDefinition(
                f'cannot change data type of view column "{old.name}" from {old.type} to {new.type}'
            )
        if old.collation != new.collation:
            raise InvalidTableDefinition(
                f'cannot change collation of view column "{old.name}" from'
                f' "{old.collation or "default"}" to "{new.collation or "default"}"'
            )
