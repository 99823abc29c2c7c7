"""An index as its table sees it: from a row's values to entries of a B+Tree and back.

Invariants:
1. The tree has the entry (key, address) for each key that some retained version of the row has (the one on the page, those on
   its chain) and for which the index's predicate holds. It has no other.
2. Entries are added with the row's change and removed when the last version with that key goes, in the same passage of the fence.
3. `add` of a unique key and the look for other rows with that key are one step under the tree's latch: of two
   writers with one key, at least the second sees the first.

A page of the tree that is not in memory is loaded on the way. Inside the fence that should not happen, so writers call `prepare` before
they enter; should the page be evicted in between, it is read again inside, which costs the fence one read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from lungfish.storage.btree import BTree
from lungfish.storage.ids import LSN, RelationId, TupleId
from lungfish.storage.keys import Key, KeyRange
from lungfish.storage.rows import OverflowReader, RowLayout, Values


class IndexKey(NamedTuple):
    """The key that a row has in an index."""

    key: Key
    # Whether another row with this key is a conflict: the index is unique and, unless NULLs are alike, no column is NULL.
    is_exclusive: bool


class UniqueConflict(Exception):
    """A row with this key of a unique index exists already: the executor words it, or does what ON CONFLICT says."""

    def __init__(self, index: TableIndex, address: TupleId, key_values: Values) -> None:
        super().__init__(index, address, key_values)
        self.index = index
        # The row that is in the way.
        self.address = address
        # The values of the key columns.
        self.key_values = key_values


class TableIndex:
    """A B+Tree over a table's rows.

    `key_of` gives the values of the key columns from a row's stored values, `predicate` (of a partial index) whether the row is
    in the index at all. Both see only the fields at `positions` (None: all) and must be deterministic.
    """

    def __init__(
        self,
        btree: BTree,
        key_of: Callable[[Values], Values],
        *,
        is_unique: bool = False,
        nulls_not_distinct: bool = False,
        predicate: Callable[[Values], bool] | None = None,
        positions: Sequence[int] | None = None,
        is_deferrable: bool = False,
    ) -> None:
        self.btree = btree
        self.key_of = key_of
        self.is_unique = is_unique
        self.nulls_not_distinct = nulls_not_distinct
        # Adding an entry then answers no other rows: who writes asks `TableStore.find_double` later.
        self.is_deferrable = is_deferrable
        self.predicate = predicate
        self.positions = None if positions is None else tuple(positions)
        # Entries of old versions, found while the index was built: looked at again when the table takes the index.
        self.unsettled: list[tuple[Key, TupleId]] = []
        self._encode = btree.codec.encode

    @property
    def relation_id(self) -> RelationId:
        """Where the tree's pages are."""
        return self.btree.pages.relation_id

    def key(self, values: Values) -> IndexKey | None:
        """The row's key, None if the predicate leaves it out. A hot path: see bench/rows.py."""
        if self.predicate is not None and not self.predicate(values):
            return None
        key_values = self.key_of(values)
        is_exclusive = self.is_unique and (self.nulls_not_distinct or None not in key_values)
        return IndexKey(self._encode(key_values), is_exclusive)

    def stored_key(
        self, layout: RowLayout, stored: bytes, overflow: OverflowReader
    ) -> IndexKey | None:
        """The key of a stored row. `overflow` is called for long values of the fields that the index uses, and no others."""
        if self.positions is None:
            return self.key(layout.unpack(stored, 0, overflow))
        values: list[Any] = [None] * len(layout.types)
        fields = layout.unpack_fields(stored, self.positions, 0, overflow)
        for position, value in zip(self.positions, fields, strict=True):
            values[position] = value
        return self.key(tuple(values))

    def prepare(self, key: Key) -> None:
        """Bring the pages on the way to the key into memory. No latch may be held; outside the fence."""
        pages = self.btree.pages
        if len(pages.frames) < pages.page_count:
            self.btree.prepare(key)

    def add(self, key: IndexKey, address: TupleId, lsn: LSN) -> list[TupleId]:
        """Add the entry unless it is there; answer the other rows with that key if it is exclusive (invariant 3)."""
        return self.btree.add(
            key.key, address, lsn, list_others=key.is_exclusive and not self.is_deferrable
        )

    def remove(self, key: IndexKey, address: TupleId, lsn: LSN) -> None:
        """Remove the entry if it is there."""
        self.btree.remove(key.key, address, lsn)

    def addresses(self, key: Key) -> list[TupleId]:
        """The rows that have, or had, this key."""
        return self.btree.addresses(key)

    def entries(self, key_range: KeyRange, *, is_backward: bool) -> Iterator[list[tuple[Any, int]]]:
        """The entries of a range in chunks, as `BTree.scan` gives them."""
        return self.btree.scan(key_range, is_backward=is_backward)

    def is_entry_of(self, entry: tuple[Any, int], values: Values, address: TupleId) -> bool:
        """Whether a row of these values has that entry: an old version's entry leads to rows of another key."""
        key = self.key(values)
        return key is not None and self.btree.codec.entry(key.key, address) == entry
