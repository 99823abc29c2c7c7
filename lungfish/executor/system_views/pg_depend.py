"""pg_depend: what would have to go with what.

PostgreSQL's letters: n normal (DROP asks for CASCADE), a automatic (goes along), i internal (part of the other), P and S of a
partition's index, which is part of the partitioned index and of its own table. A view's query is known here by the objects that it
uses, not by their columns, so what depends on a table through a view depends on the whole of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import (
    PG_CATALOG_OID,
    Constraint,
    Index,
    Namespace,
    Rule,
    SqlFunction,
    SystemView,
    Table,
    UserType,
    View,
)
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.executor.system_views.definition import catalog_of
from lungfish.executor.system_views.pg_relations import default_oid, has_default
from lungfish.sql.rename import mentions_name

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Row = tuple[Any, ...]
# The catalogs that the two sides are listed in.
_CLASS, _TYPE, _PROC, _NAMESPACE = 1259, 1247, 1255, 2615
_CONSTRAINT, _ATTRDEF, _REWRITE = 2606, 2604, 2618


def _dependencies(context: ExecutionContext) -> Iterator[Row]:
    catalog = context.catalog
    for item in catalog.objects():
        match item:
            case Table():
                yield from _of_table(item, catalog)
            case View():
                yield _in_namespace(_CLASS, item)
                yield from _of_query(item, catalog)
            case SequenceObject():
                yield _in_namespace(_CLASS, item)
                yield from _of_sequence(item, catalog)
            case UserType():
                yield _in_namespace(_TYPE, item)
            case SqlFunction():
                yield _in_namespace(_PROC, item)
            case Rule():
                yield _REWRITE, item.oid, 0, _CLASS, item.relation_oid, 0, "a"
                yield from _of_query(item, catalog)
            case Namespace() | SystemView():
                pass


def _in_namespace(catalog_oid: int, item: Any) -> Row:
    return catalog_oid, item.oid, 0, _NAMESPACE, item.namespace_oid, 0, "n"


def _of_sequence(item: SequenceObject, catalog: Catalog) -> Iterator[Row]:
    if item.owner_table_oid is not None:
        table = catalog.table(item.owner_table_oid)
        identities = [each.sequence_oid for each in table.columns if each.identity]
        letter = "i" if item.oid in identities else "a"
        yield _CLASS, item.oid, 0, _CLASS, table.oid, item.owner_column, letter


def _of_table(table: Table, catalog: Catalog) -> Iterator[Row]:
    yield _in_namespace(_CLASS, table)
    yield from _of_query(table, catalog)
    letter = "a" if table.partition_bound is not None else "n"
    for parent in table.parents:
        yield _CLASS, table.oid, 0, _CLASS, parent, 0, letter
    if table.partition_key is not None:
        for key in table.partition_key.columns:
            if key.column_number:
                yield _CLASS, table.oid, key.column_number, _CLASS, table.oid, 0, "i"
    for column in table.columns:
        if has_default(column):
            oid = default_oid(table, column)
            yield _ATTRDEF, oid, 0, _CLASS, table.oid, column.number, "a"
    for constraint in table.constraints:
        yield from _of_constraint(table, constraint)
    for index in table.indexes:
        yield from _of_index(table, index)


def _of_constraint(table: Table, item: Constraint) -> Iterator[Row]:
    if item.parent_oid is not None:
        yield _CONSTRAINT, item.oid, 0, _CONSTRAINT, item.parent_oid, 0, "P"
        yield _CONSTRAINT, item.oid, 0, _CLASS, table.oid, 0, "S"
    for number in item.columns:
        yield _CONSTRAINT, item.oid, 0, _CLASS, table.oid, number, "a"
        if item.kind == "check":
            # The expression needs the column, beside that the constraint goes with it.
            yield _CONSTRAINT, item.oid, 0, _CLASS, table.oid, number, "n"
    if item.referenced_table_oid is not None:
        for number in item.referenced_columns:
            yield _CONSTRAINT, item.oid, 0, _CLASS, item.referenced_table_oid, number, "n"
        if item.referenced_index_oid is not None:
            yield _CONSTRAINT, item.oid, 0, _CLASS, item.referenced_index_oid, 0, "n"


def _of_index(table: Table, index: Index) -> Iterator[Row]:
    owner = next((item for item in table.constraints if item.index_oid == index.oid), None)
    if index.parent_oid is not None:
        yield _CLASS, index.oid, 0, _CLASS, index.parent_oid, 0, "P"
        yield _CLASS, index.oid, 0, _CLASS, table.oid, 0, "S"
    if owner is not None:
        yield _CLASS, index.oid, 0, _CONSTRAINT, owner.oid, 0, "i"
        return
    plain = {key.column_number for key in index.columns if key.column_number} | set(index.include)
    texts = [key.expression for key in index.columns if key.expression is not None]
    if index.predicate is not None:
        texts.append(index.predicate)
    mentioned = {
        column.number
        for column in table.columns
        if any(mentions_name(text, column.name) for text in texts)
    }
    for number in sorted(plain | mentioned):
        yield _CLASS, index.oid, 0, _CLASS, table.oid, number, "a"
    if not plain:
        yield _CLASS, index.oid, 0, _CLASS, table.oid, 0, "a"


def _of_query(item: View | Table | Rule, catalog: Catalog) -> Iterator[Row]:
    """What a view's query or a rule uses: a view's rule depends on it, and is part of the view."""
    if isinstance(item, View) or (isinstance(item, Table) and item.materialized_query):
        yield _REWRITE, item.oid, 0, _CLASS, item.oid, 0, "i"
    for oid in sorted(item.depends_on):
        used = catalog.object(oid)
        if isinstance(used, SystemView) and used.namespace_oid == PG_CATALOG_OID:
            # What is always there is not recorded.
            continue
        kind = _CLASS
        if isinstance(used, UserType):
            kind = _TYPE
        elif isinstance(used, SqlFunction):
            kind = _PROC
        yield _REWRITE, item.oid, 0, kind, oid, 0, "n"


DEPEND_VIEWS: tuple[SystemView, ...] = (
    catalog_of(
        2608,
        "pg_depend",
        "classid oid, objid oid, objsubid int4, refclassid oid, refobjid oid, refobjsubid int4, deptype char",
        _dependencies,
    ),
)
