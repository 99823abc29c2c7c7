"""Rows that clash with another row, where what clashes is more than a unique key: exclusion constraints.

Who writes a row puts it into the table and its indexes first, and looks then (as for deferrable keys, `TableStore.find_double`): of two
transactions that write rows which clash, at least one meets the other's. It waits for that one to end, and looks again.

Entries are read from the high end of a key range downwards. `look` says of a row's values what follows:

    CLASH   they clash with the row
    PASSED  they do not, nor does any row before them in the index that itself clashes with no other
    OTHER   they do not

A row that is there for good and is PASSED ends the search, if the caller vouches that the rows there clash with none of each other.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from functools import partial

from lungfish.storage.ids import TransactionId, TupleId
from lungfish.storage.keys import ADDRESS_MASK, KeyRange
from lungfish.storage.overflow import run_with_pages
from lungfish.storage.rows import DELETED, FLAGS_OFFSET, Values, writer_of
from lungfish.storage.table_index import TableIndex
from lungfish.storage.table_rows import TableRows
from lungfish.storage.transactions import Transaction, TransactionManager


class Look(enum.Enum):
    """What a row's values are to the row that is looked at."""

    CLASH = enum.auto()
    PASSED = enum.auto()
    OTHER = enum.auto()


@dataclass(frozen=True, slots=True)
class ClashSearch:
    """What to look for. `stops`: PASSED ends the search; `ignored`: rows that are looked at themselves later."""

    key_range: KeyRange
    look: Callable[[Values], Look]
    stops: bool
    ignored: Set[TupleId] = frozenset()


@dataclass(frozen=True, slots=True)
class _Seen:
    """A row as it stands: the transaction that will decide what it is, and what its values are if it stays as it is."""

    decider: TransactionId | None
    look: Look
    # Of a row that is there for good.
    values: Values | None


def find_clash(
    rows: TableRows,
    transactions: TransactionManager,
    transaction: Transaction,
    index: TableIndex,
    search: ClashSearch,
) -> tuple[TupleId, Values] | None:
    """The row in the way, with its values; waits for those that may still go either way."""
    for entry in _entries(index, search.key_range):
        address = TupleId(entry[1] & ADDRESS_MASK)
        if address in search.ignored:
            continue
        while True:
            seen = run_with_pages(partial(_see, rows, transaction, address, search.look))
            if seen.decider is None:
                break
            transactions.wait_for_end(transaction, seen.decider)
        if seen.values is None:
            continue
        if seen.look is Look.CLASH and _is_in_index(index, seen.values):
            return address, seen.values
        is_entry = search.stops and seen.look is Look.PASSED
        if is_entry and index.is_entry_of(entry, seen.values, address):
            return None
    return None


def _entries(index: TableIndex, key_range: KeyRange) -> Iterator[tuple[object, int]]:
    for chunk in index.entries(key_range, is_backward=True):
        yield from chunk


def _is_in_index(index: TableIndex, values: Values) -> bool:
    """Whether the predicate of a partial index lets the row in; an old version's entry may lead to one that it does not."""
    return index.predicate is None or index.predicate(values)


def _see(
    rows: TableRows, transaction: Transaction, address: TupleId, look: Callable[[Values], Look]
) -> _Seen:
    """What stands at an address. Raises PageMiss.

    As with unique keys, a row changed or deleted by a running transaction clashes by what it had before as well as by what it has
    now: that one decides.
    """
    with rows.latch:
        newest = rows.heap.stored(address)
        if newest is None:
            return _Seen(None, Look.OTHER, None)
        read = rows.heap.overflow.read_resident
        writer = writer_of(newest)
        is_live = not newest[FLAGS_OFFSET] & DELETED
        values = rows.layout.unpack(newest, 0, read) if is_live else None
        found = Look.OTHER if values is None else look(values)
        if writer == transaction.id or not rows.transactions.is_running(writer):
            return _Seen(None, found, values)
        if found is Look.CLASH:
            return _Seen(writer, found, None)
        for version in reversed(rows.chains.of(address)):
            if look(rows.layout.unpack(version, 0, read)) is Look.CLASH:
                return _Seen(writer, Look.CLASH, None)
            if writer_of(version) != writer:
                break
        return _Seen(None, found, None)
