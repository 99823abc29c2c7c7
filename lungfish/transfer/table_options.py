"""What a table says beyond its columns, keys and rows: extended statistics, options of columns, the identity of its rows."""

from __future__ import annotations

from collections.abc import Iterator

from lungfish.catalog import Catalog
from lungfish.catalog.names import qualified
from lungfish.catalog.objects import Column, Table
from lungfish.executor.system_views.pg_statistics import statistics_definition
from lungfish.executor.system_views.texts import with_list
from lungfish.sql.quoting import quote_identifier
from lungfish.transfer.definitions import object_comment

# pg_attribute's letters.
_STORAGES = {"p": "PLAIN", "e": "EXTERNAL", "x": "EXTENDED", "m": "MAIN"}
_COMPRESSIONS = {"p": "pglz", "l": "lz4"}
_IDENTITIES = {"full": "FULL", "nothing": "NOTHING"}


def table_options(catalog: Catalog, table: Table) -> Iterator[str]:
    """The statements, for a table whose indexes are there."""
    name = qualified(catalog, table)
    for column in table.columns:
        for option in _column_options(column):
            yield f"ALTER TABLE ONLY {name} ALTER COLUMN {quote_identifier(column.name)} {option};"
    schema = quote_identifier(catalog.namespace_name(table.namespace_oid))
    for index in table.indexes:
        for number, key in enumerate(index.columns, 1):
            if key.statistics_target is not None:
                yield (
                    f"ALTER INDEX {schema}.{quote_identifier(index.name)}"
                    f" ALTER COLUMN {number} SET STATISTICS {key.statistics_target};"
                )
    identity = _replica_identity(table)
    if identity is not None:
        yield f"ALTER TABLE ONLY {name} REPLICA IDENTITY {identity};"
    for item in table.statistics:
        yield f"{statistics_definition(catalog, table, item, owner=name)};"
        if item.target is not None:
            yield f"ALTER STATISTICS {qualified(catalog, item)} SET STATISTICS {item.target};"
        yield from object_comment("STATISTICS", qualified(catalog, item), item.comment)


def _column_options(column: Column) -> Iterator[str]:
    if column.statistics_target is not None:
        yield f"SET STATISTICS {column.statistics_target}"
    if column.storage is not None:
        yield f"SET STORAGE {_STORAGES[column.storage]}"
    if column.compression is not None:
        yield f"SET COMPRESSION {_COMPRESSIONS[column.compression]}"
    if column.parameters:
        yield f"SET ({with_list(column.parameters)})"


def _replica_identity(table: Table) -> str | None:
    for index in table.indexes:
        if index.is_replica_identity:
            return f"USING INDEX {quote_identifier(index.name)}"
    return _IDENTITIES.get(table.replica_identity)
