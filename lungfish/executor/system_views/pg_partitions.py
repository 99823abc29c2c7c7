"""pg_inherits and pg_partitioned_table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import PG_CATALOG_OID, Column, SystemView, Table
from lungfish.catalog.partition_parts import PartitionKeyColumn
from lungfish.catalog.partitions import bound_of, partitions_of
from lungfish.executor.system_views.definition import system_view
from lungfish.executor.system_views.pg_operator_classes import class_of_key, collation_of
from lungfish.executor.system_views.pg_relations import (
    array,
)
from lungfish.types.sql_type import (
    BOOLEAN,
    INT2VECTOR,
    INTEGER,
    INTERNAL_CHAR,
    OID,
    OIDVECTOR,
    SMALLINT,
    TEXT,
)

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

_STRATEGIES = {"range": "r", "list": "l", "hash": "h"}


def _inherits(context: ExecutionContext) -> Iterator[tuple[Any, ...]]:
    for table in context.catalog.tables():
        for number, parent in enumerate(table.parents, 1):
            yield table.oid, parent, number, False
        for index in table.indexes:
            if index.parent_oid is not None:
                yield index.oid, index.parent_oid, 1, False


def _own(table: Table, item: PartitionKeyColumn) -> str | None:
    """The collation of a key's column."""
    if not item.column_number:
        return None
    return table.columns[table.position_of_number(item.column_number)].collation


def _partitioned(context: ExecutionContext) -> Iterator[tuple[Any, ...]]:
    catalog = context.catalog
    for table in catalog.tables():
        key = table.partition_key
        if key is None:
            continue
        default = next(
            (item.oid for item in partitions_of(table, catalog) if bound_of(item).is_default), 0
        )
        expressions = ", ".join(item.expression for item in key.columns if item.expression)
        collations = [
            collation_of(Column("", item.type, 1, collation=item.collation or _own(table, item)))
            for item in key.columns
        ]
        method = "hash" if key.strategy == "hash" else "btree"
        yield (
            table.oid,
            _STRATEGIES[key.strategy],
            len(key.columns),
            default,
            array([item.column_number for item in key.columns], lower=0),
            array([class_of_key(item, method) for item in key.columns], lower=0),
            array(collations, lower=0),
            expressions or None,
        )


PARTITION_VIEWS: tuple[SystemView, ...] = (
    system_view(
        2611,
        "pg_inherits",
        PG_CATALOG_OID,
        [
            ("inhrelid", OID),
            ("inhparent", OID),
            ("inhseqno", INTEGER),
            ("inhdetachpending", BOOLEAN),
        ],
        _inherits,
    ),
    system_view(
        3350,
        "pg_partitioned_table",
        PG_CATALOG_OID,
        [
            ("partrelid", OID),
            ("partstrat", INTERNAL_CHAR),
            ("partnatts", SMALLINT),
            ("partdefid", OID),
            ("partattrs", INT2VECTOR),
            ("partclass", OIDVECTOR),
            ("partcollation", OIDVECTOR),
            ("partexprs", TEXT),
        ],
        _partitioned,
    ),
)
