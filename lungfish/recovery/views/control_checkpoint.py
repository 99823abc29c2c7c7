"""`pg_control_checkpoint()`: the facts of the newest checkpoint, by PostgreSQL's names. What Lungfish has nothing of is NULL."""

from __future__ import annotations

from lungfish.recovery.checkpoint_participants import TRANSACTIONS
from lungfish.recovery.core import StorageCore
from lungfish.recovery.relation_state import COMMITTED, decode_relation_state
from lungfish.recovery.view_rows import Row
from lungfish.recovery.wal_records import format_lsn

# Lives of the log have numbers of their own; a database never leaves its first time line.
_TIMELINE = 1


def control_checkpoint_rows(core: StorageCore) -> list[Row]:
    """One row, in the order of `functions/storage_functions.py: CONTROL_CHECKPOINT_COLUMNS`."""
    facts = core.memory.facts
    record = next(
        (
            row
            for row in core.memory.checkpoints.rows()
            if row.checkpoint_id == facts.checkpoint_id and row.checkpoint_lsn is not None
        ),
        None,
    )
    checkpoint_lsn = facts.redo_lsn if record is None else record.checkpoint_lsn
    next_xid = int(facts.of(TRANSACTIONS).get("next_id", 1))
    running = _oldest_running(core)
    segment = core.folder.path_of(facts.redo_lsn // core.log.start.capacity)
    return [
        (
            format_lsn(checkpoint_lsn or facts.redo_lsn),
            format_lsn(facts.redo_lsn),
            segment.rpartition("/")[2],
            _TIMELINE,
            _TIMELINE,
            False,
            f"0:{next_xid}",
            None,
            None,
            None,
            min(running or next_xid, next_xid),
            None,
            running or next_xid,
            *(None,) * 4,
            facts.taken_at or None,
        )
    ]


def _oldest_running(core: StorageCore) -> int | None:
    """The oldest transaction of which the newest image retains rows: it was running then."""
    found = [
        retained.transaction_id
        for image in core.store.image.relations.values()
        for retained in decode_relation_state(image.payload).retained
        if retained.transaction_id != COMMITTED
    ]
    return min(found, default=None)
