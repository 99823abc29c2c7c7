"""A relation's rows as values of other objects: whatever is made of its row type follows its columns and its name.

A `SqlType` carries the fields of a row, so the signature of `f(t)` holds the columns of `t`. Tables that keep such rows
as values are not among those who follow: `names.refuse_stored_rows` refuses the change before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import CatalogObject, Table, View
from lungfish.catalog.type_uses import users_of_type, with_types
from lungfish.planner.bind_type import row_type_of
from lungfish.types.sql_type import SqlType


def users_of_changed_row(
    catalog: Catalog, before: CatalogObject | None, after: CatalogObject
) -> Iterator[CatalogObject]:
    """The objects made of a relation's row type, with that as it is now; none if it is what it was."""
    if not isinstance(before, (Table, View)) or not isinstance(after, (Table, View)):
        return
    row = row_type_of(after)
    if row == row_type_of(before):
        return

    def changed(sql_type: SqlType) -> SqlType:
        if sql_type.oid != after.oid:
            return sql_type
        return replace(sql_type, name=row.name, labels=row.labels, fields=row.fields)

    for user in users_of_type(catalog, after.oid):
        followed = with_types(user, changed)
        if not isinstance(user, Table) and followed != user:
            yield followed
