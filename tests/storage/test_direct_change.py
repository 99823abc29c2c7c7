"""Rows changed in one step: only where nobody is in the way, and then without an entry in the lock table."""

from __future__ import annotations

import pytest
from table_world import Waiter, World, begin, committed_rows, contents, lock

from lungfish import errors
from lungfish.storage.ids import RelationId, TupleId
from lungfish.storage.lock_modes import LockMode
from lungfish.storage.table import LockStatus, LockWait, TableStore, UniqueConflict
from lungfish.storage.transactions import IsolationLevel, Transaction
from lungfish.types.sql_type import INTEGER, TEXT


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def table(world: World) -> TableStore:
    return world.table((INTEGER, TEXT), ("unique", 0))


@pytest.fixture
def address(world: World, table: TableStore) -> TupleId:
    return committed_rows(world, table, [(1, "one")])[0]


def change(table: TableStore, transaction: Transaction, address: TupleId, text: str | None) -> bool:
    """Give the row another text, or delete it (None)."""
    values = None if text is None else (1, text)
    return table.change_directly(transaction, transaction.statement_snapshot(), address, values)


@pytest.mark.parametrize("text", ["uno", "a text that does not fit its view", None])
def test_a_row_that_nobody_wants_is_changed_without_a_lock(
    world: World, table: TableStore, address: TupleId, text: str | None
) -> None:
    transaction = begin(world)
    assert change(table, transaction, address, text)
    assert not world.transactions.locks.row_lock_count
    transaction.commit()
    assert contents(world, table) == ([] if text is None else [(1, text)])
    assert not len(table.rows.chains)


@pytest.mark.parametrize("text", ["uno", "a text that does not fit its view", None])
def test_such_a_change_is_rolled_back(
    world: World, table: TableStore, address: TupleId, text: str | None
) -> None:
    transaction = begin(world)
    assert change(table, transaction, address, "first")
    transaction.savepoint("s")
    assert change(table, transaction, address, text)
    transaction.rollback_to("s")
    assert table.get(transaction.statement_snapshot(), address) == (1, "first")
    transaction.rollback()
    assert contents(world, table) == [(1, "one")]


def test_the_writer_in_the_row_is_the_lock(
    world: World, table: TableStore, address: TupleId
) -> None:
    first, second = begin(world), begin(world, timeout_s=None)
    assert change(table, first, address, "uno")
    assert not change(table, second, address, "eins")
    assert lock(table, second, address, wait=LockWait.SKIP_LOCKED) is LockStatus.SKIPPED
    second.rollback()
    third = begin(world, timeout_s=None)
    snapshot = third.statement_snapshot()
    waiter = Waiter(world, lambda: table.lock(third, snapshot, address))
    first.commit()
    assert waiter.finish() == (LockStatus.CHANGED, (1, "uno"))


@pytest.mark.parametrize("mode", [LockMode.FOR_UPDATE, LockMode.FOR_SHARE])
def test_an_explicit_lock_of_another_is_respected(
    world: World, table: TableStore, address: TupleId, mode: LockMode
) -> None:
    holder = begin(world)
    lock(table, holder, address, mode=mode)
    assert not change(table, begin(world), address, "uno")
    holder.rollback()
    assert change(table, begin(world), address, "uno")


def test_ones_own_lock_is_no_hindrance_if_it_is_strong_enough(
    world: World, table: TableStore, address: TupleId
) -> None:
    transaction = begin(world)
    lock(table, transaction, address, mode=LockMode.FOR_KEY_SHARE)
    assert not change(table, transaction, address, "uno")
    lock(table, transaction, address, mode=LockMode.FOR_NO_KEY_UPDATE)
    assert change(table, transaction, address, "uno")
    assert not change(table, transaction, address, None)
    lock(table, transaction, address)
    assert change(table, transaction, address, None)


def test_a_version_that_the_snapshot_does_not_see_is_left_alone(
    world: World, table: TableStore, address: TupleId
) -> None:
    old = begin(world, isolation=IsolationLevel.REPEATABLE_READ)
    old.statement_snapshot()
    other = begin(world)
    assert change(table, other, address, "uno")
    other.commit()
    assert not change(table, old, address, "eins")
    with pytest.raises(errors.SerializationFailure):
        lock(table, old, address)


@pytest.mark.parametrize("text", ["zwei", None])
def test_who_has_written_a_row_does_not_queue_behind_those_that_wait_for_it(
    world: World, table: TableStore, address: TupleId, text: str | None
) -> None:
    writer, contender = begin(world), begin(world, timeout_s=None)
    assert change(table, writer, address, "eins")
    snapshot = contender.statement_snapshot()
    waiter = Waiter(world, lambda: table.lock(contender, snapshot, address))
    # The contender has the explicit lock now.
    assert not change(table, writer, address, text)
    assert lock(table, writer, address) is LockStatus.SAME
    if text is None:
        table.delete(writer, address)
    else:
        table.update(writer, address, (1, text))
    writer.commit()
    status = LockStatus.GONE if text is None else LockStatus.CHANGED
    assert waiter.finish() == (status, None if text is None else (1, text))


def test_a_change_of_the_key_waits_for_those_that_refer_to_the_row(
    world: World, table: TableStore, address: TupleId
) -> None:
    writer, referrer = begin(world, timeout_s=None), begin(world)
    assert change(table, writer, address, "eins")
    assert lock(table, referrer, address, mode=LockMode.FOR_KEY_SHARE) is LockStatus.SAME
    assert lock(table, writer, address, mode=LockMode.FOR_NO_KEY_UPDATE) is LockStatus.SAME
    waiter = Waiter(world, lambda: lock(table, writer, address))
    referrer.rollback()
    assert waiter.finish() is LockStatus.SAME


def test_a_new_index_knows_the_keys_of_old_versions(
    world: World, table: TableStore, address: TupleId
) -> None:
    reader = begin(world, isolation=IsolationLevel.REPEATABLE_READ)
    snapshot = reader.statement_snapshot()
    writer = begin(world)
    assert change(table, writer, address, "uno")
    writer.commit()
    index = world.index((INTEGER, TEXT), (1,), RelationId(99))
    table.build_index(index)
    table.set_indexes([*table.indexes, index])
    now = begin(world).statement_snapshot()
    assert table.key_lookup(now, index, ["one"]) == []
    assert table.key_lookup(now, index, ["uno"]) == [(address, (1, "uno"))]
    assert table.key_lookup(snapshot, index, ["one"]) == [(address, (1, "one"))]
    reader.rollback()
    world.transactions.purge()
    assert contents(world, table) == [(1, "uno")]


def rekey(
    table: TableStore, transaction: Transaction, address: TupleId, old: int, new: int
) -> bool:
    """Give the row another key."""
    snapshot = transaction.statement_snapshot()
    return table.change_directly(transaction, snapshot, address, (new, "one"), old=(old, "one"))


def test_another_key_gets_its_entry_and_the_old_one_loses_its_own(
    world: World, table: TableStore, address: TupleId
) -> None:
    transaction = begin(world)
    before = transaction.statement_snapshot()
    world.transactions.hold(before)
    assert rekey(table, transaction, address, 1, 2)
    index = table.indexes[0]
    assert table.key_lookup(transaction.statement_snapshot(), index, [1]) == []
    assert table.key_lookup(transaction.statement_snapshot(), index, [2]) == [(address, (2, "one"))]
    transaction.commit()
    world.transactions.release(before)
    world.transactions.purge()
    assert contents(world, table) == [(2, "one")]
    assert index.addresses(1) == []


def test_another_key_is_rolled_back(world: World, table: TableStore, address: TupleId) -> None:
    transaction = begin(world)
    assert rekey(table, transaction, address, 1, 2)
    assert rekey(table, transaction, address, 2, 3)
    transaction.rollback()
    assert contents(world, table) == [(1, "one")]


def test_a_key_that_another_row_has_is_refused_and_nothing_is_changed(
    world: World, table: TableStore, address: TupleId
) -> None:
    committed_rows(world, table, [(2, "two")])
    transaction = begin(world)
    with pytest.raises(UniqueConflict):
        rekey(table, transaction, address, 1, 2)
    assert not transaction.undo
    transaction.commit()
    assert contents(world, table) == [(1, "one"), (2, "two")]


def test_a_row_that_others_refer_to_does_not_change_its_key_at_once(
    world: World, table: TableStore, address: TupleId
) -> None:
    referrer = begin(world)
    lock(table, referrer, address, mode=LockMode.FOR_KEY_SHARE)
    assert not rekey(table, begin(world), address, 1, 2)
