"""Expressions that tables, views and domains keep as texts go on meaning what they meant when something that they use is called otherwise.

What such a text names stands in it with its schema (`planner/stored_names.py`). After a statement that renames or moves something,
each text is read under the names of before and written back under those of now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from lungfish.catalog import Catalog
from lungfish.catalog.objects import (
    CatalogObject,
    Column,
    Index,
    Sequence,
    SqlFunction,
    Table,
    UserType,
    View,
)
from lungfish.catalog.operator_objects import UserOperator
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.routine_users import table_of_value
from lungfish.planner import stored_names

# Writes a text anew: of what kind of expression it is, and whether it is over the table's columns.
_Write: TypeAlias = Callable[[str | None, str, bool], str | None]

_CHECK = "check constraints"
_DEFAULT = "DEFAULT expressions"
_GENERATED = "column generation expressions"
_INDEX = "index expressions"
_PREDICATE = "index predicates"
_KEY = "partition key expressions"
# Under which texts without schemas are read: files written before have them.
_PATH = ("public",)


def follow_in_stored_texts(context: DdlContext, before: Catalog) -> None:
    """Write the expressions anew that name what has been renamed or moved since `before`."""
    after = context.catalog
    if not any(_is_moved(item, before, after) for item in after.objects()):
        return
    for item in list(after.objects()):
        old = before.object(item.oid)
        if old is None:
            continue
        made = _followed(item, old, (before, after))
        if made != item:
            context.change.put(made)


def stored_domain(context: DdlContext, domain: UserType) -> UserType:
    """The domain with its texts as they are stored."""
    over = table_of_value(domain)

    def write(text: str | None, what: str, has_columns: bool) -> str | None:
        if text is None:
            return None
        table = over if has_columns else replace(over, columns=())
        return context.runner.stored_text(table, text, what=what)

    return _written_domain(domain, write)


def _is_moved(item: CatalogObject, before: Catalog, after: Catalog) -> bool:
    old = before.object(item.oid)
    return old is not None and _name(old, before) != _name(item, after)


def _name(item: CatalogObject, catalog: Catalog) -> tuple[str, str] | None:
    """What a text may call the object."""
    if isinstance(item, (Table, View, Sequence, SqlFunction, UserOperator, UserType)):
        return catalog.namespace_name(item.namespace_oid), item.name
    return None


def _followed(
    item: CatalogObject, old: CatalogObject, catalogs: tuple[Catalog, Catalog]
) -> CatalogObject:
    over: Table
    if isinstance(old, Table):
        over = old
    elif isinstance(old, View):
        over = old.as_table
    elif isinstance(old, UserType):
        over = table_of_value(old)
    else:
        return item

    def write(text: str | None, what: str, has_columns: bool) -> str | None:
        if text is None:
            return None
        table = over if has_columns else replace(over, columns=())
        return stored_names(text, table, catalogs, _PATH, what=what)

    match item:
        case Table():
            return _written_table(item, write)
        case View():
            return replace(item, columns=_written_columns(item.columns, write))
        case UserType():
            return _written_domain(item, write)
    return item


def _written_domain(domain: UserType, write: _Write) -> UserType:
    checks = tuple((name, write(text, _CHECK, True) or text) for name, text in domain.checks)
    return replace(domain, checks=checks, default=write(domain.default, _DEFAULT, False))


def _written_columns(columns: tuple[Column, ...], write: _Write) -> tuple[Column, ...]:
    return tuple(
        replace(
            column,
            default=write(column.default, _DEFAULT, False),
            generated=write(column.generated, _GENERATED, True),
        )
        for column in columns
    )


def _written_table(table: Table, write: _Write) -> Table:
    constraints = tuple(
        replace(each, check=write(each.check, _CHECK, True)) for each in table.constraints
    )
    statistics = tuple(
        replace(
            each, expressions=tuple([write(text, _INDEX, True) or "" for text in each.expressions])
        )
        for each in table.statistics
    )
    key = table.partition_key
    if key is not None:
        parts = tuple(
            replace(each, expression=write(each.expression, _KEY, True)) for each in key.columns
        )
        key = replace(key, columns=parts)
    return replace(
        table,
        columns=_written_columns(table.columns, write),
        constraints=constraints,
        indexes=tuple([_written_index(each, write) for each in table.indexes]),
        statistics=statistics,
        partition_key=key,
    )


def _written_index(index: Index, write: _Write) -> Index:
    keys = tuple(
        replace(each, expression=write(each.expression, _INDEX, True)) for each in index.columns
    )
    return replace(index, columns=keys, predicate=write(index.predicate, _PREDICATE, True))
