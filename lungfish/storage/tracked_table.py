"""A table as a serializable transaction uses it: what it reads and writes is told to `serializable.py` on the way.

The other isolation levels use the `TableStore` itself, so they pay nothing for this. Every way of `TableStore` to read or write rows is
overridden here (a test holds the two together).

What is read under another snapshot than the transaction's own (foreign keys look at what is there now) must also be there in its own:
else the transaction would depend on one that its snapshot does not see, and that is an error (40001).

Invariant: a write is told before it is done, a read before its rows are handed on. Which of two transactions touches the pages first is
no matter: see invariant 2 of `serializable.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from lungfish import errors
from lungfish.storage.ids import RelationId, TupleId
from lungfish.storage.keys import Key, KeyRange, Position
from lungfish.storage.overflow import run_with_pages
from lungfish.storage.predicate_locks import DETAILS_OF_RELATION_MAX
from lungfish.storage.row_codec_pack import rows_from_columns
from lungfish.storage.rows import Values
from lungfish.storage.serializable import Written
from lungfish.storage.serializable_member import Member
from lungfish.storage.snapshots import Snapshot
from lungfish.storage.table import TableStore
from lungfish.storage.table_clash import ClashSearch
from lungfish.storage.table_index import IndexKey, TableIndex, UniqueConflict
from lungfish.storage.table_scan import Rows
from lungfish.storage.transactions import Transaction, TransactionManager
from lungfish.types.batch import Batch, Vector

# An index, and a key in it.
Place = tuple[RelationId, Key]


class TrackedTable(TableStore):
    """One table within one serializable transaction. Shares everything with the store that it is made of."""

    def __init__(
        self,
        store: TableStore,
        oid: int,
        member: Member,
        transactions: TransactionManager,
    ) -> None:
        vars(self).update(vars(store))
        self._oid = oid
        self._member = member
        self._conflicts = transactions.serializable

    # Writing

    def insert(self, transaction: Transaction, values: Values) -> TupleId:
        """As `TableStore.insert`."""
        with self._taking(self._write_new([values])):
            return super().insert(transaction, values)

    def insert_many(self, transaction: Transaction, rows: Sequence[Values]) -> list[TupleId]:
        """As `TableStore.insert_many`."""
        with self._taking(self._write_new(rows)):
            return super().insert_many(transaction, rows)

    def insert_batch(
        self, transaction: Transaction, columns: Sequence[Vector], row_count: int
    ) -> list[TupleId]:
        """As `TableStore.insert_batch`."""
        taken: list[Place] = []
        if self.indexes:
            positions = self.rows.key_positions
            taken = self._write_new(rows_from_columns(self.layout, columns, row_count, positions))
        elif row_count:
            self._write([Written(None, ())])
        with self._taking(taken):
            return super().insert_batch(transaction, columns, row_count)

    def update(self, transaction: Transaction, address: TupleId, values: Values) -> None:
        """As `TableStore.update`."""
        old, new = self._stored_keys(address), self.rows.keys(values)
        entries = [*self._entries(old), *self._entries(new)]
        self._write([Written(address, tuple(dict.fromkeys(entries)))])
        with self._taking([place for place in self._unique(new) if place not in self._unique(old)]):
            super().update(transaction, address, values)

    def change_directly(
        self,
        transaction: Transaction,
        snapshot: Snapshot,
        address: TupleId,
        values: Values | None,
        *,
        old: Values | None = None,
    ) -> bool:
        """Never: a change is made known, with the keys that the row has and had, before it is made."""
        return False

    def delete(self, transaction: Transaction, address: TupleId) -> None:
        """As `TableStore.delete`."""
        self._write([Written(address, tuple(self._entries(self._stored_keys(address))))])
        super().delete(transaction, address)

    def _write(self, rows: Sequence[Written]) -> None:
        self._conflicts.write(self._member, self._oid, rows)

    def _write_new(self, rows: Sequence[Values]) -> list[Place]:
        """Tell of new rows, some at a time: the mutex must not be held for long. Answers the unique keys that they are to have."""
        taken: list[Place] = []
        for start in range(0, len(rows), DETAILS_OF_RELATION_MAX):
            some = [self.rows.keys(each) for each in rows[start : start + DETAILS_OF_RELATION_MAX]]
            self._write([Written(None, tuple(self._entries(keys))) for keys in some])
            for keys in some:
                taken += self._unique(keys)
        return taken

    def _stored_keys(self, address: TupleId) -> list[IndexKey | None]:
        """The keys of a row that the transaction has locked, as it is now."""
        return run_with_pages(partial(self._keys_at, address))

    def _keys_at(self, address: TupleId) -> list[IndexKey | None]:
        with self._latch:
            stored = self.heap.stored(address)
            return [] if stored is None else self.rows.stored_keys(stored)

    def _entries(self, keys: Sequence[IndexKey | None]) -> list[tuple[RelationId, Key, Position]]:
        """A row's keys, each with where it stands in its index."""
        return [
            (index.relation_id, each.key, index.btree.codec.entry(each.key, TupleId(0)))
            for index, each in zip(self.indexes, keys, strict=False)
            if each is not None
        ]

    # Unique keys

    def _unique(self, keys: Sequence[IndexKey | None]) -> list[Place]:
        """Those of a row's keys that no other row may have."""
        return [
            (index.relation_id, each.key)
            for index, each in zip(self.indexes, keys, strict=False)
            if each is not None and each.is_exclusive
        ]

    @contextmanager
    def _taking(self, taken: Sequence[Place]) -> Iterator[None]:
        """Around a change that takes unique keys. Who has freed one of them since the snapshot was taken comes before the transaction."""
        try:
            yield
        except UniqueConflict:
            self._conflicts.require_not_doomed(self._member)
            raise
        for start in range(0, len(taken), DETAILS_OF_RELATION_MAX):
            self._conflicts.follow_keys(
                self._member, self._oid, taken[start : start + DETAILS_OF_RELATION_MAX]
            )

    def find_conflict(
        self, transaction: Transaction, index: TableIndex, values: Values
    ) -> TupleId | None:
        """As `TableStore.find_conflict`. That a key is taken is something read; that it is not is followed by its insert."""
        found = super().find_conflict(transaction, index, values)
        self._conflicts.require_not_doomed(self._member)
        if found is not None:
            key = index.btree.codec.encode(index.key_of(values))
            self._conflicts.read_key(self._member, self._oid, (index.relation_id, key))
        return found

    def find_double(
        self, transaction: Transaction, index: TableIndex, address: TupleId
    ) -> UniqueConflict | None:
        """As `TableStore.find_double`."""
        found = super().find_double(transaction, index, address)
        self._conflicts.require_not_doomed(self._member)
        if found is None:
            keys = self._stored_keys(address)
            taken = [place for place in self._unique(keys) if place[0] == index.relation_id]
            self._conflicts.follow_keys(self._member, self._oid, taken)
        return found

    def find_clash(
        self, transaction: Transaction, index: TableIndex, search: ClashSearch
    ) -> tuple[TupleId, Values] | None:
        """As `TableStore.find_clash`. What is in the way is something read; that nothing is, hangs on those who have made room."""
        found = super().find_clash(transaction, index, search)
        self._conflicts.require_not_doomed(self._member)
        place = (index.relation_id, search.key_range)
        if found is None:
            self._conflicts.follow_range(self._member, self._oid, *place)
        else:
            self._conflicts.read_range(self._member, self._oid, place)
        return found

    # Reading

    def get(self, snapshot: Snapshot, address: TupleId) -> Values | None:
        """As `TableStore.get`."""
        self._conflicts.read_row(self._member, self._oid, address, self._now(snapshot))
        values = super().get(snapshot, address)
        own = self._member.snapshot
        if values is not None and own is not None and snapshot is not own:
            _require_seen(self.rows.sees_same(own, snapshot, address))
        return values

    def scan(
        self,
        snapshot: Snapshot,
        positions: Sequence[int] | None = None,
        *,
        with_tuple_id: bool = False,
        check: Callable[[], None] = lambda: None,
    ) -> Iterator[Batch]:
        """As `TableStore.scan`."""
        self._conflicts.read_whole(self._member, self._oid, self._now(snapshot))
        return super().scan(snapshot, positions, with_tuple_id=with_tuple_id, check=check)

    def key_lookup(self, snapshot: Snapshot, index: TableIndex, values: Sequence[Any]) -> Rows:
        """As `TableStore.key_lookup`."""
        self._read_key(snapshot, index, index.btree.codec.encode(values))
        return super().key_lookup(snapshot, index, values)

    def index_scan(
        self,
        snapshot: Snapshot,
        index: TableIndex,
        key_range: KeyRange,
        *,
        is_backward: bool = False,
    ) -> Iterator[Rows]:
        """As `TableStore.index_scan`. What has been read grows with the scan: a LIMIT above may stop it."""
        codec = index.btree.codec
        low, high = key_range
        is_key = low is not None and high is not None and low[0] == high[0]
        if is_key and low is not None and codec.key_range(low[0]) == key_range:
            self._read_key(snapshot, index, low[0])
            low = high
        for chunk in super().index_scan(snapshot, index, key_range, is_backward=is_backward):
            if chunk and (low is None or high is None or low < high):
                key = index.key(chunk[-1][1])
                assert key is not None, "a row that the index gave is in the index"
                last = codec.key_range(key.key)
                if is_backward:
                    self._read_range(snapshot, index, KeyRange(last.low, high))
                    high = last.low
                else:
                    self._read_range(snapshot, index, KeyRange(low, last.high))
                    low = last.high
            if snapshot is not self._member.snapshot:
                for address, values in chunk:
                    own = self._own_version(address)
                    _require_seen(own is not None and index.key(own) == index.key(values))
            yield chunk
        if low is None or high is None or low < high:
            self._read_range(snapshot, index, KeyRange(low, high))

    def _now(self, snapshot: Snapshot) -> Snapshot | None:
        """The snapshot, unless it is the transaction's own."""
        return None if snapshot is self._member.snapshot else snapshot

    def _read_key(self, snapshot: Snapshot, index: TableIndex, key: Key) -> None:
        place, now = (index.relation_id, key), self._now(snapshot)
        self._conflicts.read_key(self._member, self._oid, place, now)

    def _read_range(self, snapshot: Snapshot, index: TableIndex, key_range: KeyRange) -> None:
        place, now = (index.relation_id, key_range), self._now(snapshot)
        self._conflicts.read_range(self._member, self._oid, place, now)

    def _own_version(self, address: TupleId) -> Values | None:
        """The row as the transaction's own snapshot sees it."""
        snapshot = self._member.snapshot
        assert snapshot is not None, "a member has its snapshot"
        return super().get(snapshot, address)


def _require_seen(is_seen: bool) -> None:
    """Raise SerializationFailure unless the transaction's own snapshot shows what was found there now."""
    if not is_seen:
        raise errors.SerializationFailure("could not serialize access due to concurrent update")
