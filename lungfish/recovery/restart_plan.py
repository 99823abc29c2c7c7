"""What a restart now would do, for EXPLAIN RECOVERY: the log is read as a restart would read it, and nothing is written.

Only what is on disk counts, as a kill would leave it: the log up to where it was synced when the question was asked. The first pass learns
who committed, the second what that makes of each table's rows; neither keeps the log in memory.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import numpy as np

from lungfish.recovery.core import StorageCore
from lungfish.recovery.relation_state import decode_relation_state
from lungfish.recovery.restart_changes import changes_of, row_records
from lungfish.recovery.restart_estimate import Prediction, predict
from lungfish.recovery.restart_log import LogFacts, analyse, piece_size_for, row_indexes
from lungfish.recovery.restart_relations import TableRelations, is_mostly_from_log
from lungfish.recovery.wal_batch import Integers, RecordBatch
from lungfish.recovery.wal_reader import LogReader
from lungfish.storage.ids import LSN, RelationId
from lungfish.storage.row_states import distinct, distinct_sorted

# How much of the log is read at once.
_MEMORY_LIMIT = 64 << 20


@dataclass(slots=True)
class TablePlan:
    """What a restart would do to one table."""

    heap: RelationId
    mark: LSN
    # Row records of its heap in the log: those that count, and those before the mark or of transactions that did not commit.
    records_applied: int = 0
    records_skipped: int = 0
    log_bytes: int = 0
    pages: int = 0
    # Old versions that the image carries, to be put back or purged.
    rows_to_settle: int = 0
    # Indexes to be built from the rows.
    indexes_built: int = 0
    # The pages met so far.
    page_ids: Integers = field(default_factory=lambda: np.zeros(0, np.int64), repr=False)


@dataclass(frozen=True, slots=True)
class RecoveryPlan:
    """What a restart would do. Sizes in bytes."""

    checkpoint_id: int
    redo_lsn: LSN
    # Where the log would be read from and to.
    start_lsn: LSN
    end_lsn: LSN
    log_bytes: int
    log_records: int
    losers: int
    tables: tuple[TablePlan, ...]
    prediction: Prediction


def plan_recovery(core: StorageCore, tables: Collection[TableRelations]) -> RecoveryPlan:
    """Look at image and log as they are on disk now. Raises CorruptLog where a restart would."""
    images = core.store.image.relations
    end = core.log.durable_lsn
    marks = [image.mark_lsn for image in images.values()]
    start = LSN(min(marks, default=core.memory.facts.redo_lsn))
    log = _LogOnDisk(core, start, end)
    facts = analyse(log, memory_limit=0)
    plans = {table.heap: _table_plan(core, table, facts) for table in tables}
    for batch in log.batches():
        rows = row_records(batch, row_indexes(batch))
        for heap in distinct(rows.relations):
            plan = plans.get(RelationId(heap))
            if plan is not None:
                changes = changes_of([rows], plan.heap, mark=plan.mark, committed=facts.committed)
                plan.records_applied += changes.records_applied
                plan.records_skipped += changes.records_skipped
                if changes.states is not None:
                    met = distinct_sorted(changes.states.page_ids())
                    plan.page_ids = np.union1d(plan.page_ids, met)
                    plan.pages = len(plan.page_ids)
    past = core.memory.recoveries.rows()
    return RecoveryPlan(
        checkpoint_id=core.memory.facts.checkpoint_id,
        redo_lsn=core.memory.facts.redo_lsn,
        start_lsn=start,
        end_lsn=max(start, end),
        log_bytes=facts.byte_count,
        log_records=facts.record_count,
        losers=facts.loser_count,
        tables=tuple(plans.values()),
        prediction=predict(past, log_bytes=facts.byte_count, record_count=facts.record_count),
    )


def _table_plan(core: StorageCore, table: TableRelations, facts: LogFacts) -> TablePlan:
    images = core.store.image.relations
    image = images.get(table.heap)
    plan = TablePlan(table.heap, LSN(0) if image is None else image.mark_lsn)
    plan.log_bytes = facts.row_bytes.get(table.heap, 0)
    if image is not None:
        plan.rows_to_settle = len(decode_relation_state(image.payload).retained)
    image_bytes = 0 if image is None else image.page_count * core.store.page_size_bytes
    rows = facts.rows.get(table.heap, 0)
    is_rebuilt = is_mostly_from_log(rows=rows, log_bytes=plan.log_bytes, image_bytes=image_bytes)
    for index in table.indexes:
        found = images.get(index)
        is_missing = found is None or decode_relation_state(found.payload).is_unsettled
        plan.indexes_built += is_rebuilt or (is_missing and image is not None)
    return plan


class _LogOnDisk:
    """The records up to `end`; what is appended meanwhile lies behind it, and nobody judges how the log ends there."""

    def __init__(self, core: StorageCore, start: LSN, end: LSN) -> None:
        self.lost_transactions: set[int] = set()
        self._core = core
        self._start = start
        self._end = end

    def batches(self) -> Iterator[RecordBatch]:
        if self._start >= self._end:
            return
        reader = LogReader(
            self._core.folder,
            uuid=self._core.store.uuid,
            start=self._start,
            durable_lsn=self._start,
            piece_size=piece_size_for(_MEMORY_LIMIT),
        )
        for batch in reader.batches():
            ends = batch.base + batch.ends
            count = int(np.searchsorted(ends, self._end, side="right"))
            if count:
                yield RecordBatch(batch.base, batch.data, batch.starts[:count], batch.ends[:count])
            if count < batch.count or batch.end >= self._end:
                return
