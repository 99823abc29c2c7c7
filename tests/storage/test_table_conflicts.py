"""Two who want one key or one row: who waits, who is told, and what the one who waited finds."""

from __future__ import annotations

import threading

import pytest
from table_world import Waiter, World, begin, committed_rows, contents, lock

from lungfish import errors
from lungfish.storage.keys import WHOLE_RANGE
from lungfish.storage.lock_modes import LockMode
from lungfish.storage.table import LockStatus, LockWait, TableIndex, TableStore, UniqueConflict
from lungfish.storage.transactions import IsolationLevel
from lungfish.types.sql_type import INTEGER, TEXT

TYPES = (INTEGER, TEXT)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def table(world: World) -> TableStore:
    return world.table(TYPES, ("unique", 0), (1,))


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
