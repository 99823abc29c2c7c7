"""How checkpoints are coordinated: `checkpoint_participants`, `fence_stats`, `io_budget`, `dirty_pages`, `pg_stat_checkpointer`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lungfish.errors import UndefinedTable
from lungfish.recovery.core import StorageCore
from lungfish.recovery.relation_names import numbered
from lungfish.recovery.view_rows import Columns, Row, row_of
from lungfish.recovery.views.storage_view import StorageView
from lungfish.recovery.wal_records import format_lsn
from lungfish.storage.ids import LSN, RelationId
from lungfish.storage.page_table import UNIT_MASK, PageTable, unit_count_of
from lungfish.types.array_value import array_value
from lungfish.types.sql_type import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    PG_LSN,
    REAL,
    TEXT,
    TIMESTAMPTZ,
    array_of,
)

PARTICIPANTS_COLUMNS: Columns = (
    ("checkpoint_id", BIGINT),
    ("participant", TEXT),
    ("phase", TEXT),
    ("status", TEXT),
    ("begin_ms", DOUBLE),
    ("prepare_ms", DOUBLE),
    ("commit_ms", DOUBLE),
    ("abort_ms", DOUBLE),
    ("pages", BIGINT),
    ("bytes", BIGINT),
    ("min_rec_lsn", PG_LSN),
    ("high_water_lsn", PG_LSN),
    ("detail", TEXT),
)
FENCE_COLUMNS: Columns = (
    ("fences", BIGINT),
    ("abandoned", BIGINT),
    ("held_total_ms", DOUBLE),
    ("held_max_ms", DOUBLE),
    ("held_p50_ms", DOUBLE),
    ("held_p99_ms", DOUBLE),
    ("waiters_total", BIGINT),
    ("waiter_p99_ms", DOUBLE),
    ("waiter_max_ms", DOUBLE),
    ("histogram", array_of(BIGINT)),
    ("le_ms", array_of(DOUBLE)),
)
IO_BUDGET_COLUMNS: Columns = (
    ("class", TEXT),
    ("rate_bytes_s", BIGINT),
    ("burst_bytes", BIGINT),
    ("floor_bytes_s", BIGINT),
    ("tokens_bytes", BIGINT),
    ("granted_bytes", BIGINT),
    ("deferred_count", BIGINT),
    ("wait_total_ms", DOUBLE),
    ("wait_max_ms", DOUBLE),
    ("debt_bytes", BIGINT),
    ("auto_tuned", BOOLEAN),
)
DIRTY_PAGES_COLUMNS: Columns = (
    ("relation", TEXT),
    ("kind", TEXT),
    ("dirty", BIGINT),
    ("oldest_rec_lsn", PG_LSN),
    ("newest_lsn", PG_LSN),
    ("bytes", BIGINT),
    ("fragmentation", REAL),
)
CHECKPOINTER_COLUMNS: Columns = (
    ("num_timed", BIGINT),
    ("num_requested", BIGINT),
    ("num_done", BIGINT),
    ("restartpoints_timed", BIGINT),
    ("restartpoints_req", BIGINT),
    ("restartpoints_done", BIGINT),
    ("write_time", DOUBLE),
    ("sync_time", DOUBLE),
    ("buffers_written", BIGINT),
    ("slru_written", BIGINT),
    ("stats_reset", TIMESTAMPTZ),
)


def participants_rows(core: StorageCore) -> Iterator[Row]:
    """Of the last checkpoints and the one under way, oldest first; participants in the order in which they are called."""
    run = core.checkpoints.current
    shown = list(core.memory.parties)
    if run is not None and run.calls.rows not in shown:
        shown.append(run.calls.rows)
    for rows in shown:
        for row in rows:
            yield row_of(row, PARTICIPANTS_COLUMNS)


def fence_rows(core: StorageCore) -> Iterator[Row]:
    """One row. The histogram counts the waits of writers: bucket i those of at most le_ms[i], the last one the longer ones."""
    counters = core.checkpoints.counters
    held, waits = counters.fence, counters.waits
    yield (
        held.count,
        int(counters.abandoned.value),
        held.total,
        held.maximum,
        float(held.quantile(0.5)),
        float(held.quantile(0.99)),
        waits.count,
        float(waits.quantile(0.99)),
        waits.maximum,
        array_value(waits.counts),
        array_value([float(bound) for bound in waits.bounds]),
    )


def io_budget_rows(core: StorageCore) -> Iterator[Row]:
    """A row for each class, and one for all together, which has the shared bucket."""
    budget = core.io_budget
    budget.fill()
    for io_class, share in budget.shares.items():
        bucket = share.bucket
        yield (
            io_class.value,
            int(bucket.rate),
            int(bucket.burst),
            int(share.floor),
            int(bucket.tokens),
            share.granted_bytes,
            share.deferred_count,
            share.wait_total_ms,
            share.wait_max_ms,
            max(0, -int(bucket.tokens)),
            share.is_auto_tuned,
        )
    shared, shares = budget.shared, budget.shares.values()
    yield (
        "all",
        int(shared.rate),
        int(shared.burst),
        int(sum(share.floor for share in shares)),
        int(shared.tokens),
        sum(share.granted_bytes for share in shares),
        sum(share.deferred_count for share in shares),
        sum(share.wait_total_ms for share in shares),
        max(share.wait_max_ms for share in shares),
        max(0, -int(shared.tokens)),
        any(share.is_auto_tuned for share in shares),
    )


def dirty_pages_rows(core: StorageCore) -> Iterator[Row]:
    """A row for each relation with pages that are newer in memory than in the file."""
    names = core.relation_names()
    page_size = core.store.page_size_bytes
    for figures in core.pool.relation_figures():
        dirty = figures.dirty_pages + figures.frozen_pages
        if not dirty:
            continue
        kind = figures.kind.name.lower()
        name = names.get(figures.relation_id) or numbered(figures.relation_id, kind)
        yield (
            name.name,
            name.kind,
            dirty,
            _lsn(figures.oldest_lsn),
            _lsn(figures.newest_lsn),
            dirty * page_size,
            _fragmentation(core, figures.relation_id),
        )


def dirty_page_list(core: StorageCore, relation: str) -> list[Row]:
    """The dirty pages of a relation by name: number, first and newest change. Raises UndefinedTable."""
    wanted = relation.lower()
    found = [
        relation_id
        for relation_id, name in core.relation_names().items()
        if wanted in (name.name.lower(), f"{name.schema}.{name.name}".lower())
    ]
    if not found:
        raise UndefinedTable(f'relation "{relation}" does not exist')
    return [
        (int(page_id), _lsn(first), _lsn(newest), is_frozen)
        for relation_id in found
        for page_id, first, newest, is_frozen in core.pool.dirty_list(relation_id)
    ]


def checkpointer_rows(core: StorageCore) -> Iterator[Row]:
    """One row. As in PostgreSQL, num_timed and num_requested count skipped ones too, num_done those that were performed."""
    counters = core.checkpoints.counters
    yield (
        int(counters.timed.value),
        int(counters.requested.value),
        int(counters.done.value),
        0,
        0,
        0,
        float(counters.write_ms.value),
        float(counters.sync_ms.value),
        int(counters.pages.value),
        0,
        core.opened_at,
    )


def _fragmentation(core: StorageCore, relation_id: RelationId) -> float | None:
    """The part of the relation's stored pages that do not lie right behind the page before them; None if nothing is stored."""
    slots = core.store.slots
    with slots.lock:
        live = slots.live.get(relation_id)
        locations = [] if live is None else _locations(live.table)
    if len(locations) < 2:
        return 0.0 if locations else None
    starts = np.array([first for first, _ in locations])
    ends = starts + np.array([count for _, count in locations])
    return float((starts[1:] != ends[:-1]).mean())


def _locations(table: PageTable) -> list[tuple[int, int]]:
    found = []
    for chunk in table.chunks:
        found += [
            (location & UNIT_MASK, unit_count_of(location))
            for location in chunk.locations
            if location
        ]
    return found


def _lsn(lsn: LSN) -> str | None:
    return format_lsn(lsn) if lsn else None


COORDINATION_VIEWS = (
    StorageView(12303, "checkpoint_participants", PARTICIPANTS_COLUMNS, participants_rows),
    StorageView(12308, "dirty_pages", DIRTY_PAGES_COLUMNS, dirty_pages_rows),
    StorageView(12309, "io_budget", IO_BUDGET_COLUMNS, io_budget_rows),
    StorageView(12310, "fence_stats", FENCE_COLUMNS, fence_rows),
    StorageView(12401, "pg_stat_checkpointer", CHECKPOINTER_COLUMNS, checkpointer_rows, is_postgres=True),
)  # fmt: skip
