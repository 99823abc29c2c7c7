"""Replaying an index from its own mark: from the image that it has of an earlier moment to the rows that its table has now.

An index's image may be older than its table's (`index_marks.py`). Every row that changed since its mark has a record, and the first of a
row's records has the row as it was at the mark, whoever wrote it; what versions the row had besides is in the index's payload. So for
each such row the entries that the index may have are known, and those of the row as the table has it now take their place.

Only a row that a transaction running at the mark had written, which then never committed, may have an entry that nobody knows of: its
record lies before the mark. Such an index is built again.

Requires: the table is as it will be; the index went along with neither its undo nor its redo.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from functools import partial

from lungfish.recovery.relation_state import COMMITTED, RelationState
from lungfish.recovery.restart_changes import RowRecords
from lungfish.recovery.wal_records import HEADER, decode_row, decode_rows
from lungfish.storage.ids import LSN, RelationId, TupleId
from lungfish.storage.overflow import run_with_pages
from lungfish.storage.rows import FLAGS_OFFSET, HAS_OVERFLOW
from lungfish.storage.table_index import IndexKey, TableIndex
from lungfish.storage.table_rows import TableRows

# How many rows are looked at before memory is looked after.
_TRIM_INTERVAL = 256


def can_replay(state: RelationState, committed: Container[int]) -> bool:
    """Whether what the index owed at its mark is known: see the module. `state` is its payload."""
    return not state.is_unsettled and all(
        (retained.transaction_id == COMMITTED or retained.transaction_id in committed)
        # Its long values may have gone since.
        and (retained.before is None or not retained.before[FLAGS_OFFSET] & HAS_OVERFLOW)
        for retained in state.retained
    )


class IndexReplay:
    """The indexes of one table that lag behind it, and what the log says of its rows since."""

    def __init__(
        self, marks: Mapping[RelationId, LSN], states: Mapping[RelationId, RelationState]
    ) -> None:
        self.marks = marks
        # For each index and row: the versions of which it may have entries.
        self._versions: dict[RelationId, dict[TupleId, list[bytes]]] = {
            relation_id: {} for relation_id in marks
        }
        for relation_id, versions in self._versions.items():
            for retained in states[relation_id].retained:
                known = versions.setdefault(retained.address, [])
                if retained.before is not None:
                    known.append(retained.before)
        # The rows of which a record was seen already.
        self._seen: dict[RelationId, set[int]] = {relation_id: set() for relation_id in marks}

    def note(self, parts: Iterable[RowRecords], heap: RelationId) -> None:
        """Take in a part of the log, in its order. Raises CorruptLog."""
        for part in parts:
            own = part.pick(part.relations == heap)
            data = memoryview(own.batch.data)
            for index in range(own.count):
                start = int(own.bodies[index])
                body = data[start : start + int(own.sizes[index])]
                lsn = LSN(own.batch.base + start - HEADER.size)
                if own.is_single[index]:
                    change = decode_row(body)
                    self._note_row(lsn, change.address, change.before)
                else:
                    for address in decode_rows(body)[0]:
                        self._note_row(lsn, TupleId(address), None)

    def _note_row(self, lsn: LSN, address: TupleId, before: bytes | None) -> None:
        for relation_id, mark in self.marks.items():
            seen = self._seen[relation_id]
            if lsn < mark or address in seen:
                continue
            seen.add(address)
            known = self._versions[relation_id].setdefault(address, [])
            if before is not None:
                known.append(before)

    def apply(self, rows: TableRows, trim: Callable[[], None]) -> int:
        """Bring the indexes to the table's rows; answers how many indexes. Requires: `rows` has them."""
        count = 0
        for index in rows.indexes:
            versions = self._versions.get(index.relation_id)
            if versions is None:
                continue
            for number, (address, known) in enumerate(versions.items(), 1):
                _settle_row(rows, index, address, known)
                if number % _TRIM_INTERVAL == 0:
                    trim()
            trim()
            count += 1
        return count


def _settle_row(rows: TableRows, index: TableIndex, address: TupleId, known: list[bytes]) -> None:
    """Let the index have the entry of the row as it is, and none of the versions known from before."""
    lsn = rows.log.end_lsn()
    current: IndexKey | None = run_with_pages(partial(_current_key, rows, index, address))
    for version in known:
        key = run_with_pages(partial(_key_of, rows, index, version))
        if key is not None and key != current:
            index.remove(key, address, lsn)
    if current is not None:
        index.add(current, address, lsn)


def _current_key(rows: TableRows, index: TableIndex, address: TupleId) -> IndexKey | None:
    with rows.latch:
        stored = rows.heap.stored(address)
        return None if stored is None else _key(rows, index, stored)


def _key_of(rows: TableRows, index: TableIndex, stored: bytes) -> IndexKey | None:
    with rows.latch:
        return _key(rows, index, stored)


def _key(rows: TableRows, index: TableIndex, stored: bytes) -> IndexKey | None:
    return index.stored_key(rows.layout, stored, rows.heap.overflow.read_resident)
