"""Analyse: one pass over the log from the lowest mark, to learn who committed and what there is to redo.

Records are looked at by column, a stretch of the log at a time (`wal_batch.py`): only the few that are neither a row's nor a commit become
objects. What is found of row records is kept, as places in what was read, as long as it fits the memory limit; then redo needs no
second pass. Of a longer log only the facts are kept, and redo reads it again, a window at a time.

Invariant: neither pass holds more of the log than the limit allows, but for one record that is longer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from lungfish import errors
from lungfish.recovery.restart_changes import RowRecords, row_records
from lungfish.recovery.transaction_set import TransactionSet
from lungfish.recovery.wal_batch import Integers, RecordBatch
from lungfish.recovery.wal_reader import PIECE_SIZE_DEFAULT, LogReader
from lungfish.recovery.wal_records import (
    END_OF_TRANSACTION,
    SEQUENCE,
    Record,
    RecordType,
    decode_note,
    format_lsn,
)
from lungfish.storage.ids import LSN, RelationId
from lungfish.storage.row_states import distinct

MEMORY_LIMIT_DEFAULT = 512 << 20
# What a row of the log takes beside its bytes while it is redone: address, LSN, place, length, and what sorting them takes.
ROW_OVERHEAD_BYTES = 96
# How many pieces a window is made of at least, so that its size can be near the limit.
_PIECES_A_WINDOW = 8
_PIECE_SIZE_MIN = 4096

_NO_LSN = LSN(0)
_ROW = int(RecordType.ROW)
_ROWS = int(RecordType.ROWS)
_COMMIT = int(RecordType.COMMIT)
_MARK = int(RecordType.MARK)


class RecordSource(Protocol):
    """Where analysis gets records from: a `LogReader`, or a part of one."""

    @property
    def lost_transactions(self) -> set[int]:
        """Those whose commit does not count, once all batches were read."""

    def batches(self) -> Iterator[RecordBatch]: ...


@dataclass(frozen=True, slots=True)
class Window:
    """Row records of a part of the log, oldest first."""

    parts: tuple[RowRecords, ...]
    # Everything before it is in this window, or in one before it.
    end: LSN
    is_last: bool
    # What it keeps in memory.
    memory_bytes: int


@dataclass(slots=True)
class LogFacts:
    """What the log says."""

    # From where it was read.
    start: LSN = LSN(0)  # noqa: RUF009 - an int.
    # Transactions with a commit record.
    committed: TransactionSet = field(default_factory=TransactionSet)
    # All that wrote rows or ended.
    seen: TransactionSet = field(default_factory=TransactionSet)
    # The newest state of each sequence with a record: last value, is called.
    sequences: dict[int, tuple[int, bool]] = field(default_factory=dict)
    # Notes in their order: kind and payload.
    notes: list[tuple[int, bytes]] = field(default_factory=list)
    # By relation: how many rows were changed, and the bytes of their records.
    rows: dict[RelationId, int] = field(default_factory=dict)
    row_bytes: dict[RelationId, int] = field(default_factory=dict)
    record_count: int = 0
    row_record_count: int = 0
    byte_count: int = 0
    # Where the last record begins.
    last_record_lsn: LSN = _NO_LSN
    # Wall clock of the last commit, microseconds since 1970 (UTC); 0: there was none.
    last_commit_at: int = 0
    # All row records, if they fit the memory limit.
    window: Window | None = None

    @property
    def highest_transaction_id(self) -> int:
        """The highest id that the log speaks of; 0 if it speaks of none."""
        return self.seen.highest

    @property
    def loser_count(self) -> int:
        """How many transactions wrote and never committed."""
        return len(self.seen) - len(self.committed)

    @property
    def row_count(self) -> int:
        """How many rows were changed, over all relations."""
        return sum(self.rows.values())


def piece_size_for(memory_limit: int) -> int:
    """How much of the log is read at once."""
    size = min(PIECE_SIZE_DEFAULT, max(_PIECE_SIZE_MIN, memory_limit // _PIECES_A_WINDOW))
    return size & ~7


def analyse(
    source: RecordSource,
    *,
    memory_limit: int = MEMORY_LIMIT_DEFAULT,
    tell: Callable[[LSN, int], None] | None = None,
) -> LogFacts:
    """Read the log to its end, telling how far it is and what it holds of it. Raises CorruptLog (see `LogReader`, and for a record of an unknown type)."""
    facts = LogFacts()
    parts: list[RowRecords] = []
    kept_bytes = 0
    end = LSN(0)
    for batch in source.batches():
        rows = _take_in(facts, batch)
        kept_bytes += _memory_of(rows)
        if kept_bytes <= memory_limit:
            if rows.count:
                parts.append(rows)
        else:
            parts.clear()
        end = batch.end
        if tell is not None:
            tell(end, kept_bytes if parts else len(batch.data))
    if kept_bytes <= memory_limit:
        facts.window = Window(tuple(parts), end, is_last=True, memory_bytes=kept_bytes)
    facts.committed.discard(np.array(sorted(source.lost_transactions), np.int64))
    return facts


def _take_in(facts: LogFacts, batch: RecordBatch) -> RowRecords:
    """Note what a batch says; answers its row records."""
    words = batch.words()
    bodies = (batch.starts >> 3) + 2
    kinds = (words[bodies] & np.uint64(0xFF)).astype(np.int64)
    transactions = words[np.minimum(bodies + 1, len(words) - 1)].astype(np.int64)
    facts.record_count += batch.count
    facts.byte_count += batch.size
    facts.last_record_lsn = LSN(batch.base + int(batch.starts[-1]))
    is_row = (kinds == _ROW) | (kinds == _ROWS)
    rows = row_records(batch, np.flatnonzero(is_row))
    commits = np.flatnonzero(kinds == _COMMIT)
    facts.seen.add(rows.transactions)
    facts.seen.add(transactions[commits])
    facts.committed.add(transactions[commits])
    if len(commits):
        facts.last_commit_at = int(words[bodies[commits[-1]] + 2])
    _count_rows(facts, rows)
    for index in np.flatnonzero(~is_row & (kinds != _COMMIT) & (kinds != _MARK)).tolist():
        _note_rare(facts, batch.record(index))
    return rows


def _count_rows(facts: LogFacts, rows: RowRecords) -> None:
    facts.row_record_count += rows.count
    for number in distinct(rows.relations):
        relation_id = RelationId(number)
        chosen = rows.relations == relation_id
        counted, size = int(rows.row_counts[chosen].sum()), int(rows.sizes[chosen].sum())
        facts.rows[relation_id] = facts.rows.get(relation_id, 0) + counted
        facts.row_bytes[relation_id] = facts.row_bytes.get(relation_id, 0) + size


def _note_rare(facts: LogFacts, record: Record) -> None:
    """Take in a record that is neither a row's nor a commit."""
    body = record.body
    match record.type:
        case RecordType.SEQUENCE:
            _, is_called, oid, last_value = SEQUENCE.unpack_from(body)
            facts.sequences[oid] = (last_value, bool(is_called))
        case RecordType.NOTE:
            facts.notes.append(decode_note(body))
        case RecordType.ABORT:
            facts.seen.add(np.array([END_OF_TRANSACTION.unpack_from(body)[1]], np.int64))
        case _:
            raise errors.CorruptLog(f"record {format_lsn(record.lsn)} is of a type out of place")


def _memory_of(rows: RowRecords) -> int:
    """What keeping them takes: a record keeps the whole stretch that it was read with."""
    return rows.held_bytes + ROW_OVERHEAD_BYTES * int(rows.row_counts.sum())


def windows(
    open_log: Callable[[], LogReader], facts: LogFacts, *, memory_limit: int
) -> Iterator[Window]:
    """The row records in their order: all at once if analysis kept them, else read again, part by part."""
    if facts.window is not None:
        yield facts.window
        return
    parts: list[RowRecords] = []
    held = 0
    end = LSN(0)
    for batch in open_log().batches():
        rows = row_records(batch, row_indexes(batch))
        size = _memory_of(rows)
        if held + size > memory_limit and parts:
            yield Window(tuple(parts), end, is_last=False, memory_bytes=held)
            parts, held = [], 0
        if rows.count:
            parts.append(rows)
            held += size
        end = batch.end
    yield Window(tuple(parts), end, is_last=True, memory_bytes=held)


def row_indexes(batch: RecordBatch) -> Integers:
    """Which of a batch's records are a row's."""
    kinds = batch.words()[(batch.starts >> 3) + 2] & np.uint64(0xFF)
    return np.flatnonzero((kinds == _ROW) | (kinds == _ROWS))
