"""What views use, which columns are made of others, and where types are used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import PG_CATALOG_OID, Oid, SqlFunction, SystemView, Table, View
from lungfish.errors import FeatureNotSupported
from lungfish.executor.system_views.information_schema.columns import domains
from lungfish.executor.system_views.information_schema.definition import Names, standard_of
from lungfish.executor.system_views.information_schema.described_types import (
    describe_name,
    true_type,
)
from lungfish.executor.system_views.information_schema.listed_routines import specific_name
from lungfish.executor.system_views.information_schema.relations import Relation, listed_relations
from lungfish.planner import columns_read, stored_expression_facts

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Iterator[tuple[Any, ...]]


def _views(names: Names) -> Iterator[View]:
    for item in names.catalog.objects():
        if isinstance(item, View):
            yield item


def _used_relation(names: Names, oid: int) -> Relation | None:
    """The table or view with that oid. What is in pg_catalog is always there and so not recorded."""
    used = names.catalog.object(Oid(oid))
    if isinstance(used, SystemView) and used.namespace_oid == PG_CATALOG_OID:
        return None
    if isinstance(used, Table) and used.materialized_query is not None:
        return None
    return used if isinstance(used, (Table, View, SystemView)) else None


def _view_tables(context: ExecutionContext) -> Rows:
    names = Names(context)
    for view in _views(names):
        for oid in sorted(view.depends_on | {Oid(oid) for oid, _ in _columns_of(names, view)}):
            used = _used_relation(names, oid)
            if used is not None:
                yield *names.of(view), *names.of(used)


def _columns_of(names: Names, view: View) -> frozenset[tuple[int, str]]:
    """The columns that the view uses; none of a query that cannot be taken apart, so that the others can be listed."""
    try:
        return columns_read(view.query, view.search_path, names.catalog)
    except FeatureNotSupported:
        return frozenset()


def _view_columns(context: ExecutionContext) -> Rows:
    names = Names(context)
    for view in _views(names):
        for oid, column in sorted(_columns_of(names, view)):
            used = _used_relation(names, oid)
            if used is not None:
                yield *names.of(view), *names.of(used), column


def _view_routines(context: ExecutionContext) -> Rows:
    names = Names(context)
    for view in _views(names):
        for oid in sorted(view.depends_on):
            used = context.catalog.object(oid)
            if isinstance(used, SqlFunction):
                specific = names.within(used.namespace_oid, specific_name(used.name, used.oid))
                yield *names.of(view), *specific


def _column_columns(context: ExecutionContext) -> Rows:
    """What generated columns are made of."""
    names = Names(context)
    for table in context.catalog.tables():
        for column in table.columns:
            if column.generated is not None:
                facts = stored_expression_facts(
                    column.generated, table, context.catalog, ("public",), what="column generation expressions"
                )  # fmt: skip
                for used in facts.columns:
                    yield *names.of(table), used.name, column.name


def _column_domains(context: ExecutionContext) -> Rows:
    names = Names(context)
    for item in listed_relations(context.catalog):
        for column in item.columns:
            if column.type.domain is not None:
                domain = describe_name(names, column.type).udt
                yield *domain, *names.of(item), column.name


def _column_types(context: ExecutionContext) -> Rows:
    names = Names(context)
    for item in listed_relations(context.catalog):
        for column in item.columns:
            used = describe_name(names, true_type(names, column.type)).udt
            yield *used, *names.of(item), column.name


def _domain_types(context: ExecutionContext) -> Rows:
    names = Names(context)
    for domain, value in domains(names):
        yield *describe_name(names, value.type).udt, *names.of(domain)


USAGE_VIEWS: tuple[SystemView, ...] = (
    standard_of(12226, "view_table_usage", "view*, table*", _view_tables),
    standard_of(12227, "view_column_usage", "view*, table*, column_name", _view_columns),
    standard_of(12228, "view_routine_usage", "table*, specific*", _view_routines),
    standard_of(
        12229, "column_column_usage", "table*, column_name, dependent_column", _column_columns
    ),
    standard_of(12230, "column_domain_usage", "domain*, table*, column_name", _column_domains),
    standard_of(12231, "column_udt_usage", "udt*, table*, column_name", _column_types),
    standard_of(12232, "domain_udt_usage", "udt*, domain*", _domain_types),
)
