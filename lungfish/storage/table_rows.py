"""A table's rows with their versions and index entries: what must change together, and the ways back.

`TableStore` (table.py) is what the executor sees; this is the part beneath it that also rollback, purge and restart use.

A change of a row goes through these steps, inside the fence:

    1. under the heap's latch: everything needed is fetched (PageMiss: begin again), long values are stored,
    2. the undo entry is appended, the old version goes on its chain,
    3. the row is written, the record appended to the log;
    4. latch let go; each index gets its entry, under its own latch.

Invariants, beyond those of versions.py and table_index.py:
1. The undo entry comes before every other change of the step, so an exception at any point leaves something that `undo` puts right;
   `undo` can be done again, and does nothing to a row that its transaction did not write.
2. `key_gate` is held by whoever changes the key of an existing row, or removes entries of a row: otherwise one could remove an entry
   that the other has just found to be there. Order: fence, key gate, latches.
3. A row that the holder of its lock reads does not change; other rows are looked at under the latch only.
4. A stale entry (its row has an old version with that key, or a change of its key was undone while someone was reading) implies:
   `stale` is not empty, or `key_changes` has moved since the reader began.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

from lungfish.errors import CorruptPage
from lungfish.storage.heap import Heap
from lungfish.storage.ids import LSN, RelationId, TransactionId, TupleId
from lungfish.storage.keys import Key
from lungfish.storage.log import RowLog
from lungfish.storage.native import native_table, purge_plainly
from lungfish.storage.overflow import run_with_pages
from lungfish.storage.rows import DELETED, FLAGS_OFFSET, HAS_OVERFLOW, Values, writer_of
from lungfish.storage.snapshots import Snapshot
from lungfish.storage.table_index import IndexKey, TableIndex
from lungfish.storage.transactions import Transaction, TransactionManager, UndoEntry
from lungfish.storage.versions import VersionChains

# (number of the index, other rows with the key) where a unique key may have another owner.
Suspects = list[tuple[int, list[TupleId]]]

# How many undo entries are purged in one passage of the fence.
PURGE_BATCH = 32


class TableRows:
    """One table's heap, version chains and indexes."""

    # Named are those attributes that compiled code looks at for each row.
    __slots__ = ("__dict__", "__weakref__", "indexes", "native", "stale")

    # Of an undo entry.
    row_count: Final = 1

    def __init__(
        self,
        heap: Heap,
        indexes: Iterable[TableIndex],
        transactions: TransactionManager,
        *,
        name: str = "",
        log: RowLog | None = None,
        trim: Callable[[], None] = lambda: None,
    ) -> None:
        """`log`: where changes of rows go, if not to the transactions' own. `trim`: see `TableStore`."""
        # For messages.
        self.name = name
        self.heap = heap
        self.layout = heap.layout
        self.transactions = transactions
        self.log: RowLog = transactions.log if log is None else log
        self.trim = trim
        self.fence = transactions.fence
        self.latch = heap.pages.latch
        self.relation_id: RelationId = heap.pages.relation_id
        self.chains = VersionChains()
        self.key_gate = threading.Lock()
        # Rows of which some retained version has another key than the one on the page; see invariant 4.
        self.stale: set[TupleId] = set()
        self.key_changes = 0
        # Deleted rows that are rows of another partition now, as long as they have old versions: somebody may wait for one.
        self.moved_out: set[TupleId] = set()
        self.indexes: tuple[TableIndex, ...] = ()
        # The fields that indexes use.
        self.key_positions: tuple[int, ...] = ()
        # Those that unique indexes use: what a foreign key may refer to.
        self.unique_positions: tuple[int, ...] = ()
        self.set_indexes(indexes)
        # What short statements do in one step, where that is built.
        self.native = native_table(self)

    def set_indexes(self, indexes: Iterable[TableIndex]) -> None:
        """Take another set of indexes. Requires: no other transaction writes to the table (a table lock)."""
        with self.key_gate:
            self.indexes = tuple(indexes)
            self.key_positions = self._positions_of(self.indexes)
            self.unique_positions = self._positions_of(
                [index for index in self.indexes if index.is_unique]
            )
            for index in self.indexes:
                self._settle_entries(index)
            # In a new index an old version may have another key than its row.
            with self.latch:
                self.stale.update(self.chains.addresses())

    def _positions_of(self, indexes: Sequence[TableIndex]) -> tuple[int, ...]:
        """The fields that some indexes use."""
        if any(index.positions is None for index in indexes):
            return tuple(range(len(self.layout.types)))
        return tuple(sorted({each for index in indexes for each in index.positions or ()}))

    def _settle_entries(self, index: TableIndex) -> None:
        """Remove the entries of versions that were purged while the index was built: from now on purge does that."""
        while index.unsettled:
            key, address = index.unsettled[-1]
            if not run_with_pages(partial(self._has_key, index, key, address)):
                index.remove(IndexKey(key, False), address, self.log.end_lsn())
            index.unsettled.pop()

    def _has_key(self, index: TableIndex, key: Key, address: TupleId) -> bool:
        """Whether some retained version of the row has the key. Raises PageMiss."""
        with self.latch:
            versions = [*self.chains.of(address)]
            current = self.heap.stored(address)
            if current is not None and not current[FLAGS_OFFSET] & DELETED:
                versions.append(current)
            read = self.heap.overflow.read_resident
            found = [index.stored_key(self.layout, each, read) for each in versions]
        return any(each is not None and each.key == key for each in found)

    # Keys

    def keys(self, values: Values) -> list[IndexKey | None]:
        """The row's key in each index."""
        return [index.key(values) for index in self.indexes]

    def stored_keys(self, stored: bytes) -> list[IndexKey | None]:
        """The keys of a stored row. Under the heap's latch; raises PageMiss."""
        read = self.heap.overflow.read_resident
        return [index.stored_key(self.layout, stored, read) for index in self.indexes]

    def have_same_keys(
        self, one: bytes, other: bytes, positions: Sequence[int] | None = None
    ) -> bool:
        """Whether two stored rows have the same keys for sure: all, or those of the fields at `positions`.

        Under the heap's latch; raises PageMiss.
        """
        read = self.heap.overflow.read_resident
        fields = self.layout.unpack_fields
        positions = self.key_positions if positions is None else positions
        try:
            return fields(one, positions, 0, read) == fields(other, positions, 0, read)
        except CorruptPage:
            # A damaged key that both have is one key: so a change of another column can be taken back.
            raw = self.layout.raw_fields
            if raw(one, positions, read) == raw(other, positions, read):
                return True
            raise

    def log_image(self, stored: bytes) -> bytes:
        """A stored row as the log's before-image: with the long values that indexes use. Under the latch; raises PageMiss."""
        if stored[FLAGS_OFFSET] & HAS_OVERFLOW and self.indexes:
            read = self.heap.overflow.read_resident
            return self.heap.inline(stored, self.key_positions, read=read)
        return stored

    # Entries. Inside the fence, outside all latches.

    def add_entries(self, keys: Sequence[IndexKey | None], address: TupleId, lsn: LSN) -> Suspects:
        """Add the row's entry to each index that has a key for it."""
        suspects: Suspects = []
        for number, (index, key) in enumerate(zip(self.indexes, keys, strict=True)):
            if key is not None:
                others = index.add(key, address, lsn)
                if others:
                    suspects.append((number, others))
        return suspects

    def remove_entries(
        self,
        gone: Sequence[IndexKey | None],
        kept: Sequence[Sequence[IndexKey | None]],
        address: TupleId,
    ) -> None:
        """Remove the entries of keys that no remaining version has. Holds the key gate."""
        lsn = self.log.end_lsn()
        for number, (index, key) in enumerate(zip(self.indexes, gone, strict=True)):
            if key is not None and all(keys[number] != key for keys in kept):
                index.remove(key, address, lsn)

    def note_key_change(self, address: TupleId) -> None:
        """Tell readers that entries may be stale (invariant 4): before the first entry of a changed key is added."""
        self.key_changes += 1
        self.stale.add(address)

    # Reading

    def visible_row(
        self, snapshot: Snapshot, address: TupleId
    ) -> tuple[bytes | bytearray, int] | None:
        """Where the version that the snapshot sees lies: bytes and an offset. Under the latch; raises PageMiss."""
        found = self.heap.row_at(address)
        if found is None:
            return None
        data, offset = found
        if snapshot.is_visible(writer_of(data, offset)):
            return None if data[offset + FLAGS_OFFSET] & DELETED else found
        version = self.chains.visible(address, snapshot)
        return None if version is None else (version, 0)

    def visible(self, snapshot: Snapshot, address: TupleId) -> bytes | None:
        """The stored version that the snapshot sees. Under the latch; raises PageMiss."""
        found = self.visible_row(snapshot, address)
        if found is None:
            return None
        return found[0] if isinstance(found[0], bytes) else self.heap.stored(address)

    def sees_same(self, one: Snapshot, other: Snapshot, address: TupleId) -> bool:
        """Whether two snapshots see the same version of a row, and see one."""

        def look() -> bool:
            with self.latch:
                seen = self.visible(one, address)
                return seen is not None and seen == self.visible(other, address)

        return run_with_pages(look)

    # Rollback

    def undo(self, transaction: Transaction, entry: UndoEntry, *, is_logged: bool) -> None:
        """Put the row of the transaction's newest undo entry back, and take the entry off: see `UndoStore`."""
        _, address, before = entry
        after = None
        if before is not None and is_logged:
            after = self.heap.inline(before)
        run_with_pages(partial(self._prepare_to_free, transaction.id, address))
        run_with_pages(partial(self._undo_row, transaction, address, before, after, is_logged))

    def _prepare_to_free(self, writer: TransactionId, address: TupleId) -> None:
        """Have the overflow pages of a row that its writer will take back in memory, before the fence."""
        with self.latch:
            found = self.heap.row_at(address)
            if found is None:
                return
            data, offset = found
            if not data[offset + FLAGS_OFFSET] & HAS_OVERFLOW or writer_of(data, offset) != writer:
                return
            stored = self.heap.stored(address)
        assert stored is not None
        self.heap.load_overflow(stored)

    def _undo_row(
        self,
        transaction: Transaction,
        address: TupleId,
        before: bytes | None,
        after: bytes | None,
        is_logged: bool,
    ) -> None:
        with self.fence, self.key_gate:
            self.take_back(transaction.id, address, before, after=after, is_logged=is_logged)
            transaction.own_undo().pop()

    def take_back(
        self,
        writer: TransactionId,
        address: TupleId,
        before: bytes | None,
        *,
        after: bytes | None,
        is_logged: bool,
    ) -> None:
        """Undo one change of a row by `writer`. Inside the fence and the key gate. Raises PageMiss; can be done again."""
        with self.latch:
            current = self.heap.stored(address)
            if current is not None and writer_of(current) != writer:
                current = None
            is_replaced = current is not None and not current[FLAGS_OFFSET] & DELETED
            replaced = current if is_replaced else None
            gone, kept = self._keys_around(address, replaced, before)
            image = self.log_image(replaced) if is_logged and replaced is not None else None
        self.remove_entries(gone, kept, address)
        lsn = self.log.end_lsn()
        with self.latch:
            if before is not None:
                self.heap.place(address, self.heap.store(before, address, lsn), lsn)
            elif current is not None:
                self.heap.erase(address, lsn)
            if is_logged:
                self.log.append_row(writer, self.relation_id, address, image, after)
            if before is not None and self.chains.drop(address, before):
                self._forget_stale(address)
                self.moved_out.discard(address)
        # Last: cut off here, the pages are lost until the table is rewritten; the other way round, freed twice.
        if replaced is not None:
            self.heap.free_overflow(replaced, lsn)

    def _keys_around(
        self, address: TupleId, gone: bytes | None, before: bytes | None
    ) -> tuple[list[IndexKey | None], list[list[IndexKey | None]]]:
        """The keys of a version that goes, and those of the versions that stay, if they differ at all. Under the latch."""
        nothing: list[IndexKey | None] = [None] * len(self.indexes)
        if gone is None or not self.indexes:
            return nothing, []
        staying = [*self.chains.of(address)]
        if before is not None and all(each is not before for each in staying):
            staying.append(before)
        if staying and self.have_same_keys(gone, staying[-1]):
            return nothing, []
        return self.stored_keys(gone), [self.stored_keys(each) for each in staying]

    def _forget_stale(self, address: TupleId) -> None:
        if (self.stale or self.moved_out) and address not in self.chains:
            self.stale.discard(address)
            self.moved_out.discard(address)

    # Purge

    def purge_entry(self, address: TupleId, before: bytes) -> None:
        """Drop a version that no snapshot sees, and the row itself if it was deleted and this was its last version.

        Inside the fence. Raises PageMiss; can be done again.
        """
        with self.key_gate:
            with self.latch:
                if all(each is not before for each in self.chains.of(address)):
                    return
                found = self.heap.row_at(address)
                assert found is not None, "a row with versions has its slot"
                data, offset = found
                has_own_entries = address in self.stale or data[offset + FLAGS_OFFSET] & DELETED
                if not has_own_entries:
                    # All versions have the keys of the row on the page (invariant 4).
                    self.chains.drop(address, before)
            if has_own_entries:
                self._purge_with_entries(address, before)
            if before[FLAGS_OFFSET] & HAS_OVERFLOW:
                self.heap.free_overflow(before, self.log.end_lsn())

    def _purge_with_entries(self, address: TupleId, before: bytes) -> None:
        """Drop a version whose index entries may have to go with it. Holds the key gate. Raises PageMiss before any change."""
        with self.latch:
            staying = [each for each in self.chains.of(address) if each is not before]
            current = self.heap.stored(address)
            assert current is not None, "a row with versions has its slot"
            is_deleted = bool(current[FLAGS_OFFSET] & DELETED)
            if not is_deleted:
                staying.append(current)
            gone: list[IndexKey | None] = []
            if self.indexes and not (staying and self.have_same_keys(before, staying[-1])):
                gone = self.stored_keys(before)
                kept = [self.stored_keys(each) for each in staying]
        if gone:
            self.remove_entries(gone, kept, address)
        with self.latch:
            lsn = self.log.end_lsn()
            if is_deleted and not staying:
                self.heap.erase(address, lsn)
            self.chains.drop(address, before)
            self._forget_stale(address)


def key_owner(
    rows: TableRows,
    transaction: Transaction,
    index: TableIndex,
    key: IndexKey,
    address: TupleId,
) -> bool | TransactionId:
    """Whether another row owns a unique key: yes, no, or the running transaction that will decide it. Raises PageMiss.

    As in PostgreSQL, a row changed or deleted by a running transaction owns what it had before as well as what it has now.
    """
    with rows.latch:
        newest = rows.heap.stored(address)
        if newest is None:
            return False
        read = rows.heap.overflow.read_resident
        writer = writer_of(newest)
        is_live = not newest[FLAGS_OFFSET] & DELETED
        has_key = is_live and index.stored_key(rows.layout, newest, read) == key
        if writer == transaction.id or not rows.transactions.is_running(writer):
            return has_key
        if has_key:
            return writer
        for version in reversed(rows.chains.of(address)):
            if index.stored_key(rows.layout, version, read) == key:
                return writer
            if writer_of(version) != writer:
                break
        return False


def changed_keys(new: list[IndexKey | None], old: list[IndexKey | None]) -> list[IndexKey | None]:
    """The new keys where they differ from the old ones, else None; empty if none differs. A row may leave an index: then all are None."""
    if new == old:
        return []
    return [None if key == was else key for key, was in zip(new, old, strict=True)]


def purge_undo_list(transaction_id: TransactionId, undo: list[UndoEntry]) -> None:
    """The purge hook (`transactions.purge_queue.hooks`): drop what a transaction replaced, newest first, taking entries off the list.

    Each entry is taken off in the passage of the fence in which it is done, so an image never owes what was done already.
    """
    while undo:
        purge_plainly(undo)
        if not undo:
            return
        store, _, before = undo[-1]
        # The rows of a dropped table need no purge.
        if isinstance(store, TableRows) and not store.heap.pages.is_dropped:
            if before is not None:
                store.heap.load_overflow(before)
            run_with_pages(partial(_purge_some, store, undo))
        else:
            undo.pop()


def _purge_some(rows: TableRows, undo: list[UndoEntry]) -> None:
    with rows.fence:
        for _ in range(PURGE_BATCH):
            if not undo or undo[-1][0] is not rows:
                return
            _, address, before = undo[-1]
            if before is not None:
                rows.purge_entry(address, before)
            undo.pop()
            if before is not None and before[FLAGS_OFFSET] & HAS_OVERFLOW:
                return
