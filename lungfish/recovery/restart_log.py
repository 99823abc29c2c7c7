"""Analyse: one pass over the log from the lowest mark, to learn who committed and what there is to redo.

What is found of row records is kept, as views into what was read, as long as it fits the memory limit; then redo needs no second
pass. Of a longer log only the facts are kept, and redo reads it again, a window of that size at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from lungfish import errors
from lungfish.recovery.wal_reader import LogReader
from lungfish.recovery.wal_records import (
    END_OF_TRANSACTION,
    ROW_PREFIX,
    SEQUENCE,
    Record,
    RecordType,
    decode_note,
    format_lsn,
)
from lungfish.storage.ids import LSN, RelationId

MEMORY_LIMIT_DEFAULT = 256 << 20

# Row records by relation, oldest first: the LSN and the body (ROW or ROWS).
Window = dict[RelationId, list[tuple[LSN, memoryview]]]

_ROW = int(RecordType.ROW)
_ROWS = int(RecordType.ROWS)
_COMMIT = int(RecordType.COMMIT)


@dataclass(slots=True)
class LogFacts:
    """What the log says."""

    # Transactions with a commit record.
    committed: set[int] = field(default_factory=set)
    # All that wrote rows or ended.
    seen: set[int] = field(default_factory=set)
    # The newest state of each sequence with a record: last value, is called.
    sequences: dict[int, tuple[int, bool]] = field(default_factory=dict)
    # Notes in their order: kind and payload.
    notes: list[tuple[int, bytes]] = field(default_factory=list)
    relations: set[int] = field(default_factory=set)
    record_count: int = 0
    row_record_count: int = 0
    byte_count: int = 0
    # Wall clock of the last commit, microseconds since 1970 (UTC); 0: there was none.
    last_commit_at: int = 0
    # All row records, if they fit the memory limit.
    window: Window | None = field(default_factory=dict)

    @property
    def highest_transaction_id(self) -> int:
        """The highest id that the log speaks of; 0 if it speaks of none."""
        return max(self.seen, default=0)

    @property
    def losers(self) -> set[int]:
        """The transactions that wrote and never committed."""
        return self.seen - self.committed


def analyse(reader: LogReader, *, memory_limit: int = MEMORY_LIMIT_DEFAULT) -> LogFacts:
    """Read the log to its end. Raises CorruptLog (see `LogReader`, and for a record of an unknown type)."""
    facts = LogFacts()
    window = facts.window
    row_bytes = 0
    for record in reader.records():
        body = record.body
        kind = body[0]
        facts.record_count += 1
        facts.byte_count += record.end - record.lsn
        if kind in (_ROW, _ROWS):
            _, relation_id, transaction_id = ROW_PREFIX.unpack_from(body)
            facts.seen.add(transaction_id)
            facts.relations.add(relation_id)
            facts.row_record_count += 1
            row_bytes += len(body)
            if window is not None:
                if row_bytes > memory_limit:
                    window = facts.window = None
                else:
                    window.setdefault(RelationId(relation_id), []).append((record.lsn, body))
        elif kind == _COMMIT:
            _, transaction_id, at = END_OF_TRANSACTION.unpack_from(body)
            facts.committed.add(transaction_id)
            facts.seen.add(transaction_id)
            facts.last_commit_at = at
        else:
            _note_rare(facts, record)
    return facts


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
            facts.seen.add(END_OF_TRANSACTION.unpack_from(body)[1])
        case RecordType.MARK:
            pass
        case _:
            raise errors.CorruptLog(f"record {format_lsn(record.lsn)} is of a type out of place")


def windows(
    open_log: Callable[[], LogReader], facts: LogFacts, *, memory_limit: int
) -> Iterator[Window]:
    """The row records in their order: all at once if analysis kept them, else read again, part by part."""
    if facts.window is not None:
        yield facts.window
        return
    window: Window = {}
    size = 0
    for record in open_log().records():
        body = record.body
        if body[0] not in (_ROW, _ROWS):
            continue
        if size + len(body) > memory_limit and window:
            yield window
            window, size = {}, 0
        relation_id = RelationId(ROW_PREFIX.unpack_from(body)[1])
        # A copy: a view would keep the whole segment in memory.
        window.setdefault(relation_id, []).append((record.lsn, memoryview(bytes(body))))
        size += len(body)
    if window:
        yield window
