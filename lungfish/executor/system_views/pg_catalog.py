"""The part of pg_catalog that is there: what tools ask for first. Columns have PostgreSQL's names, types and meaning.

Only columns that Lungfish can fill truthfully are listed; asking for another raises 42703.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import PG_CATALOG_OID, Namespace, Sequence, SystemView, Table, View
from lungfish.executor.system_views.definition import system_view
from lungfish.executor.system_views.texts import index_definition
from lungfish.types.sql_type import BIGINT, BOOLEAN, NAME, OID, SMALLINT, TEXT

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Iterator[tuple[Any, ...]]
OWNER = "lungfish"


def _namespaces(context: ExecutionContext) -> Rows:
    for item in context.catalog.objects():
        if isinstance(item, Namespace):
            yield item.oid, item.name, 10


def _relation_kind(item: object) -> str:
    match item:
        case Table():
            return "r"
        case Sequence():
            return "S"
        case _:
            return "v"


def _classes(context: ExecutionContext) -> Rows:
    for item in context.catalog.objects():
        match item:
            case Table():
                has_index = bool(item.indexes)
                yield (
                    item.oid,
                    item.name,
                    item.namespace_oid,
                    "r",
                    len(item.columns),
                    has_index,
                    item.relation_id,
                    "p",
                )
                for index in item.indexes:
                    yield (
                        index.oid, index.name, index.namespace_oid, "i", len(index.columns), False,
                        index.relation_id, "p",
                    )  # fmt: skip
            case View() | SystemView():
                yield item.oid, item.name, item.namespace_oid, "v", len(item.columns), False, 0, "p"
            case Sequence():
                yield item.oid, item.name, item.namespace_oid, "S", 3, False, 0, "p"


def _attributes(context: ExecutionContext) -> Rows:
    for item in context.catalog.objects():
        if isinstance(item, (Table, View, SystemView)):
            for column in item.columns:
                yield (
                    item.oid,
                    column.name,
                    column.number,
                    column.is_not_null,
                    column.default is not None or column.generated is not None,
                    {"always": "a", "by default": "d", None: ""}[column.identity],
                    "s" if column.generated is not None else "",
                    str(column.type),
                    False,
                )


def _tables(context: ExecutionContext) -> Rows:
    for item in context.catalog.tables():
        schema = context.catalog.namespace_name(item.namespace_oid)
        yield schema, item.name, OWNER, None, bool(item.indexes), False, False, False


def _views(context: ExecutionContext) -> Rows:
    for item in context.catalog.objects():
        if isinstance(item, View):
            yield (
                context.catalog.namespace_name(item.namespace_oid),
                item.name,
                OWNER,
                f"{item.query};",
            )


def _indexes(context: ExecutionContext) -> Rows:
    for item in context.catalog.tables():
        schema = context.catalog.namespace_name(item.namespace_oid)
        for index in item.indexes:
            yield (
                schema,
                item.name,
                index.name,
                None,
                index_definition(context.catalog, item, index),
            )


def _sequences(context: ExecutionContext) -> Rows:
    for item in context.catalog.objects():
        if isinstance(item, Sequence):
            yield (
                context.catalog.namespace_name(item.namespace_oid), item.name, OWNER, str(item.type), item.start,
                item.minimum, item.maximum, item.increment, item.is_cycle, item.cache,
            )  # fmt: skip


def _constraints(context: ExecutionContext) -> Rows:
    letters = {"primary key": "p", "unique": "u", "check": "c", "foreign key": "f"}
    for table in context.catalog.tables():
        for item in table.constraints:
            yield (
                item.oid, item.name, table.namespace_oid, letters[item.kind], item.is_deferrable,
                item.is_initially_deferred, item.is_validated, table.oid, item.index_oid or 0,
                item.referenced_table_oid or 0,
            )  # fmt: skip


PG_CATALOG_VIEWS: tuple[SystemView, ...] = (
    system_view(
        2615, "pg_namespace", PG_CATALOG_OID, [("oid", OID), ("nspname", NAME), ("nspowner", OID)], _namespaces
    ),
    system_view(
        1259,
        "pg_class",
        PG_CATALOG_OID,
        [
            ("oid", OID), ("relname", NAME), ("relnamespace", OID), ("relkind", TEXT), ("relnatts", SMALLINT),
            ("relhasindex", BOOLEAN), ("relfilenode", OID), ("relpersistence", TEXT),
        ],
        _classes,
    ),
    system_view(
        1249,
        "pg_attribute",
        PG_CATALOG_OID,
        [
            ("attrelid", OID), ("attname", NAME), ("attnum", SMALLINT), ("attnotnull", BOOLEAN), ("atthasdef", BOOLEAN),
            ("attidentity", TEXT), ("attgenerated", TEXT), ("atttypname", TEXT), ("attisdropped", BOOLEAN),
        ],
        _attributes,
    ),
    system_view(
        2606,
        "pg_constraint",
        PG_CATALOG_OID,
        [
            ("oid", OID), ("conname", NAME), ("connamespace", OID), ("contype", TEXT), ("condeferrable", BOOLEAN),
            ("condeferred", BOOLEAN), ("convalidated", BOOLEAN), ("conrelid", OID), ("conindid", OID), ("confrelid", OID),
        ],
        _constraints,
    ),
    system_view(
        12101,
        "pg_tables",
        PG_CATALOG_OID,
        [
            ("schemaname", NAME), ("tablename", NAME), ("tableowner", NAME), ("tablespace", NAME), ("hasindexes", BOOLEAN),
            ("hasrules", BOOLEAN), ("hastriggers", BOOLEAN), ("rowsecurity", BOOLEAN),
        ],
        _tables,
    ),
    system_view(
        12102,
        "pg_views",
        PG_CATALOG_OID,
        [("schemaname", NAME), ("viewname", NAME), ("viewowner", NAME), ("definition", TEXT)],
        _views,
    ),
    system_view(
        12103,
        "pg_indexes",
        PG_CATALOG_OID,
        [("schemaname", NAME), ("tablename", NAME), ("indexname", NAME), ("tablespace", NAME), ("indexdef", TEXT)],
        _indexes,
    ),
    system_view(
        12104,
        "pg_sequences",
        PG_CATALOG_OID,
        [
            ("schemaname", NAME), ("sequencename", NAME), ("sequenceowner", NAME), ("data_type", TEXT),
            ("start_value", BIGINT), ("min_value", BIGINT), ("max_value", BIGINT), ("increment_by", BIGINT),
            ("cycle", BOOLEAN), ("cache_size", BIGINT),
        ],
        _sequences,
    ),
)  # fmt: skip
