"""B+Trees against a sorted list: any sequence of changes, lookups, scans that go on while the tree changes, and checks."""

from __future__ import annotations

import random
import uuid
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lungfish.storage.btree import BTree
from lungfish.storage.btree_check import check_btree
from lungfish.storage.buffer_pool import BufferPool
from lungfish.storage.ids import LSN, RelationId, TupleId
from lungfish.storage.image import RelationKind
from lungfish.storage.keys import ADDRESS_MASK, KEY_MAX, KEY_MIN, KeyCodec, KeyRange
from lungfish.storage.memory_disk import MemoryDisk
from lungfish.storage.page_store import PageStore
from lungfish.types.sql_type import BIGINT, BYTEA

Entry = tuple[Any, int]


def make_pool(budget_bytes: int = 1 << 20) -> BufferPool:
    store = PageStore.create(MemoryDisk(), "test.db", page_size_bytes=4096, uuid=uuid.UUID(int=1))
    return BufferPool(store, budget_bytes)


def make_tree(pool: BufferPool, codec: KeyCodec, relation_id: int = 7) -> BTree:
    pages = pool.create_relation(RelationId(relation_id), RelationKind.INDEX)
    return BTree.create(pages, codec, LSN(1))


# Of a tree that has lost all its entries.
EMPTY_NODES_MAX = 6


class BTreeMachine(RuleBasedStateMachine):
    """A tree and the sorted list of what must be in it."""

    codec: KeyCodec
    keys: st.SearchStrategy[Any]

    def __init__(self) -> None:
        super().__init__()
        # 16 frames: leaves leave memory all the time.
        self.pool = make_pool(budget_bytes=16 * 4096)
        self.tree = make_tree(self.pool, self.codec)
        self.model: list[Entry] = []
        self.lsn = 1
        self.scans: list[
            tuple[Iterator[list[Entry]], bool, set[Entry], set[Entry], list[Entry]]
        ] = []

    def _key(self, data: st.DataObject) -> Any:
        return data.draw(self.keys)

    def _add(self, key: Any, address: int) -> None:
        entry = self.codec.entry(key, address)
        index = bisect_left(self.model, entry)
        if index == len(self.model) or self.model[index] != entry:
            self.model.insert(index, entry)
            for _, _, _, touched, _ in self.scans:
                touched.add(entry)
        self.lsn += 1
        self.tree.add(key, TupleId(address), LSN(self.lsn))
        self.pool.trim()

    @initialize(seed=st.integers(0, 2**32), count=st.sampled_from([0, 30, 2000]))
    def fill(self, seed: int, count: int) -> None:
        source = random.Random(seed)
        for _ in range(count):
            self._add(self.random_key(source), source.randrange(1 << 40))

    def random_key(self, source: random.Random) -> Any:
        raise NotImplementedError

    @rule(data=st.data(), address=st.integers(0, 50))
    def add(self, data: st.DataObject, address: int) -> None:
        self._add(self._key(data), address)

    @rule(data=st.data(), address=st.integers(0, 50))
    def add_and_list_others(self, data: st.DataObject, address: int) -> None:
        key = self._key(data)
        expected = [each for each in self._addresses(key) if each != address]
        assert self.tree.add(key, TupleId(address), LSN(1), list_others=True) == expected
        self._add(key, address)

    @rule(start=st.integers(-100, 100), count=st.integers(1, 300), step=st.sampled_from([1, -1]))
    def add_run(self, start: int, count: int, step: int) -> None:
        for number in range(count):
            self._add(self.key_of(start + step * number), 60)

    @rule(start=st.integers(-100, 400), count=st.integers(1, 300), turn=st.integers(1, 300))
    def extend(self, start: int, count: int, turn: int) -> None:
        numbers = [start + number % turn for number in range(count)]
        keys = [self.key_of(number) for number in numbers]
        addresses = [TupleId(100 + number) for number in range(count)]
        last = self.model[-1][0] if self.model else None
        added = self.tree.extend(keys, addresses, 0, LSN(self.lsn))
        assert not added or (last is not None and keys[0] > last and added <= turn)
        for key, address in zip(keys[:added], addresses, strict=False):
            self._add(key, address)

    def key_of(self, number: int) -> Any:
        raise NotImplementedError

    @rule(data=st.data(), address=st.integers(0, 50))
    def remove(self, data: st.DataObject, address: int) -> None:
        key = self._key(data)
        self._remove(self.codec.entry(key, address), key, address)

    @rule(data=st.data(), count=st.integers(1, 600))
    def remove_run(self, data: st.DataObject, count: int) -> None:
        if not self.model:
            return
        start = data.draw(st.integers(0, len(self.model) - 1))
        for entry in self.model[start : start + count]:
            self._remove_entry(entry)

    def _remove_entry(self, entry: Entry) -> None:
        key, address = entry
        is_null = self.codec.is_integer and not 0 <= address <= ADDRESS_MASK
        self._remove(entry, None if is_null else key, address & ADDRESS_MASK)

    def _remove(self, entry: Entry, key: Any, address: int) -> None:
        index = bisect_left(self.model, entry)
        is_there = index < len(self.model) and self.model[index] == entry
        assert self.tree.remove(key, TupleId(address), LSN(self.lsn)) is is_there
        self.pool.trim()
        if is_there:
            del self.model[index]
            for _, _, _, touched, _ in self.scans:
                touched.add(entry)

    def _addresses(self, key: Any) -> list[int]:
        low, high = self.codec.key_range(key)
        return [address & ADDRESS_MASK for _, address in self._between(low, high)]

    def _between(self, low: Entry | None, high: Entry | None) -> list[Entry]:
        start = 0 if low is None else bisect_left(self.model, low)
        end = len(self.model) if high is None else bisect_left(self.model, high)
        return self.model[start:end]

    @rule(data=st.data())
    def look_up(self, data: st.DataObject) -> None:
        key = self._key(data)
        found = self.tree.addresses(key)
        assert found == self._addresses(key)
        for address in {*found[:3], 17}:
            assert self.tree.contains(key, TupleId(address)) is (address in found)

    @rule(data=st.data(), is_backward=st.booleans())
    def scan(self, data: st.DataObject, is_backward: bool) -> None:
        key_range = self._range(data)
        expected = self._between(*key_range)
        found = [
            entry for chunk in self.tree.scan(key_range, is_backward=is_backward) for entry in chunk
        ]
        assert found == (expected[::-1] if is_backward else expected)

    def _range(self, data: st.DataObject) -> KeyRange:
        low, high = data.draw(st.none() | self.keys), data.draw(st.none() | self.keys)
        return KeyRange(
            None if low is None else self.codec.key_range(low).low,
            None if high is None else self.codec.key_range(high).high,
        )

    @rule(data=st.data(), is_backward=st.booleans())
    def begin_scan(self, data: st.DataObject, is_backward: bool) -> None:
        key_range = self._range(data)
        scan = self.tree.scan(key_range, is_backward=is_backward)
        self.scans.append((scan, is_backward, set(self._between(*key_range)), set(), []))

    @rule()
    def continue_scan(self) -> None:
        for scan, is_backward, at_start, touched, found in self.scans:
            chunk = next(scan, None)
            if chunk is not None:
                found.extend(chunk)
                continue
            assert sorted(set(found), reverse=is_backward) == found
            # What was neither added nor removed meanwhile is met exactly once, what was may be.
            assert set(found) - touched == at_start - touched
        self.scans = [each for each in self.scans if each[0].gi_frame is not None]  # type: ignore[attr-defined]

    @invariant()
    def tree_is_whole(self) -> None:
        figures = check_btree(self.tree)
        assert figures.is_complete
        assert figures.entry_count == len(self.model)

    def teardown(self) -> None:
        for entry in list(self.model):
            self._remove_entry(entry)
        figures = check_btree(self.tree)
        # A leaf that is its parent's only child has no neighbour to be merged with; once it has one, no deletion comes by any more.
        assert figures.entry_count == 0
        kept = figures.leaf_count + figures.inner_count
        assert kept <= EMPTY_NODES_MAX
        assert figures.free_count == self.tree.pages.page_count - 1 - kept


class IntegerMachine(BTreeMachine):
    codec = KeyCodec([BIGINT])
    keys = st.none() | st.integers(-30, 30) | st.sampled_from([KEY_MIN, KEY_MAX])

    def random_key(self, source: random.Random) -> Any:
        return source.choice([None, source.randrange(-50, 50), source.randrange(-(2**63), 2**63)])

    def key_of(self, number: int) -> Any:
        return number


class DescendingIntegerMachine(IntegerMachine):
    codec = KeyCodec([BIGINT], [True])


class ByteMachine(BTreeMachine):
    codec = KeyCodec([BYTEA])
    keys = st.binary(max_size=2) | st.sampled_from([b"prefix" * 20, b"x" * 1024, b"", b"x" * 1023])

    def random_key(self, source: random.Random) -> Any:
        head = source.choice([b"", b"a", b"common prefix/", b"common prefix/and more/" * 20])
        return head + source.randbytes(source.randrange(20))

    def key_of(self, number: int) -> Any:
        return b"common prefix/%05d" % (number + 1000)


@pytest.mark.slow
@pytest.mark.parametrize("machine", [IntegerMachine, DescendingIntegerMachine, ByteMachine])
def test_a_tree_behaves_like_a_sorted_list(machine: type[BTreeMachine]) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine, settings=settings(max_examples=25, stateful_step_count=25, deadline=None)
    )
