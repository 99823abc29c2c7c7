"""Schemas, tables, views and sequences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lungfish.catalog.catalog import PG_TEMP_NAME, Catalog, is_temporary
from lungfish.catalog.objects import Namespace, Sequence, SystemView, Table, UserType, View
from lungfish.executor.system_views.definition import owner_name
from lungfish.executor.system_views.information_schema.definition import (
    NO_NAME,
    NUMBERS,
    Names,
    standard_of,
    yes_or_no,
)
from lungfish.executor.system_views.texts import listed_definition
from lungfish.executor.system_views.updatability import DELETE, INSERT, UPDATE, changes_allowed
from lungfish.types.sql_type import TypeKind

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Iterator[tuple[Any, ...]]
Relation = Table | View | SystemView
_BITS = {TypeKind.SMALLINT: 16, TypeKind.INTEGER: 32, TypeKind.BIGINT: 64}


def listed_relations(catalog: Catalog) -> Iterator[Relation]:
    """Tables and views. Materialised views are not in the standard, so not here."""
    for item in catalog.objects():
        if isinstance(item, Table) and item.materialized_query is not None:
            continue
        if isinstance(item, (Table, View, SystemView)):
            yield item


def _catalog_name(context: ExecutionContext) -> Rows:
    yield (Names(context).database,)


def _schemata(context: ExecutionContext) -> Rows:
    database = Names(context).database
    for item in context.catalog.objects():
        if isinstance(item, Namespace) and item.name != PG_TEMP_NAME:
            yield database, item.name, owner_name(context, "schema", item.oid), *NO_NAME, None


def _tables(context: ExecutionContext) -> Rows:
    names = Names(context)
    for item in listed_relations(context.catalog):
        is_insertable = bool(changes_allowed(item.oid, context.catalog) & INSERT)
        of_type = _type_of(context.catalog, item)
        yield (
            *names.of(item), _table_type(item), None, None, *(NO_NAME if of_type is None else names.of(of_type)),
            yes_or_no(is_so=is_insertable), yes_or_no(is_so=of_type is not None), None,
        )  # fmt: skip


def _type_of(catalog: Catalog, item: Relation) -> UserType | None:
    """The type that a table is OF."""
    if not isinstance(item, Table) or item.of_type_oid is None:
        return None
    found = catalog.object(item.of_type_oid)
    return found if isinstance(found, UserType) else None


def _table_type(item: Relation) -> str:
    if is_temporary(item):
        return "LOCAL TEMPORARY"
    return "BASE TABLE" if isinstance(item, Table) else "VIEW"


def _views(context: ExecutionContext) -> Rows:
    """Those that the system makes have no query to be shown."""
    names = Names(context)
    path = context.functions.session_fact("search_path")
    # There are no triggers.
    triggers = ("NO", "NO", "NO")
    for item in context.catalog.objects():
        if isinstance(item, SystemView):
            yield *names.of(item), None, "NONE", "NO", "NO", *triggers
        elif isinstance(item, View):
            allowed = changes_allowed(item.oid, context.catalog)
            is_updatable = allowed & (UPDATE | DELETE) == UPDATE | DELETE
            yield (
                *names.of(item), listed_definition(context.catalog, item, path), (item.check_option or "none").upper(),
                yes_or_no(is_so=is_updatable), yes_or_no(is_so=bool(allowed & INSERT)), *triggers,
            )  # fmt: skip


def _sequences(context: ExecutionContext) -> Rows:
    """Those of identity columns are part of their columns."""
    names = Names(context)
    own = {
        column.sequence_oid
        for table in context.catalog.tables()
        for column in table.columns
        if column.identity is not None
    }
    for item in context.catalog.sequences():
        if item.oid not in own:
            yield (*names.of(item), *_sequence_facts(item))


def _sequence_facts(item: Sequence) -> tuple[Any, ...]:
    return (
        str(item.type), _BITS[item.type.kind], 2, 0, str(item.start), str(item.minimum), str(item.maximum),
        str(item.increment), yes_or_no(is_so=item.is_cycle),
    )  # fmt: skip


RELATION_VIEWS: tuple[SystemView, ...] = (
    standard_of(12211, "information_schema_catalog_name", "catalog_name", _catalog_name),
    standard_of(
        12201,
        "schemata",
        "catalog_name, schema_name, schema_owner, default_character_set*, sql_path varchar",
        _schemata,
    ),
    standard_of(
        12202,
        "tables",
        "table*, table_type varchar, self_referencing_column_name, reference_generation varchar,"
        " user_defined_type*, is_insertable_into flag, is_typed flag, commit_action varchar",
        _tables,
    ),
    standard_of(
        12204,
        "views",
        "table*, view_definition varchar, check_option varchar, is_updatable flag, is_insertable_into flag,"
        " is_trigger_updatable flag, is_trigger_deletable flag, is_trigger_insertable_into flag",
        _views,
    ),
    standard_of(
        12210,
        "sequences",
        f"sequence*, data_type varchar, {NUMBERS}, start_value varchar, minimum_value varchar,"
        " maximum_value varchar, increment varchar, cycle_option flag",
        _sequences,
    ),
)
