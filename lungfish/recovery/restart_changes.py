"""Row records by column, and what they make of each row: the last committed record past the relation's mark counts.

    ROW     word 0: type, relation   1: transaction   2: address   3: sizes before, after    then the rows
    ROWS    word 0: type, relation   1: transaction   2: count     then addresses, sizes (u32), rows

Bodies begin at multiples of 8, so all these are gathered as 64-bit words (`wal_records.py` has the same for one record). Nothing of the rows
themselves is copied: what they become is a place in the stretch of the log that was read (`storage/row_states.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from lungfish import errors
from lungfish.recovery.transaction_set import TransactionSet
from lungfish.recovery.wal_batch import Integers, RecordBatch, Words
from lungfish.recovery.wal_records import ABSENT, HEADER, ROW, ROWS, RecordType, format_lsn
from lungfish.storage.ids import LSN, RelationId
from lungfish.storage.row_states import GONE, Flags, RowStates

_ROW = int(RecordType.ROW)
_ROWS = int(RecordType.ROWS)
_LOW = np.uint64(0xFFFF_FFFF)
_HIGH = np.uint64(32)
_ADDRESS_SIZE = 8
_LENGTH_SIZE = 4
# Stretches longer than this on average are copied one by one, shorter ones number by number.
_LONG_SLICE = 16

Item = TypeVar("Item", bound=np.generic)


@dataclass(frozen=True, slots=True)
class RowRecords:
    """The ROW and ROWS records of a batch, oldest first."""

    batch: RecordBatch
    # Offsets of the bodies in the batch's stretch, and their sizes.
    bodies: Integers
    sizes: Integers
    is_single: Flags
    relations: Integers
    transactions: Integers
    # How many rows each record changes.
    row_counts: Integers

    @property
    def count(self) -> int:
        """How many records there are."""
        return len(self.bodies)

    @property
    def held_bytes(self) -> int:
        """What keeping them keeps in memory."""
        return len(self.batch.data) if self.count else 0

    def pick(self, chosen: Flags) -> RowRecords:
        """Some of them."""
        return RowRecords(
            self.batch,
            self.bodies[chosen],
            self.sizes[chosen],
            self.is_single[chosen],
            self.relations[chosen],
            self.transactions[chosen],
            self.row_counts[chosen],
        )


def row_records(batch: RecordBatch, indexes: Integers) -> RowRecords:
    """The row records of a batch, which are at these indexes. Raises CorruptLog where one is too short for what it claims."""
    words = batch.words()
    bodies = batch.starts[indexes] + HEADER.size
    sizes = batch.ends[indexes] - bodies
    places = bodies >> 3
    first = words[places]
    is_single = (first & np.uint64(0xFF)) == _ROW
    _check(batch, bodies, sizes < np.where(is_single, ROW.size, ROWS.size))
    third = words[places + 2]
    counts = np.where(is_single, 1, (third & _LOW).astype(np.int64))
    heads = ROWS.size + (_ADDRESS_SIZE + _LENGTH_SIZE) * counts
    _check(batch, bodies, ~is_single & (heads > sizes))
    return RowRecords(
        batch,
        bodies,
        sizes,
        is_single,
        (first >> _HIGH).astype(np.int64),
        words[places + 1].astype(np.int64),
        counts,
    )


def _check(batch: RecordBatch, bodies: Integers, is_bad: Flags) -> None:
    if is_bad.any():
        lsn = batch.base + int(bodies[is_bad][0]) - HEADER.size
        raise errors.CorruptLog(
            f"a row record at {format_lsn(lsn)} is shorter than what it claims to hold"
        )


@dataclass(frozen=True, slots=True)
class TableChanges:
    """What a part of the log makes of a table's rows."""

    # None: nothing.
    states: RowStates | None
    records_applied: int
    records_skipped: int
    # How many rows all these records change, counting each as often as it is changed.
    row_count: int


def changes_of(
    parts: Iterable[RowRecords], heap: RelationId, *, mark: LSN, committed: TransactionSet
) -> TableChanges:
    """What the committed records of a heap past the mark make of each row. Raises CorruptLog."""
    found: list[RowStates] = []
    applied = skipped = rows = 0
    for part in parts:
        own = part.pick(part.relations == heap)
        if not own.count:
            continue
        rows += int(own.row_counts.sum())
        lsns = own.batch.base + own.bodies - HEADER.size
        counts = (lsns >= mark) & committed.has(own.transactions)
        applied_here = int(counts.sum())
        skipped += own.count - applied_here
        if applied_here:
            applied += applied_here
            found.append(_states(own if applied_here == own.count else own.pick(counts)))
    return TableChanges(_last_of_each(found) if found else None, applied, skipped, rows)


def _states(rows: RowRecords) -> RowStates:
    """What the records say of their rows, in their order."""
    words = rows.batch.words()
    columns = []
    if rows.is_single.any():
        columns.append(_single(rows.pick(rows.is_single), words))
    if not rows.is_single.all():
        columns.append(_many(rows.pick(~rows.is_single), words))
    if len(columns) == 1:
        addresses, bodies, starts, lengths = columns[0]
    else:
        addresses, bodies, starts, lengths = (
            np.concatenate(each) for each in zip(*columns, strict=True)
        )
        order = np.argsort(bodies, kind="stable")
        addresses, bodies, starts, lengths = (
            each[order] for each in (addresses, bodies, starts, lengths)
        )
    zeros = np.zeros(len(addresses), np.int64)
    return RowStates(addresses, [rows.batch.end], [rows.batch.bytes()], zeros, starts, lengths)


def _single(rows: RowRecords, words: Words) -> tuple[Integers, Integers, Integers, Integers]:
    """Of ROW records: address, the record's body, where the row after begins, its length."""
    places = rows.bodies >> 3
    addresses = words[places + 2].astype(np.int64)
    before = (words[places + 3] & _LOW).astype(np.int64)
    after = (words[places + 3] >> _HIGH).astype(np.int64)
    starts = rows.bodies + ROW.size + np.where(before == ABSENT, 0, before)
    lengths = np.where(after == ABSENT, GONE, after)
    _check(rows.batch, rows.bodies, starts + np.maximum(lengths, 0) > rows.bodies + rows.sizes)
    return addresses, rows.bodies, starts, lengths


def _many(rows: RowRecords, words: Words) -> tuple[Integers, Integers, Integers, Integers]:
    """The same of ROWS records, for each of their rows."""
    counts = rows.row_counts
    halves = np.frombuffer(rows.batch.data, "<u4", len(rows.batch.data) // 4)
    places = rows.bodies + ROWS.size
    addresses = _slices(words, places >> 3, counts).astype(np.int64)
    lengths = _slices(halves, (places + _ADDRESS_SIZE * counts) >> 2, counts).astype(np.int64)
    ends = np.cumsum(lengths)
    # Where the rows of each record end among all rows, and in the record itself.
    ends_of_records = np.append(0, ends)[np.cumsum(counts)]
    before = np.concatenate([np.zeros(1, np.int64), ends_of_records[:-1]])
    firsts = places + (_ADDRESS_SIZE + _LENGTH_SIZE) * counts
    taken = ends_of_records - before
    _check(rows.batch, rows.bodies, firsts + taken > rows.bodies + rows.sizes)
    starts = ends - lengths + np.repeat(firsts - before, counts)
    return addresses, np.repeat(rows.bodies, counts), starts, lengths


def _slices(items: npt.NDArray[Item], firsts: Integers, counts: Integers) -> npt.NDArray[Item]:
    """Some stretches of an array, one behind the other."""
    if len(firsts) * _LONG_SLICE < int(counts.sum()):
        bounds = zip(firsts.tolist(), (firsts + counts).tolist(), strict=True)
        return np.concatenate([items[first:end] for first, end in bounds])
    before = np.cumsum(counts) - counts
    found: npt.NDArray[Item] = items[np.arange(counts.sum()) + np.repeat(firsts - before, counts)]
    return found


def _last_of_each(found: list[RowStates]) -> RowStates:
    """Of each row what was said last, in the order of the addresses."""
    if len(found) == 1 and (found[0].addresses[1:] > found[0].addresses[:-1]).all():
        return found[0]
    addresses = np.concatenate([each.addresses for each in found])
    sizes = [len(each) for each in found]
    states = RowStates(
        addresses,
        [each.ends[0] for each in found],
        [each.buffers[0] for each in found],
        np.repeat(np.arange(len(found)), sizes),
        np.concatenate([each.starts for each in found]),
        np.concatenate([each.lengths for each in found]),
    )
    if (addresses[1:] > addresses[:-1]).all():
        return states
    order = np.argsort(addresses, kind="stable")
    ordered = addresses[order]
    is_last = np.append(ordered[1:] != ordered[:-1], True)
    return states.pick(order[is_last])
