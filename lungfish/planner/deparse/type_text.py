"""Types by name, as format_type writes them: with their schema where the search path does not find them."""

from __future__ import annotations

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import Oid, Sequence, SystemView, Table, UserType, View
from lungfish.sql.quoting import quote_identifier, quote_qualified
from lungfish.types.sql_type import SqlType, TypeKind


def type_text(type_: SqlType, catalog: Catalog, search_path: tuple[str, ...]) -> str:
    """The type's name."""
    if type_.domain is not None:
        if not type_.domain_oid:
            return type_.domain
        return _user_type(type_.domain_oid, type_.domain, catalog, search_path)
    if type_.kind is TypeKind.ARRAY and type_.element is not None:
        return f"{type_text(type_.element, catalog, search_path)}[]"
    if type_.name is not None and type_.oid:
        return _user_type(type_.oid, type_.name, catalog, search_path)
    if type_.name is not None:
        return str(type_)
    if type_.kind is TypeKind.RECORD:
        return "record"
    if type_.kind is TypeKind.CHAR and not type_.modifiers:
        return "bpchar"
    if type_.kind is TypeKind.BIT and not type_.modifiers:
        return '"bit"'
    return str(type_)


def _user_type(oid: int, name: str, catalog: Catalog, search_path: tuple[str, ...]) -> str:
    item = catalog.object(Oid(oid))
    if isinstance(item, UserType):
        found = catalog.find_type(item.name, None, search_path)
        if found is not None and found.oid == item.oid:
            return quote_identifier(item.name)
        return quote_qualified(catalog.namespace_name(item.namespace_oid), item.name)
    if isinstance(item, (Table, View)):
        relation = catalog.find_relation(item.name, None, search_path)
        if relation is not None and relation.oid == item.oid:
            return quote_identifier(item.name)
        return quote_qualified(catalog.namespace_name(item.namespace_oid), item.name)
    return quote_identifier(name)


def relation_text(oid: int, catalog: Catalog, search_path: tuple[str, ...]) -> str:
    """A relation's name as regclass shows it."""
    item = catalog.object(Oid(oid))
    if not isinstance(item, (Table, View, SystemView, Sequence)):
        return str(oid)
    found = catalog.find_relation(item.name, None, search_path)
    if found is not None and found.oid == item.oid:
        return quote_identifier(item.name)
    return quote_qualified(catalog.namespace_name(item.namespace_oid), item.name)
