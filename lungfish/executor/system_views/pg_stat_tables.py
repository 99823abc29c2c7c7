"""PostgreSQL's statistics of tables and indexes: pg_stat_all_tables, pg_statio_all_tables and their kin.

What is counted is there: what VACUUM and ANALYZE have found, when and how often they ran since the database was opened. Scans, changed
rows and blocks are not counted by table; those columns are null, not 0, so that no index looks as if nobody had ever used it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.catalog.objects import SystemView, Table
from lungfish.executor.system_views.definition import Rows, catalog_of

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Row = tuple[Any, ...]

_TABLE = "relid oid, schemaname name, relname name"
_INDEX = "relid oid, indexrelid oid, schemaname name, relname name, indexrelname name"
_CHANGES = (
    "n_tup_ins int8, n_tup_upd int8, n_tup_del int8, n_tup_hot_upd int8, n_tup_newpage_upd int8"
)
_ALL_TABLES = (
    f"{_TABLE}, seq_scan int8, last_seq_scan timestamptz, seq_tup_read int8, idx_scan int8, last_idx_scan timestamptz,"
    f" idx_tup_fetch int8, {_CHANGES}, n_live_tup int8, n_dead_tup int8, n_mod_since_analyze int8,"
    " n_ins_since_vacuum int8, last_vacuum timestamptz, last_autovacuum timestamptz, last_analyze timestamptz,"
    " last_autoanalyze timestamptz, vacuum_count int8, autovacuum_count int8, analyze_count int8,"
    " autoanalyze_count int8, total_vacuum_time float8, total_autovacuum_time float8, total_analyze_time float8,"
    " total_autoanalyze_time float8"
)
_XACT_TABLES = (
    f"{_TABLE}, seq_scan int8, seq_tup_read int8, idx_scan int8, idx_tup_fetch int8, {_CHANGES}"
)
_IO_TABLES = (
    f"{_TABLE}, heap_blks_read int8, heap_blks_hit int8, idx_blks_read int8, idx_blks_hit int8, toast_blks_read int8,"
    " toast_blks_hit int8, tidx_blks_read int8, tidx_blks_hit int8"
)
_ALL_INDEXES = (
    f"{_INDEX}, idx_scan int8, last_idx_scan timestamptz, idx_tup_read int8, idx_tup_fetch int8"
)
_IO_INDEXES = f"{_INDEX}, idx_blks_read int8, idx_blks_hit int8"
_IO_SEQUENCES = f"{_TABLE}, blks_read int8, blks_hit int8"
_FUNCTIONS = (
    "funcid oid, schemaname name, funcname name, calls int8, total_time float8, self_time float8"
)


def _name(context: ExecutionContext, item: Table | SequenceObject) -> Row:
    return item.oid, context.catalog.namespace_name(item.namespace_oid), item.name


def _tables(context: ExecutionContext) -> Iterator[Row]:
    statistics = context.functions.session_fact("statistics")
    for table in context.catalog.tables():
        seen, upkeep = statistics.last_seen(table), statistics.upkeep(table)
        live_count = None if seen is None else int(seen.row_count)
        vacuums, analyzes = upkeep.vacuums, upkeep.analyzes
        yield (
            *_name(context, table), *([None] * 11), live_count, None, None, None, vacuums.last_us, None, analyzes.last_us, None,
            vacuums.count, 0, analyzes.count, 0, vacuums.total_ms, 0.0, analyzes.total_ms, 0.0,
        )  # fmt: skip


def _named_tables(uncounted: int, *, with_partitioned: bool) -> Rows:
    """The names of tables, behind them so many columns that nobody counts."""

    def rows(context: ExecutionContext) -> Iterator[Row]:
        for table in context.catalog.tables():
            if with_partitioned or table.partition_key is None:
                yield (*_name(context, table), *([None] * uncounted))

    return rows


def _named_indexes(uncounted: int) -> Rows:
    def rows(context: ExecutionContext) -> Iterator[Row]:
        for table in context.catalog.tables():
            if table.partition_key is None:
                oid, schema, name = _name(context, table)
                for index in table.indexes:
                    yield oid, index.oid, schema, name, index.name, *([None] * uncounted)

    return rows


def _sequences(context: ExecutionContext) -> Iterator[Row]:
    for item in context.catalog.objects():
        if isinstance(item, SequenceObject):
            yield (*_name(context, item), None, None)


def _views(oid: int, name: str, columns: str, rows: Rows) -> tuple[SystemView, ...]:
    """The view of all relations of a kind, of the users' and of the system's own, which are views and none of these."""
    return (
        catalog_of(oid, name.format("all"), columns, rows),
        catalog_of(oid + 1, name.format("user"), columns, rows),
        catalog_of(oid + 2, name.format("sys"), columns),
    )


STAT_TABLE_VIEWS: tuple[SystemView, ...] = (
    *_views(12501, "pg_stat_{}_tables", _ALL_TABLES, _tables),
    *_views(12504, "pg_stat_xact_{}_tables", _XACT_TABLES, _named_tables(9, with_partitioned=True)),
    *_views(12507, "pg_statio_{}_tables", _IO_TABLES, _named_tables(8, with_partitioned=False)),
    *_views(12510, "pg_stat_{}_indexes", _ALL_INDEXES, _named_indexes(4)),
    *_views(12513, "pg_statio_{}_indexes", _IO_INDEXES, _named_indexes(2)),
    *_views(12516, "pg_statio_{}_sequences", _IO_SEQUENCES, _sequences),
    # Calls of functions are counted by nobody, as with PostgreSQL's `track_functions = none`.
    catalog_of(12519, "pg_stat_user_functions", _FUNCTIONS),
    catalog_of(12520, "pg_stat_xact_user_functions", _FUNCTIONS),
)
