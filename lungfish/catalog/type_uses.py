"""Which objects are made of which types: who uses a user's type, and the same objects over a changed type.

A `SqlType` carries what its values need (an enum's labels, a record's fields), so that no look-up stands between a row and its
type. A change of a type is therefore a change of every object that has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import (
    CatalogObject,
    Column,
    IndexColumn,
    Oid,
    Rule,
    SqlFunction,
    Table,
    UserType,
    View,
)
from lungfish.catalog.operator_objects import UserCast, UserOperator
from lungfish.types.sql_type import SqlType

TypeChange = Callable[[SqlType], SqlType]


def uses_type(sql_type: SqlType, oid: int) -> bool:
    """Whether the type is the one with that oid, a domain over it, or made of it."""
    if oid in (sql_type.oid, sql_type.domain_oid):
        return True
    if sql_type.element is not None and uses_type(sql_type.element, oid):
        return True
    return any(uses_type(field, oid) for field in sql_type.fields)


def map_type(sql_type: SqlType, change: TypeChange) -> SqlType:
    """The type with `change` applied to it and to whatever it is made of, innermost first."""
    element = None if sql_type.element is None else map_type(sql_type.element, change)
    fields = tuple(map_type(field, change) for field in sql_type.fields)
    return change(replace(sql_type, element=element, fields=fields))


def with_types(item: CatalogObject, change: TypeChange) -> CatalogObject:
    """The object with its types changed."""

    def mapped(sql_type: SqlType) -> SqlType:
        return map_type(sql_type, change)

    def of_column(column: Column) -> Column:
        return replace(column, type=mapped(column.type))

    def of_key(key: IndexColumn) -> IndexColumn:
        return replace(key, type=None if key.type is None else mapped(key.type))

    match item:
        case Table():
            indexes = tuple(
                replace(index, columns=tuple(of_key(key) for key in index.columns))
                for index in item.indexes
            )
            return replace(
                item,
                columns=tuple(of_column(column) for column in item.columns),
                stored_types=tuple(mapped(each) for each in item.stored_types),
                indexes=indexes,
            )
        case View():
            return replace(item, columns=tuple(of_column(column) for column in item.columns))
        case UserType():
            base = None if item.base is None else mapped(item.base)
            return replace(item, type=mapped(item.type), base=base)
        case SqlFunction():
            parameters = tuple(mapped(each) for each in item.parameter_types)
            declared = tuple(replace(each, type=mapped(each.type)) for each in item.parameters)
            parts = item.aggregate
            if parts is not None:
                parts = replace(parts, state=mapped(parts.state))
            return replace(
                item,
                parameter_types=parameters,
                result=mapped(item.result),
                parameters=declared,
                aggregate=parts,
            )
        case UserOperator():
            left = None if item.left is None else mapped(item.left)
            return replace(item, left=left, right=mapped(item.right), result=mapped(item.result))
        case UserCast():
            return replace(item, source=mapped(item.source), target=mapped(item.target))
    return item


def types_of(item: CatalogObject) -> Iterator[SqlType]:
    """The types that an object is made of."""
    match item:
        case Table():
            yield from (column.type for column in item.columns)
            yield from item.stored_types
        case View():
            yield from (column.type for column in item.columns)
        case UserType():
            yield item.type
            if item.base is not None:
                yield item.base
        case SqlFunction():
            yield from item.parameter_types
            yield item.result
            if item.aggregate is not None:
                yield item.aggregate.state
            yield from (each.type for each in item.parameters)
        case UserOperator():
            yield from item.operands
            yield item.result
        case UserCast():
            yield item.source
            yield item.target


def users_of_type(catalog: Catalog, oid: Oid) -> list[CatalogObject]:
    """The objects made of the type, itself left out."""
    return [
        item
        for item in catalog.objects()
        if item.oid != oid
        and (
            any(uses_type(each, oid) for each in types_of(item))
            or (isinstance(item, (View, Rule)) and oid in item.depends_on)
        )
    ]


def domains_of(sql_type: SqlType, catalog: Catalog) -> Iterator[UserType]:
    """The domains that a type consists of, the innermost first."""
    domain = catalog.object(Oid(sql_type.domain_oid))
    if isinstance(domain, UserType):
        if domain.base is not None:
            yield from domains_of(domain.base, catalog)
        yield domain


def domain_collation(type_: SqlType, catalog: Catalog) -> str | None:
    """What COLLATE said when the type, if it is a domain, was made."""
    if type_.domain is None:
        return None
    found = catalog.object(Oid(type_.domain_oid))
    return found.collation if isinstance(found, UserType) else None


def domain_default(sql_type: SqlType, catalog: Catalog) -> str | None:
    """The text of a domain's default: its own, or that of the domain beneath."""
    found = None
    for domain in domains_of(sql_type, catalog):
        found = domain.default or found
    return found


def stored_row_of(catalog: Catalog, table: Table) -> tuple[Table, Column] | None:
    """A column, of any table, that keeps rows of the table as values; None where there is none."""
    for other in catalog.tables():
        for column in other.columns:
            if uses_type(column.type, table.oid):
                return other, column
    return None
