"""Names and types written so that they mean the same under any search path: with their schema, quoted where need be."""

from __future__ import annotations

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import CatalogObject, ExtendedStatistics, Namespace, Oid
from lungfish.sql.quoting import quote_identifier, quote_qualified
from lungfish.types.sql_type import SqlType, TypeKind


def qualified(catalog: Catalog, item: CatalogObject | ExtendedStatistics) -> str:
    """An object's name with its schema, quoted where need be."""
    if isinstance(item, Namespace):
        return quote_identifier(item.name)
    return quote_qualified(catalog.namespace_name(item.namespace_oid), item.name)


def type_text(catalog: Catalog, sql_type: SqlType) -> str:
    """A type as a column's definition names it."""
    named = catalog.object(Oid(sql_type.domain_oid if sql_type.domain else sql_type.oid))
    if sql_type.domain is None and sql_type.kind is TypeKind.ARRAY:
        assert sql_type.element is not None, "an array has elements"
        return f"{type_text(catalog, sql_type.element)}[]"
    if named is not None and (sql_type.domain is not None or sql_type.name is not None):
        return qualified(catalog, named)
    return str(sql_type)
