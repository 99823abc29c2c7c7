"""What past checkpoints and restarts were like: the rows of `lungfish.checkpoint_history` and `lungfish.recovery_history`.

The rows are kept with the checkpoint's image, and each new one is also noted in the log, so that a crash loses none. As JSON arrays
in the order of the fields; a field added later goes to the end and has a default, so that older rows can still be read.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

from lungfish import errors
from lungfish.recovery.view_rows import Columns
from lungfish.types.sql_type import BIGINT, BOOLEAN, DOUBLE, PG_LSN, REAL, TEXT, TIMESTAMPTZ

# As many as `checkpoint_history_rows` may ask for; the setting is known a little later than the rows.
CHECKPOINT_HISTORY_ROWS_MAX = 65536
RECOVERY_HISTORY_ROWS = 64


@dataclass(frozen=True, slots=True)
class CheckpointRecord:
    """One finished checkpoint. Times in milliseconds, moments in microseconds since 1970 (UTC), sizes in bytes."""

    checkpoint_id: int
    kind: str
    mode: str
    trigger: str
    requested_by: str
    name: str | None
    outcome: str
    started_at: int
    finished_at: int | None = None
    begin_ms: float | None = None
    prepare_ms: float | None = None
    fence_ms: float | None = None
    # Noting what the participants gave, after the fence was open again.
    capture_ms: float | None = None
    write_ms: float | None = None
    sync_ms: float | None = None
    commit_ms: float | None = None
    retention_ms: float | None = None
    total_ms: float | None = None
    redo_lsn: int | None = None
    checkpoint_lsn: int | None = None
    # The log's end when the checkpoint was done.
    end_lsn: int | None = None
    pages_dirty: int | None = None
    pages_written: int | None = None
    bytes_written: int | None = None
    image_bytes: int | None = None
    files_synced: int | None = None
    longest_sync_ms: float | None = None
    average_sync_ms: float | None = None
    wal_segments_added: int | None = None
    wal_segments_removed: int | None = None
    wal_segments_recycled: int | None = None
    wal_segments_archived: int | None = None
    wal_distance_bytes: int | None = None
    wal_distance_estimate_bytes: int | None = None
    blocked_txns: int | None = None
    blocked_total_ms: float | None = None
    blocked_max_ms: float | None = None
    queue_wait_ms: float | None = None
    throttled_ms: float | None = None
    error_sqlstate: str | None = None
    error_text: str | None = None
    blocker: str | None = None


CHECKPOINT_HISTORY_COLUMNS: Columns = (
    ("checkpoint_id", BIGINT),
    ("kind", TEXT),
    ("mode", TEXT),
    ("trigger", TEXT),
    ("requested_by", TEXT),
    ("name", TEXT),
    ("outcome", TEXT),
    ("started_at", TIMESTAMPTZ),
    ("finished_at", TIMESTAMPTZ),
    ("begin_ms", DOUBLE),
    ("prepare_ms", DOUBLE),
    ("fence_ms", DOUBLE),
    ("capture_ms", DOUBLE),
    ("write_ms", DOUBLE),
    ("sync_ms", DOUBLE),
    ("commit_ms", DOUBLE),
    ("retention_ms", DOUBLE),
    ("total_ms", DOUBLE),
    ("redo_lsn", PG_LSN),
    ("checkpoint_lsn", PG_LSN),
    ("end_lsn", PG_LSN),
    ("pages_dirty", BIGINT),
    ("pages_written", BIGINT),
    ("bytes_written", BIGINT),
    ("image_bytes", BIGINT),
    ("files_synced", BIGINT),
    ("longest_sync_ms", DOUBLE),
    ("average_sync_ms", DOUBLE),
    ("wal_segments_added", BIGINT),
    ("wal_segments_removed", BIGINT),
    ("wal_segments_recycled", BIGINT),
    ("wal_segments_archived", BIGINT),
    ("wal_distance_bytes", BIGINT),
    ("wal_distance_estimate_bytes", BIGINT),
    ("blocked_txns", BIGINT),
    ("blocked_total_ms", DOUBLE),
    ("blocked_max_ms", DOUBLE),
    ("queue_wait_ms", DOUBLE),
    ("throttled_ms", DOUBLE),
    ("error_sqlstate", TEXT),
    ("error_text", TEXT),
    ("blocker", TEXT),
)


@dataclass(frozen=True, slots=True)
class RecoveryRecord:
    """One opening of the database. Times in milliseconds, moments in microseconds since 1970 (UTC), sizes in bytes."""

    recovery_id: int
    opened_at: int
    # There was nothing to recover: the database had been closed.
    clean: bool
    cause: str
    checkpoint_id: int
    fallback_used: bool
    redo_lsn: int
    end_lsn: int
    wal_bytes: int
    records_applied: int
    records_skipped: int
    pages_hydrated: int
    torn_pages_fixed: int
    losers: int
    lock_ms: float | None
    locate_ms: float
    hydrate_ms: float
    analyze_ms: float
    redo_ms: float
    undo_ms: float
    index_ms: float
    cleanup_ms: float
    total_ms: float
    estimated_ms: float | None
    estimate_error: float | None
    tail_state: str
    discarded_bytes: int
    quarantined_path: str | None
    wal_recovery_mode: str
    # All records of the log that was read, those of commits too: what estimates go by.
    records_read: int = 0


RECOVERY_HISTORY_COLUMNS: Columns = (
    ("recovery_id", BIGINT),
    ("opened_at", TIMESTAMPTZ),
    ("clean", BOOLEAN),
    ("cause", TEXT),
    ("checkpoint_id", BIGINT),
    ("fallback_used", BOOLEAN),
    ("redo_lsn", PG_LSN),
    ("end_lsn", PG_LSN),
    ("wal_bytes", BIGINT),
    ("records_applied", BIGINT),
    ("records_skipped", BIGINT),
    ("pages_hydrated", BIGINT),
    ("torn_pages_fixed", BIGINT),
    ("losers", BIGINT),
    ("lock_ms", DOUBLE),
    ("locate_ms", DOUBLE),
    ("hydrate_ms", DOUBLE),
    ("analyze_ms", DOUBLE),
    ("redo_ms", DOUBLE),
    ("undo_ms", DOUBLE),
    ("index_ms", DOUBLE),
    ("cleanup_ms", DOUBLE),
    ("total_ms", DOUBLE),
    ("estimated_ms", DOUBLE),
    ("estimate_error", REAL),
    ("tail_state", TEXT),
    ("discarded_bytes", BIGINT),
    ("quarantined_path", TEXT),
    ("wal_recovery_mode", TEXT),
)

AnyRecord = TypeVar("AnyRecord", CheckpointRecord, RecoveryRecord)


def values_of(record: CheckpointRecord | RecoveryRecord) -> list[Any]:
    """The record as a JSON array."""
    return [getattr(record, field.name) for field in fields(record)]


def record_from(kind: type[AnyRecord], values: object) -> AnyRecord:
    """The inverse of `values_of`. Raises CorruptDatabase if the values do not fit."""
    if not isinstance(values, list) or len(values) > len(fields(kind)):
        raise errors.CorruptDatabase(f"a row of the {kind.__name__} history cannot be read")
    try:
        return kind(*values)
    except TypeError as error:
        raise errors.CorruptDatabase(
            f"a row of the {kind.__name__} history is too short"
        ) from error


def encode_record(record: CheckpointRecord | RecoveryRecord) -> bytes:
    """The record as the payload of a note in the log."""
    return json.dumps(values_of(record), separators=(",", ":")).encode()


def decode_record(kind: type[AnyRecord], payload: bytes) -> AnyRecord:
    """The inverse of `encode_record`. Raises CorruptDatabase."""
    try:
        values = json.loads(payload)
    except ValueError as error:
        raise errors.CorruptDatabase(f"a note of the {kind.__name__} history is no JSON") from error
    return record_from(kind, values)


class History(Generic[AnyRecord]):
    """The last so many records, oldest first; one for each id, the newest of it."""

    def __init__(self, id_field: str, rows_max: int) -> None:
        self._id_field = id_field
        self._rows: deque[AnyRecord] = deque(maxlen=rows_max)

    def add(self, record: AnyRecord) -> None:
        """Add a record, in place of the one with its id, if that is there."""
        rows = self._rows
        record_id = getattr(record, self._id_field)
        for index in range(len(rows) - 1, -1, -1):
            if getattr(rows[index], self._id_field) == record_id:
                rows[index] = record
                return
        rows.append(record)

    def extend(self, records: Iterable[AnyRecord]) -> None:
        """Add each."""
        for record in records:
            self.add(record)

    def resize(self, rows_max: int) -> None:
        """Keep so many from now on."""
        self._rows = deque(self._rows, maxlen=rows_max)

    def rows(self) -> list[AnyRecord]:
        """The records, oldest first."""
        return list(self._rows)

    @property
    def last_id(self) -> int:
        """The largest id; 0 if there is none."""
        return max((getattr(row, self._id_field) for row in self._rows), default=0)
