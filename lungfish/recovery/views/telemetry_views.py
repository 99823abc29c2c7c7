"""Figures and verdicts: `metrics` and `health`, and PostgreSQL's `pg_stat_wal`, `pg_stat_io` and `pg_stat_bgwriter`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal

from lungfish.recovery.core import StorageCore
from lungfish.recovery.health import health_checks
from lungfish.recovery.view_rows import Columns, Row, row_of
from lungfish.recovery.views.storage_view import StorageView
from lungfish.storage.measured_disk import RELATION
from lungfish.types.sql_type import BIGINT, DOUBLE, JSONB, NUMERIC, TEXT, TIMESTAMPTZ

METRICS_COLUMNS: Columns = (
    ("name", TEXT),
    ("type", TEXT),
    ("unit", TEXT),
    ("labels", JSONB),
    ("value", DOUBLE),
    ("help", TEXT),
)
HEALTH_COLUMNS: Columns = (
    ("check_name", TEXT),
    ("level", TEXT),
    ("value", DOUBLE),
    ("unit", TEXT),
    ("warn_at", DOUBLE),
    ("critical_at", DOUBLE),
    ("since", TIMESTAMPTZ),
    ("remedy", TEXT),
    ("remedy_sql", TEXT),
    ("playbook", TEXT),
)
STAT_WAL_COLUMNS: Columns = (
    ("wal_records", BIGINT),
    ("wal_fpi", BIGINT),
    ("wal_bytes", NUMERIC),
    ("wal_fpi_bytes", NUMERIC),
    ("wal_buffers_full", BIGINT),
    ("stats_reset", TIMESTAMPTZ),
)
STAT_IO_COLUMNS: Columns = (
    ("backend_type", TEXT),
    ("object", TEXT),
    ("context", TEXT),
    ("reads", BIGINT),
    ("read_bytes", NUMERIC),
    ("read_time", DOUBLE),
    ("writes", BIGINT),
    ("write_bytes", NUMERIC),
    ("write_time", DOUBLE),
    ("extends", BIGINT),
    ("extend_bytes", NUMERIC),
    ("extend_time", DOUBLE),
    ("hits", BIGINT),
    ("evictions", BIGINT),
    ("reuses", BIGINT),
    ("fsyncs", BIGINT),
    ("fsync_time", DOUBLE),
    ("stats_reset", TIMESTAMPTZ),
)
STAT_BGWRITER_COLUMNS: Columns = (
    ("buffers_clean", BIGINT),
    ("maxwritten_clean", BIGINT),
    ("buffers_alloc", BIGINT),
    ("stats_reset", TIMESTAMPTZ),
)


def metrics_rows(core: StorageCore) -> Iterable[Row]:
    """By name."""
    for metric in core.telemetry.metrics():
        labels = json.dumps(dict(metric.labels))
        yield metric.name, metric.type, metric.unit, labels, float(metric.value), metric.help


def health_rows(core: StorageCore) -> Iterable[Row]:
    """Every check, also those that are well."""
    return [row_of(check, HEALTH_COLUMNS) for check in health_checks(core)]


def stat_wal_rows(core: StorageCore) -> Iterable[Row]:
    """One row. The log holds no full page images."""
    log = core.log
    yield (
        log.records.value,
        0,
        Decimal(log.bytes.value),
        Decimal(0),
        log.buffers_full.value,
        core.opened_at,
    )


def stat_io_rows(core: StorageCore) -> Iterable[Row]:
    """A row for each purpose and kind of file. Hits and evictions are the buffer pool's, and its clients'."""
    pool = core.pool.figures()
    for (purpose, kind), io in core.io.figures.items():
        is_pool = kind == RELATION and purpose == "client backend"
        yield (
            purpose,
            kind,
            "normal",
            io.reads,
            Decimal(io.read_bytes),
            io.read_ms,
            io.writes,
            Decimal(io.write_bytes),
            io.write_ms,
            io.extends,
            Decimal(io.extend_bytes),
            io.extend_ms,
            pool.hits if is_pool else None,
            pool.evictions if is_pool else None,
            None,
            io.syncs,
            io.sync_ms,
            core.opened_at,
        )


def stat_bgwriter_rows(core: StorageCore) -> Iterable[Row]:
    """One row: pages written early to make room, and pages that came into memory. There is no round that could be cut short."""
    pool = core.pool.figures()
    yield pool.early_writes, 0, pool.misses + pool.resident_pages, core.opened_at


TELEMETRY_VIEWS = (
    StorageView(12316, "health", HEALTH_COLUMNS, health_rows),
    StorageView(12317, "metrics", METRICS_COLUMNS, metrics_rows),
    StorageView(12402, "pg_stat_wal", STAT_WAL_COLUMNS, stat_wal_rows, is_postgres=True),
    StorageView(12404, "pg_stat_io", STAT_IO_COLUMNS, stat_io_rows, is_postgres=True),
    StorageView(12407, "pg_stat_bgwriter", STAT_BGWRITER_COLUMNS, stat_bgwriter_rows, is_postgres=True),
)  # fmt: skip
