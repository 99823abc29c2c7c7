"""The part of pg_catalog that is there: what tools ask for first. Columns have PostgreSQL's names, types and meaning.

Only columns that Lungfish can fill truthfully are listed; asking for another raises 42703.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lungfish.catalog.catalog import PG_TEMP_NAME
from lungfish.catalog.objects import PG_CATALOG_OID, Namespace, Sequence, SystemView, View
from lungfish.executor.system_views.access_texts import access_text
from lungfish.executor.system_views.definition import owner_name, system_view
from lungfish.executor.system_views.pg_relations import has_references
from lungfish.executor.system_views.texts import index_definition, listed_definition
from lungfish.types.sql_type import BIGINT, BOOLEAN, NAME, OID, TEXT, array_of
from lungfish.types.type_oids import registered_type, type_oid

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Iterator[tuple[Any, ...]]


def _namespaces(context: ExecutionContext) -> Rows:
    for item in context.catalog.objects():
        # A session without temporary objects has no schema for them.
        if isinstance(item, Namespace) and item.name != PG_TEMP_NAME:
            authority = context.catalog.authority
            shown = access_text(authority, authority.kept_items("schema", item.oid))
            yield item.oid, item.name, authority.owner_of("schema", item.oid), shown


def _tables(context: ExecutionContext) -> Rows:
    for item in context.catalog.tables():
        if item.materialized_query is None:
            schema = context.catalog.namespace_name(item.namespace_oid)
            yield (
                schema,
                item.name,
                owner_name(context, "relation", item.oid),
                None,
                bool(item.indexes),
                bool(context.catalog.rules_of(item.oid)),
                has_references(item, context.catalog),
                False,
            )


def _views(context: ExecutionContext) -> Rows:
    path = context.functions.session_fact("search_path")
    for item in context.catalog.objects():
        if isinstance(item, View):
            yield (
                context.catalog.namespace_name(item.namespace_oid),
                item.name,
                owner_name(context, "relation", item.oid),
                listed_definition(context.catalog, item, path),
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
            state = context.tables.core.sequences.state(item)
            yield (
                context.catalog.namespace_name(item.namespace_oid), item.name, owner_name(context, "sequence", item.oid),
                type_oid(item.type), item.start,
                item.minimum, item.maximum, item.increment, item.is_cycle, item.cache,
                None if state is None or not state.is_called else state.last_value,
            )  # fmt: skip


PG_CATALOG_VIEWS: tuple[SystemView, ...] = (
    system_view(
        2615, "pg_namespace", PG_CATALOG_OID, [("oid", OID), ("nspname", NAME), ("nspowner", OID), ("nspacl", array_of(TEXT))], _namespaces
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
            ("schemaname", NAME), ("sequencename", NAME), ("sequenceowner", NAME), ("data_type", registered_type("regtype")),
            ("start_value", BIGINT), ("min_value", BIGINT), ("max_value", BIGINT), ("increment_by", BIGINT),
            ("cycle", BOOLEAN), ("cache_size", BIGINT), ("last_value", BIGINT),
        ],
        _sequences,
    ),
)  # fmt: skip
