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

import numpy as np

from lungfish.storage.btree import BTree
from lungfish.storage.ids import LSN, RelationId, TupleId
from lungfish.storage.key_columns import encode_entries, encode_keys
from lungfish.storage.keys import Key, KeyRange
from lungfish.storage.rows import OverflowReader, RowLayout, Values
from lungfish.types.batch import Vector


class IndexKey(NamedTuple):
    """The key that a row has in an index."""

    key: Key
    # Whether another row with this key is a conflict: the index is unique and, unless NULLs are alike, no column is NULL.
    is_exclusive: bool


class IndexKeys:
    """The keys that several rows have in an index."""

    __slots__ = ("_is_exclusive", "_keys", "stored")

    def __init__(
        self,
        stored: Sequence[Key],
        *,
        keys: Sequence[IndexKey | None] | None = None,
        is_exclusive: bool = False,
    ) -> None:
        """`keys`: what each row has, where that differs: some are not in the index, or not exclusive."""
        # None also where a row is not in the index.
        self.stored = stored
        self._keys = keys
        self._is_exclusive = is_exclusive

    def of(self, row: int) -> IndexKey | None:
        """One row's key."""
        if self._keys is not None:
            return self._keys[row]
        return IndexKey(self.stored[row], self._is_exclusive)


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
        picks_fields: bool = False,
    ) -> None:
        """`picks_fields`: the key columns are the fields at `positions`, in that order."""
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
        self.picks_fields = picks_fields and predicate is None
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

    def add_run(
        self, keys: IndexKeys, start: int, addresses: Sequence[TupleId], lsn: LSN
    ) -> list[tuple[int, list[TupleId]]]:
        """`add` for several rows, from `start` on; answers (row, other rows) where there are such."""
        found: list[tuple[int, list[TupleId]]] = []
        stored = keys.stored[start : start + len(addresses)]
        # Keys that ascend, as serial ones do, go to the end of the tree many at a time; two that do not tell that these are others.
        attempts_left = 0 if None in stored else 2
        number = 0
        while number < len(stored):
            if attempts_left:
                added = self.btree.extend(stored, addresses, number, lsn)
                attempts_left -= not added
                number += added
                if number == len(stored):
                    break
            key = keys.of(start + number)
            if key is not None:
                others = self.add(key, addresses[number], lsn)
                if others:
                    found.append((start + number, others))
            number += 1
        return found

    def keys_of_rows(self, rows: Sequence[Values]) -> IndexKeys:
        """The keys of some rows."""
        keys = [self.key(values) for values in rows]
        return IndexKeys([None if key is None else key.key for key in keys], keys=keys)

    def keys_of_columns(self, columns: Sequence[Vector]) -> IndexKeys | None:
        """The keys of rows that come by column, in the order of the stored fields; None if they are to be made row by row."""
        if not self.picks_fields or self.positions is None:
            return None
        own = [columns[position] for position in self.positions]
        if any(column.null_count for column in own):
            return None
        codec = self.btree.codec
        if codec.is_integer:
            keys, _ = encode_entries(codec, own, np.zeros(len(own[0]), np.int64))
            stored = keys.tolist() if isinstance(keys, np.ndarray) else keys
        else:
            stored = encode_keys(codec, own).to_pylist()
        return IndexKeys(stored, is_exclusive=self.is_unique)

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
