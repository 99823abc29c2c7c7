"""Labels that the transaction itself has added to an enum: none may be used before they are committed, as in PostgreSQL.

An index may hold keys of them that a rollback does not take out there; here it would, but the answer is the same. A label that reaches
the type through a text which is known only when the statement runs is let through.
"""

from __future__ import annotations

from lungfish import errors
from lungfish.catalog import Catalog
from lungfish.planner.expressions import BoundExpression
from lungfish.types.sql_type import SqlType, TypeKind

_FIRST, _LAST, _RANGE = "enum_first", "enum_last", "enum_range"


def refuse_uncommitted(label: object, kind: SqlType, catalog: Catalog, position: int) -> None:
    """Raise UnsafeNewEnumValueUsage if the label is one of those."""
    added = catalog.added_labels.get(kind.oid)
    if added is not None and label in added:
        raise errors.UnsafeNewEnumValueUsage(
            f'unsafe use of new value "{label}" of enum type {kind.name}',
            hint="New enum values must be committed before they can be used.",
        ).at(position)


def refuse_uncommitted_ends(
    name: str, arguments: tuple[BoundExpression, ...], catalog: Catalog, position: int
) -> None:
    """The same for the functions that answer labels of a type, whatever their arguments are."""
    if not catalog.added_labels or name not in (_FIRST, _LAST, _RANGE):
        return
    kind = arguments[0].type
    if kind.kind is not TypeKind.ENUM or not kind.labels:
        return
    labels = {_FIRST: kind.labels[:1], _LAST: kind.labels[-1:], _RANGE: kind.labels}[name]
    for label in labels:
        refuse_uncommitted(label, kind, catalog, position)
