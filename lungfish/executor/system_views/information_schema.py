"""The part of information_schema that is there. Columns have the standard's names and PostgreSQL's content."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lungfish.catalog.catalog import PG_TEMP_NAME
from lungfish.catalog.objects import (
    INFORMATION_SCHEMA_OID,
    Column,
    Namespace,
    SystemView,
    Table,
    View,
)
from lungfish.executor.system_views.definition import system_view
from lungfish.executor.system_views.texts import column_list, default_text, listed_definition
from lungfish.executor.system_views.updatability import (
    DELETE,
    INSERT,
    UPDATE,
    changes_allowed,
    is_column_updatable,
    yes_or_no,
)
from lungfish.planner import show_stored
from lungfish.types.sql_type import INTEGER, NAME, TEXT, VARCHAR, TypeKind

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Iterator[tuple[Any, ...]]

_INTEGER_BITS = {TypeKind.SMALLINT: 16, TypeKind.INTEGER: 32, TypeKind.BIGINT: 64}


def _database(context: ExecutionContext) -> str:
    return str(context.functions.session_fact("current_database"))


def _schemata(context: ExecutionContext) -> Rows:
    for item in context.catalog.objects():
        if isinstance(item, Namespace) and item.name != PG_TEMP_NAME:
            yield _database(context), item.name, "lungfish"


def _is_materialized(item: object) -> bool:
    """Materialised views are not in the standard, so not here."""
    return isinstance(item, Table) and item.materialized_query is not None


def _tables(context: ExecutionContext) -> Rows:
    for item in context.catalog.objects():
        if isinstance(item, (Table, View, SystemView)) and not _is_materialized(item):
            kind = "BASE TABLE" if isinstance(item, Table) else "VIEW"
            if isinstance(item, Table) and item.persistence == "temporary":
                kind = "LOCAL TEMPORARY"
            schema = context.catalog.namespace_name(item.namespace_oid)
            yield (
                _database(context),
                schema,
                item.name,
                kind,
                yes_or_no(is_so=bool(changes_allowed(item.oid, context.catalog) & INSERT)),
            )


def _columns(context: ExecutionContext) -> Rows:
    for item in context.catalog.objects():
        if isinstance(item, (Table, View, SystemView)) and not _is_materialized(item):
            schema = context.catalog.namespace_name(item.namespace_oid)
            for position, column in enumerate(item.columns, start=1):
                yield (
                    _database(context),
                    schema,
                    item.name,
                    column.name,
                    position,
                    *_column_facts(column, _texts(context, item, column)),
                    yes_or_no(is_so=is_column_updatable(item.oid, position, context.catalog)),
                )


def _texts(
    context: ExecutionContext, item: Table | View | SystemView, column: Column
) -> tuple[str | None, str | None]:
    """The column's default and its generation expression."""
    shown = item.as_table if isinstance(item, View) else item
    text = default_text(context.catalog, shown, column) if isinstance(shown, Table) else None
    return (None, text) if column.generated is not None else (text, None)


def _column_facts(column: Column, texts: tuple[str | None, str | None]) -> tuple[Any, ...]:
    kind = column.type.kind
    length = precision = scale = radix = None
    if kind in (TypeKind.VARCHAR, TypeKind.CHAR) and column.type.modifiers:
        length = column.type.modifiers[0]
    elif kind in _INTEGER_BITS:
        precision, radix, scale = _INTEGER_BITS[kind], 2, 0
    elif kind is TypeKind.NUMERIC:
        radix = 10
        if column.type.modifiers:
            precision, scale = column.type.modifiers
    elif kind in (TypeKind.REAL, TypeKind.DOUBLE):
        precision, radix = (24 if kind is TypeKind.REAL else 53), 2
    return (
        texts[0],
        "NO" if column.is_not_null else "YES",
        "ARRAY" if kind is TypeKind.ARRAY else str(column.type.unmodified),
        length,
        precision,
        radix,
        scale,
        "YES" if column.identity else "NO",
        None if column.identity is None else column.identity.upper(),
        "ALWAYS" if column.generated is not None else "NEVER",
        texts[1],
    )


def _views(context: ExecutionContext) -> Rows:
    path = context.functions.session_fact("search_path")
    for item in context.catalog.objects():
        if isinstance(item, View):
            schema = context.catalog.namespace_name(item.namespace_oid)
            shown = listed_definition(context.catalog, item, path)
            allowed = changes_allowed(item.oid, context.catalog)
            yield (
                _database(context),
                schema,
                item.name,
                shown,
                (item.check_option or "none").upper(),
                yes_or_no(is_so=allowed & (UPDATE | DELETE) == UPDATE | DELETE),
                yes_or_no(is_so=bool(allowed & INSERT)),
                # There are no triggers.
                *["NO"] * 3,
            )


def _table_constraints(context: ExecutionContext) -> Rows:
    for table in context.catalog.tables():
        schema = context.catalog.namespace_name(table.namespace_oid)
        for item in table.constraints:
            yield (
                _database(context), schema, item.name, _database(context), schema, table.name,
                "CHECK" if item.kind == "not null" else item.kind.upper(),
                "YES" if item.is_deferrable else "NO", "YES" if item.is_initially_deferred else "NO",
            )  # fmt: skip


def _key_column_usage(context: ExecutionContext) -> Rows:
    for table in context.catalog.tables():
        schema = context.catalog.namespace_name(table.namespace_oid)
        for item in table.constraints:
            if item.kind in ("check", "not null"):
                continue
            for position, number in enumerate(item.columns, start=1):
                column = table.columns[table.position_of_number(number)]
                yield (
                    _database(context),
                    schema,
                    item.name,
                    schema,
                    table.name,
                    column.name,
                    position,
                )


def _referential_constraints(context: ExecutionContext) -> Rows:
    for table in context.catalog.tables():
        schema = context.catalog.namespace_name(table.namespace_oid)
        for item in table.constraints:
            if item.referenced_table_oid is None:
                continue
            target = context.catalog.table(item.referenced_table_oid)
            key = next(each for each in target.indexes if each.oid == item.referenced_index_oid)
            target_schema = context.catalog.namespace_name(target.namespace_oid)
            yield (
                _database(context), schema, item.name, _database(context), target_schema, key.name,
                "FULL" if item.match == "full" else "NONE", item.on_update.upper(), item.on_delete.upper(),
            )  # fmt: skip


def _check_constraints(context: ExecutionContext) -> Rows:
    for table in context.catalog.tables():
        schema = context.catalog.namespace_name(table.namespace_oid)
        for item in table.constraints:
            if item.check is not None:
                shown = show_stored(item.check, table, context.catalog, what="check constraints")
                yield _database(context), schema, item.name, shown
            elif item.kind == "not null":
                shown = f"{column_list(table, item.columns)} IS NOT NULL"
                yield _database(context), schema, item.name, shown


def _constraint_columns(context: ExecutionContext) -> Rows:
    for table in context.catalog.tables():
        schema = context.catalog.namespace_name(table.namespace_oid)
        for item in table.constraints:
            used, numbers = table, item.columns
            if item.referenced_table_oid is not None:
                used, numbers = (
                    context.catalog.table(item.referenced_table_oid),
                    item.referenced_columns,
                )
            used_schema = context.catalog.namespace_name(used.namespace_oid)
            for number in numbers:
                column = used.columns[used.position_of_number(number)]
                yield (
                    _database(context), used_schema, used.name, column.name, _database(context), schema, item.name,
                )  # fmt: skip


def _sequences(context: ExecutionContext) -> Rows:
    for item in context.catalog.sequences():
        schema = context.catalog.namespace_name(item.namespace_oid)
        yield (
            _database(context), schema, item.name, str(item.type), _INTEGER_BITS[item.type.kind], 2, 0, str(item.start),
            str(item.minimum), str(item.maximum), str(item.increment), "YES" if item.is_cycle else "NO",
        )  # fmt: skip


INFORMATION_SCHEMA_VIEWS: tuple[SystemView, ...] = (
    system_view(
        12201,
        "schemata",
        INFORMATION_SCHEMA_OID,
        [("catalog_name", NAME), ("schema_name", NAME), ("schema_owner", NAME)],
        _schemata,
    ),
    system_view(
        12202,
        "tables",
        INFORMATION_SCHEMA_OID,
        [
            ("table_catalog", NAME), ("table_schema", NAME), ("table_name", NAME), ("table_type", TEXT),
            ("is_insertable_into", TEXT),
        ],
        _tables,
    ),
    system_view(
        12203,
        "columns",
        INFORMATION_SCHEMA_OID,
        [
            ("table_catalog", NAME), ("table_schema", NAME), ("table_name", NAME), ("column_name", NAME),
            ("ordinal_position", INTEGER), ("column_default", TEXT), ("is_nullable", TEXT), ("data_type", TEXT),
            ("character_maximum_length", INTEGER), ("numeric_precision", INTEGER), ("numeric_precision_radix", INTEGER),
            ("numeric_scale", INTEGER), ("is_identity", TEXT), ("identity_generation", TEXT), ("is_generated", TEXT),
            ("generation_expression", TEXT), ("is_updatable", TEXT),
        ],
        _columns,
    ),
    system_view(
        12204,
        "views",
        INFORMATION_SCHEMA_OID,
        [
            ("table_catalog", NAME), ("table_schema", NAME), ("table_name", NAME), ("view_definition", VARCHAR),
            ("check_option", TEXT), ("is_updatable", TEXT), ("is_insertable_into", TEXT), ("is_trigger_updatable", TEXT),
            ("is_trigger_deletable", TEXT), ("is_trigger_insertable_into", TEXT),
        ],
        _views,
    ),
    system_view(
        12205,
        "table_constraints",
        INFORMATION_SCHEMA_OID,
        [
            ("constraint_catalog", NAME), ("constraint_schema", NAME), ("constraint_name", NAME), ("table_catalog", NAME),
            ("table_schema", NAME), ("table_name", NAME), ("constraint_type", TEXT), ("is_deferrable", TEXT),
            ("initially_deferred", TEXT),
        ],
        _table_constraints,
    ),
    system_view(
        12206,
        "key_column_usage",
        INFORMATION_SCHEMA_OID,
        [
            ("constraint_catalog", NAME), ("constraint_schema", NAME), ("constraint_name", NAME), ("table_schema", NAME),
            ("table_name", NAME), ("column_name", NAME), ("ordinal_position", INTEGER),
        ],
        _key_column_usage,
    ),
    system_view(
        12207,
        "referential_constraints",
        INFORMATION_SCHEMA_OID,
        [
            ("constraint_catalog", NAME), ("constraint_schema", NAME), ("constraint_name", NAME),
            ("unique_constraint_catalog", NAME), ("unique_constraint_schema", NAME), ("unique_constraint_name", NAME),
            ("match_option", TEXT), ("update_rule", TEXT), ("delete_rule", TEXT),
        ],
        _referential_constraints,
    ),
    system_view(
        12208,
        "check_constraints",
        INFORMATION_SCHEMA_OID,
        [
            ("constraint_catalog", NAME), ("constraint_schema", NAME), ("constraint_name", NAME), ("check_clause", TEXT),
        ],
        _check_constraints,
    ),
    system_view(
        12209,
        "constraint_column_usage",
        INFORMATION_SCHEMA_OID,
        [
            ("table_catalog", NAME), ("table_schema", NAME), ("table_name", NAME), ("column_name", NAME),
            ("constraint_catalog", NAME), ("constraint_schema", NAME), ("constraint_name", NAME),
        ],
        _constraint_columns,
    ),
    system_view(
        12210,
        "sequences",
        INFORMATION_SCHEMA_OID,
        [
            ("sequence_catalog", NAME), ("sequence_schema", NAME), ("sequence_name", NAME), ("data_type", TEXT),
            ("numeric_precision", INTEGER), ("numeric_precision_radix", INTEGER), ("numeric_scale", INTEGER),
            ("start_value", TEXT), ("minimum_value", TEXT), ("maximum_value", TEXT), ("increment", TEXT),
            ("cycle_option", TEXT),
        ],
        _sequences,
    ),
)  # fmt: skip
