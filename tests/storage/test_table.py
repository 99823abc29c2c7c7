"""What one table promises its users: unique keys, locks, scans, batches, and wholeness when something fails."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from table_world import FIRST_INDEX, World

from lungfish import errors
from lungfish.storage import table_scan
from lungfish.storage.ids import LSN, RelationId, TransactionId, TupleId
from lungfish.storage.keys import WHOLE_RANGE, Bound
from lungfish.storage.lock_modes import LockMode
from lungfish.storage.table import LockStatus, LockWait, TableIndex, TableStore, UniqueConflict
from lungfish.storage.table_build import build_index, check_heap, check_index
from lungfish.storage.transactions import IsolationLevel, Transaction
from lungfish.types.sql_type import BIGINT, BYTEA, DOUBLE, INTEGER, TEXT
from lungfish.types.vectors import build_vector

TYPES = (INTEGER, TEXT)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def table(world: World) -> TableStore:
    return world.table(TYPES, ("unique", 0), (1,))


def begin(world: World, *, timeout_s: float | None = 0, **options: Any) -> Transaction:
    owner = world.transactions.locks.new_owner(timeout_s=timeout_s)
    return world.transactions.begin(lock_owner=owner, **options)


def committed_rows(world: World, table: TableStore, rows: list[tuple[Any, ...]]) -> list[TupleId]:
    transaction = begin(world)
    addresses = table.insert_many(transaction, rows)
    transaction.commit()
    return addresses


def contents(world: World, table: TableStore) -> list[tuple[Any, ...]]:
    transaction = begin(world)
    snapshot = transaction.statement_snapshot()
    rows = [
        row
        for batch in table.scan(snapshot)
        for row in zip(*[column.to_pylist() for column in batch.columns], strict=True)
    ]
    transaction.commit()
    for index in table.indexes:
        check_index(table.rows, index)
    assert check_heap(table.rows) == len(rows)
    return sorted(rows, key=repr)


def lock(
    table: TableStore, transaction: Transaction, address: TupleId, **options: Any
) -> LockStatus:
    return table.lock(transaction, transaction.statement_snapshot(), address, **options).status


class Waiter:
    """Something done in another thread, that is known to wait for a lock."""

    def __init__(self, world: World, action: Callable[[], Any]) -> None:
        self.result: Any = None
        self.thread = threading.Thread(target=self.run, args=(action,))
        self.thread.start()
        while not world.transactions.locks.waiting_count and self.thread.is_alive():
            self.thread.join(0.0005)
        assert self.thread.is_alive(), f"it did not wait: {self.result}"

    def run(self, action: Callable[[], Any]) -> None:
        try:
            self.result = action()
        except (errors.Error, UniqueConflict) as error:
            self.result = error

    def finish(self) -> Any:
        self.thread.join(10)
        assert not self.thread.is_alive()
        return self.result


# Unique keys


def test_a_duplicate_key_leaves_nothing_behind(world: World, table: TableStore) -> None:
    (first,) = committed_rows(world, table, [(1, "one")])
    transaction = begin(world)
    with pytest.raises(UniqueConflict) as caught:
        table.insert(transaction, (1, "uno"))
    assert caught.value.address == first
    assert caught.value.index is table.indexes[0]
    assert caught.value.key_values == (1,)
    assert not transaction.undo
    table.insert(transaction, (2, "two"))
    transaction.commit()
    assert contents(world, table) == [(1, "one"), (2, "two")]


def test_nulls_do_not_conflict_unless_the_index_says_so(world: World, table: TableStore) -> None:
    committed_rows(world, table, [(None, "a"), (None, "b")])
    table.indexes[0].nulls_not_distinct = True
    transaction = begin(world)
    with pytest.raises(UniqueConflict):
        table.insert(transaction, (None, "c"))


def test_a_key_that_was_given_up_can_be_taken(world: World, table: TableStore) -> None:
    one, two = committed_rows(world, table, [(1, "one"), (2, "two")])
    reader = begin(world, isolation=IsolationLevel.REPEATABLE_READ)
    reader.statement_snapshot()
    transaction = begin(world)
    lock(table, transaction, one)
    table.update(transaction, one, (3, "one"))
    lock(table, transaction, two)
    table.delete(transaction, two)
    table.insert(transaction, (1, "uno"))
    table.insert(transaction, (2, "due"))
    transaction.commit()
    later = begin(world)
    # Its entry under key 1 is still there for the reader, yet the key belongs to another row now.
    lock(table, later, one)
    with pytest.raises(UniqueConflict):
        table.update(later, one, (1, "back"))
    later.rollback()
    assert contents(world, table) == [(1, "uno"), (2, "due"), (3, "one")]
    reader.commit()


@pytest.mark.parametrize("does_commit", [True, False])
def test_who_inserts_a_key_second_waits_for_the_first(
    world: World, table: TableStore, does_commit: bool
) -> None:
    first, second = begin(world), begin(world, timeout_s=None)
    table.insert(first, (1, "first"))
    waiter = Waiter(world, lambda: table.insert(second, (1, "second")))
    if does_commit:
        first.commit()
        assert isinstance(waiter.finish(), UniqueConflict)
        second.rollback()
        assert contents(world, table) == [(1, "first")]
    else:
        first.rollback()
        assert isinstance(waiter.finish(), int)
        second.commit()
        assert contents(world, table) == [(1, "second")]


@pytest.mark.parametrize("does_commit", [True, False])
def test_an_uncommitted_delete_keeps_its_key_until_it_is_decided(
    world: World, table: TableStore, does_commit: bool
) -> None:
    (address,) = committed_rows(world, table, [(1, "old")])
    first, second = begin(world), begin(world, timeout_s=None)
    lock(table, first, address)
    table.delete(first, address)
    waiter = Waiter(world, lambda: table.insert(second, (1, "new")))
    if does_commit:
        first.commit()
        assert isinstance(waiter.finish(), int)
    else:
        first.rollback()
        assert isinstance(waiter.finish(), UniqueConflict)
    second.commit()
    assert contents(world, table) == [(1, "new" if does_commit else "old")]


def test_a_savepoint_rolled_back_lets_a_waiting_insert_go_on(
    world: World, table: TableStore
) -> None:
    first, second = begin(world), begin(world, timeout_s=None)
    first.savepoint("s")
    table.insert(first, (1, "first"))
    waiter = Waiter(world, lambda: table.insert(second, (1, "second")))
    first.rollback_to("s")
    assert isinstance(waiter.finish(), int)
    first.commit()
    second.commit()
    assert contents(world, table) == [(1, "second")]


def test_find_conflict_names_the_row_in_the_way(world: World, table: TableStore) -> None:
    (address,) = committed_rows(world, table, [(1, "one")])
    transaction = begin(world)
    unique, other = table.indexes
    assert table.find_conflict(transaction, unique, (1, "x")) == address
    assert table.find_conflict(transaction, unique, (2, "x")) is None
    assert table.find_conflict(transaction, unique, (None, "x")) is None
    assert table.find_conflict(transaction, other, (9, "one")) is None


def test_a_partial_unique_index_looks_at_its_own_rows_only(world: World) -> None:
    table = world.table(TYPES, ("unique", 0))
    index = table.indexes[0]
    partial = TableIndex(
        index.btree, index.key_of, is_unique=True, predicate=lambda values: values[1] == "live"
    )
    table.set_indexes([partial])
    addresses = committed_rows(world, table, [(1, "dead"), (1, "dead"), (1, "live")])
    transaction = begin(world)
    lock(table, transaction, addresses[0])
    with pytest.raises(UniqueConflict):
        table.update(transaction, addresses[0], (1, "live"))
    lock(table, transaction, addresses[2])
    table.update(transaction, addresses[2], (1, "dead"))
    table.update(transaction, addresses[0], (1, "live"))
    transaction.commit()
    assert contents(world, table) == [(1, "dead"), (1, "dead"), (1, "live")]


def test_a_key_too_long_for_its_index_leaves_no_row(world: World, table: TableStore) -> None:
    transaction = begin(world)
    key = "".join(chr(97 + n % 26) for n in range(3000))
    with pytest.raises(errors.ProgramLimitExceeded):
        table.insert(transaction, (1, key))
    with pytest.raises(errors.ProgramLimitExceeded):
        table.insert_many(transaction, [(2, "short"), (3, key)])
    transaction.commit()
    assert contents(world, table) == []


# Locks


def test_one_who_waited_sees_the_new_row(world: World, table: TableStore) -> None:
    (address,) = committed_rows(world, table, [(1, "one")])
    first, second = begin(world), begin(world, timeout_s=None)
    lock(table, first, address)
    table.update(first, address, (1, "uno"))
    snapshot = second.statement_snapshot()
    waiter = Waiter(world, lambda: table.lock(second, snapshot, address))
    first.commit()
    assert waiter.finish() == (LockStatus.CHANGED, (1, "uno"))


def test_one_who_waited_for_a_delete_finds_the_row_gone(world: World, table: TableStore) -> None:
    (address,) = committed_rows(world, table, [(1, "one")])
    first, second = begin(world), begin(world, timeout_s=None)
    lock(table, first, address)
    table.delete(first, address)
    snapshot = second.statement_snapshot()
    waiter = Waiter(world, lambda: table.lock(second, snapshot, address))
    first.commit()
    assert waiter.finish() == (LockStatus.GONE, None)


@pytest.mark.parametrize("what", ["update", "delete"])
def test_repeatable_read_cannot_lock_what_changed_behind_its_back(
    world: World, table: TableStore, what: str
) -> None:
    (address,) = committed_rows(world, table, [(1, "one")])
    old = begin(world, isolation=IsolationLevel.REPEATABLE_READ)
    snapshot = old.statement_snapshot()
    other = begin(world)
    lock(table, other, address)
    if what == "update":
        table.update(other, address, (1, "uno"))
    else:
        table.delete(other, address)
    other.commit()
    assert table.get(snapshot, address) == (1, "one")
    with pytest.raises(errors.SerializationFailure, match=f"concurrent {what}"):
        table.lock(old, snapshot, address)


def test_nowait_and_skip_locked_do_not_wait(world: World, table: TableStore) -> None:
    (address,) = committed_rows(world, table, [(1, "one")])
    first, second = begin(world), begin(world, timeout_s=None)
    lock(table, first, address)
    with pytest.raises(
        errors.LockNotAvailable, match='could not obtain lock on row in relation "t"'
    ):
        lock(table, second, address, wait=LockWait.NOWAIT)
    assert lock(table, second, address, wait=LockWait.SKIP_LOCKED) is LockStatus.SKIPPED


def test_a_reference_is_not_held_up_by_a_change_that_keeps_the_keys(
    world: World, table: TableStore
) -> None:
    table.set_indexes(table.indexes[:1])
    (address,) = committed_rows(world, table, [(1, "one")])
    first, second = begin(world), begin(world)
    table.lock(first, first.statement_snapshot(), address, mode=LockMode.FOR_NO_KEY_UPDATE)
    table.update(first, address, (1, "uno"))
    snapshot = second.statement_snapshot()
    found = table.lock(second, snapshot, address, mode=LockMode.FOR_KEY_SHARE)
    assert found == (LockStatus.SAME, (1, "one"))
    second.rollback()
    table.update(first, address, (2, "uno"))
    with pytest.raises(errors.LockNotAvailable):
        lock(table, begin(world), address, mode=LockMode.FOR_KEY_SHARE)


def test_two_who_wait_for_each_other_are_told(world: World, table: TableStore) -> None:
    one, two = committed_rows(world, table, [(1, "one"), (2, "two")])
    first, second = begin(world, timeout_s=None), begin(world, timeout_s=None)
    lock(table, first, one)
    lock(table, second, two)
    table.update(first, one, (1, "x"))
    table.update(second, two, (2, "y"))
    waiter = Waiter(world, lambda: lock(table, first, two))
    with pytest.raises(errors.DeadlockDetected):
        lock(table, second, one)
    second.rollback()
    assert waiter.finish() is LockStatus.SAME
    first.rollback()
    assert contents(world, table) == [(1, "one"), (2, "two")]


def test_no_increment_is_lost_between_threads(world: World) -> None:
    table = world.table((INTEGER, INTEGER), ("unique", 0))
    (address,) = committed_rows(world, table, [(1, 0)])

    def increment() -> None:
        for _ in range(50):
            transaction = begin(world, timeout_s=None)
            found = table.lock(transaction, transaction.statement_snapshot(), address)
            assert found.values is not None
            table.update(transaction, address, (1, found.values[1] + 1))
            transaction.commit()

    threads = [threading.Thread(target=increment) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert contents(world, table) == [(1, 200)]


def test_writers_and_readers_on_one_table_keep_it_whole(world: World) -> None:
    table = world.table((INTEGER, TEXT), ("unique", 0), (1,))
    addresses = committed_rows(world, table, [(n, f"name {n}") for n in range(100)])
    failures: list[BaseException] = []

    def write(seed: int) -> None:
        try:
            for step in range(120):
                transaction = begin(world, timeout_s=None)
                address = addresses[(seed * 31 + step * 7) % 100]
                found = table.lock(transaction, transaction.statement_snapshot(), address)
                assert found.values is not None
                new = (found.values[0], f"{seed} {step} " + "x" * (step % 40))
                table.update(transaction, address, new)
                table.insert(transaction, (1000 + seed * 1000 + step, "more"))
                if step % 3:
                    transaction.commit()
                else:
                    transaction.rollback()
        except BaseException as error:
            failures.append(error)

    def read() -> None:
        try:
            for _ in range(40):
                transaction = begin(world, isolation=IsolationLevel.REPEATABLE_READ)
                snapshot = transaction.statement_snapshot()
                scanned = sum(batch.row_count for batch in table.scan(snapshot, [0]))
                chunks = table.index_scan(snapshot, table.indexes[0], WHOLE_RANGE)
                keys = [values[0] for chunk in chunks for _, values in chunk]
                assert len(keys) == scanned
                assert keys[:100] == list(range(100))
                transaction.commit()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(3)]
    threads += [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(contents(world, table)) == 100 + 3 * 80
    assert not len(table.rows.chains)


# Reading and batches


def test_a_range_of_an_index_comes_in_order_and_backwards(world: World, table: TableStore) -> None:
    committed_rows(world, table, [(n * 7 % 100, str(n)) for n in range(100)])
    transaction = begin(world)
    snapshot = transaction.statement_snapshot()
    index = table.indexes[0]
    key_range = index.btree.codec.range((), Bound(10, True), Bound(20, False))
    for is_backward in (False, True):
        chunks = table.index_scan(snapshot, index, key_range, is_backward=is_backward)
        keys = [values[0] for chunk in chunks for _, values in chunk]
        assert keys == sorted(range(10, 20), reverse=is_backward)


def test_a_scan_of_no_columns_still_counts(world: World, table: TableStore) -> None:
    committed_rows(world, table, [(n, None) for n in range(70)])
    transaction = begin(world)
    batches = list(table.scan(transaction.statement_snapshot(), []))
    assert sum(batch.row_count for batch in batches) == 70
    assert all(batch.columns == () for batch in batches)


def test_a_scan_gives_addresses_that_get_finds(world: World, table: TableStore) -> None:
    addresses = committed_rows(world, table, [(n, f"row {n}") for n in range(300)])
    transaction = begin(world)
    snapshot = transaction.statement_snapshot()
    (batch,) = table.scan(snapshot, [1], with_tuple_id=True)
    assert batch.columns[1].to_pylist() == addresses
    assert table.get(snapshot, addresses[9]) == (9, "row 9")
    assert table.get(snapshot, TupleId(addresses[-1] + 5)) is None


def test_a_batch_of_columns_is_the_same_as_its_rows(world: World) -> None:
    types = (INTEGER, TEXT, DOUBLE, BYTEA, BIGINT)
    table = world.table(types, ("unique", 0), (1, 4))
    rows = [
        (n, None if n % 5 == 0 else f"name {n} " * (n % 4), n / 3, bytes([n % 256]) * (n % 30), n)
        for n in range(700)
    ]
    columns = [
        build_vector([row[position] for row in rows], sql_type)
        for position, sql_type in enumerate(types)
    ]
    transaction = begin(world)
    addresses = table.insert_batch(transaction, columns, len(rows))
    transaction.commit()
    assert len(set(addresses)) == len(rows)
    assert contents(world, table) == sorted(rows, key=repr)


def test_a_failed_batch_is_not_there_at_all(world: World, table: TableStore) -> None:
    committed_rows(world, table, [(500, "taken")])
    transaction = begin(world)
    with pytest.raises(UniqueConflict):
        table.insert_many(transaction, [(n, f"name {n}") for n in range(600)])
    transaction.commit()
    assert contents(world, table) == [(500, "taken")]


def test_huge_values_do_not_gather_in_one_batch(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_scan, "LONG_SIZE_MAX", 100_000)
    table = world.table((INTEGER, TEXT))
    rows = [(n, "v" * (40_000 if n % 3 == 0 else 5)) for n in range(20)]
    addresses = committed_rows(world, table, rows)
    transaction = begin(world)
    batches = list(table.scan(transaction.statement_snapshot(), with_tuple_id=True))
    assert len(batches) == 4
    columns = [[column.to_pylist() for column in batch.columns] for batch in batches]
    found = [row for batch in columns for row in zip(*batch, strict=True)]
    assert found == [(*row, address) for row, address in zip(rows, addresses, strict=True)]


# Building and checking indexes


def test_an_index_built_later_has_old_versions_too(world: World, table: TableStore) -> None:
    addresses = committed_rows(world, table, [(n, f"row {n}") for n in range(50)])
    reader = begin(world, isolation=IsolationLevel.REPEATABLE_READ)
    snapshot = reader.statement_snapshot()
    writer = begin(world)
    for address in addresses[:10]:
        lock(table, writer, address)
        table.update(writer, address, (None, "new"))
    for address in addresses[10:15]:
        lock(table, writer, address)
        table.delete(writer, address)
    writer.commit()
    index = world.index(TYPES, (1, 0), RelationId(FIRST_INDEX + 9))
    table.build_index(index)
    table.set_indexes((*table.indexes, index))
    check_index(table.rows, index)
    chunks = table.index_scan(snapshot, index, index.btree.codec.range(("row 3",)))
    assert [values for chunk in chunks for _, values in chunk] == [(3, "row 3")]
    reader.commit()
    contents(world, table)


def test_versions_purged_while_an_index_is_built_leave_no_entries(
    world: World, table: TableStore
) -> None:
    one, two = committed_rows(world, table, [(1, "one"), (2, "two")])
    reader = begin(world, isolation=IsolationLevel.REPEATABLE_READ)
    reader.statement_snapshot()
    writer = begin(world)
    lock(table, writer, one)
    table.update(writer, one, (1, "uno"))
    lock(table, writer, two)
    table.delete(writer, two)
    writer.commit()
    index = world.index(TYPES, (1, 0), RelationId(FIRST_INDEX + 9))
    table.build_index(index)
    reader.commit()
    assert not len(table.rows.chains)
    table.set_indexes((*table.indexes, index))
    assert contents(world, table) == [(1, "uno")]


def test_purge_passes_over_a_table_that_was_dropped(world: World, table: TableStore) -> None:
    (address,) = committed_rows(world, table, [(1, "one")])
    reader = begin(world, isolation=IsolationLevel.REPEATABLE_READ)
    reader.statement_snapshot()
    writer = begin(world)
    lock(table, writer, address)
    table.update(writer, address, (2, "two"))
    writer.commit()
    world.pool.drop_relation(table.relation_id)
    reader.commit()
    assert world.transactions.purge_queue.error is None
    assert not world.transactions.purge_queue.owed()


def test_a_unique_index_cannot_be_built_over_duplicates(world: World) -> None:
    table = world.table(TYPES)
    addresses = committed_rows(
        world, table, [(1, "a"), (2, "b"), (1, "c"), (None, "d"), (None, "e")]
    )
    index = world.index(TYPES, ("unique", 0), RelationId(FIRST_INDEX + 9))
    with pytest.raises(UniqueConflict) as caught:
        build_index(table.rows, index)
    assert caught.value.address == addresses[0]
    assert caught.value.key_values == (1,)


def test_the_check_finds_an_entry_too_many_and_one_too_few(world: World, table: TableStore) -> None:
    (address,) = committed_rows(world, table, [(1, "one")])
    index = table.indexes[0]
    key = index.key((1, "one"))
    assert key is not None
    index.remove(key, address, LSN(1))
    with pytest.raises(errors.IndexCorrupted):
        check_index(table.rows, index)
    index.add(key, address, LSN(1))
    index.add(key, TupleId(address + 1), LSN(1))
    with pytest.raises(errors.IndexCorrupted):
        check_index(table.rows, index)


# Rollback


def test_a_row_comes_back_although_its_room_was_taken(world: World, table: TableStore) -> None:
    table.set_indexes(table.indexes[:1])
    (address,) = committed_rows(world, table, [(1, "w" * 1000)])
    committed_rows(world, table, [(n, "x" * 100) for n in range(2, 15)])
    first, second = begin(world), begin(world)
    lock(table, first, address)
    table.update(first, address, (1, "short"))
    while True:
        other = table.insert(second, (100 + len(second.undo), "y" * 100))
        if other >> 16 != address >> 16:
            break
    second.commit()
    first.rollback()
    transaction = begin(world)
    assert table.get(transaction.statement_snapshot(), address) == (1, "w" * 1000)
    transaction.commit()
    contents(world, table)


# When something fails


def test_a_change_that_never_reached_the_page_leaves_long_values_alone(
    world: World, table: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.set_indexes(table.indexes[:1])
    (address,) = committed_rows(world, table, [(1, "z" * 9000)])
    transaction = begin(world)
    lock(table, transaction, address)
    place = table.heap.place
    calls: list[TupleId] = []

    def fail_once(address: TupleId, stored: bytes, lsn: LSN) -> None:
        calls.append(address)
        if len(calls) == 1:
            raise MemoryError
        place(address, stored, lsn)

    monkeypatch.setattr(table.heap, "place", fail_once)
    with pytest.raises(MemoryError):
        table.update(transaction, address, (1, "short"))
    transaction.commit()
    assert contents(world, table) == [(1, "z" * 9000)]


def test_a_change_that_the_log_refuses_is_not_there(
    world: World, table: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (address,) = committed_rows(world, table, [(1, "one")])
    transaction = begin(world)
    lock(table, transaction, address)
    calls = []

    def refuse_once(
        transaction_id: TransactionId,
        relation_id: RelationId,
        address: TupleId,
        before: bytes | None,
        after: bytes | None,
    ) -> LSN:
        calls.append(address)
        if len(calls) == 1:
            raise errors.DiskFull("no room for the log")
        return LSN(1)

    monkeypatch.setattr(world.log, "append_row", refuse_once)
    actions: list[Callable[[], object]] = [
        lambda: table.insert(transaction, (2, "two")),
        lambda: table.update(transaction, address, (3, "three")),
        lambda: table.delete(transaction, address),
    ]
    for action in actions:
        calls.clear()
        with pytest.raises(errors.DiskFull):
            action()
        assert not transaction.undo
        for index in table.indexes:
            check_index(table.rows, index)
    transaction.commit()
    assert contents(world, table) == [(1, "one")]
