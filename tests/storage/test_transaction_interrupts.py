"""KeyboardInterrupt at every line of a transaction's life: nothing stays locked, running or unpurged, and nothing is half done."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from interrupts import is_interrupted, line_numbers
from transaction_world import World

from lungfish.errors import StatementCompletionUnknown
from lungfish.storage import locks, purge, running_set, transactions
from lungfish.storage.ids import TransactionId
from lungfish.storage.lock_modes import LockMode, row_tag, table_tag
from lungfish.storage.transactions import IsolationLevel, Transaction, TransactionState

MODULES = [transactions, running_set, purge, locks]
ROW, TABLE = row_tag(5, 1), table_tag(9)


class Life:
    """One transaction, from its beginning until it is surely over."""

    def __init__(self) -> None:
        self.world = World()
        self.world.writer(1, b"old").commit()
        self.purged = self.world.purged()
        self.published: list[str] = []
        self.rolled_back: list[str] = []
        self.transaction: Transaction | None = None

    def write(self) -> Transaction:
        transaction = self.world.begin()
        self.transaction = transaction
        transaction.statement_snapshot()
        transaction.on_publish.append(lambda: self.published.append("now"))
        transaction.on_rollback.append(lambda: self.rolled_back.append("now"))
        owner = transaction.lock_owner
        self.world.manager.locks.acquire(owner, TABLE, LockMode.ROW_EXCLUSIVE)
        assert self.world.manager.locks.try_acquire(owner, ROW, LockMode.FOR_UPDATE)
        self.world.store.write(transaction, 1, b"new")
        self.world.store.write(transaction, 2, b"new")
        return transaction

    def commit(self) -> None:
        self.write().commit()

    def roll_back(self) -> None:
        self.write().rollback()

    def roll_back_to_savepoint(self) -> None:
        transaction = self.write()
        transaction.savepoint("s")
        self.world.manager.locks.acquire(transaction.lock_owner, TABLE, LockMode.EXCLUSIVE)
        self.world.store.write(transaction, 3, b"new")
        transaction.rollback_to("s")
        transaction.release("s")
        transaction.commit()

    def read(self) -> None:
        self.transaction = self.world.begin(IsolationLevel.REPEATABLE_READ)
        self.transaction.statement_snapshot()
        self.transaction.commit()

    def end(self) -> None:
        """What a session does when an exception has passed through it."""
        transaction = self.transaction
        if transaction is None:
            return
        if transaction.state is TransactionState.RUNNING:
            transaction.rollback()
        elif transaction.state is TransactionState.COMMITTING:
            transaction.commit()


def check(life: Life) -> None:
    world = life.world
    is_committed = ("commit", 2) in world.log.records
    rows = {1: b"new", 2: b"new"} if is_committed else {1: b"old"}
    assert world.store.rows == rows
    manager = world.manager
    assert manager.running() == []
    assert manager.locks.facts() == []
    assert manager.locks.row_lock_count == 0
    assert manager.horizon() == manager.next_id
    manager.purge()
    assert manager.purge_queue.owed() == []
    if is_committed:
        assert TransactionId(2) in life.purged
        assert life.published
        assert not life.rolled_back
    else:
        assert not life.published
    assert manager.take_snapshot().is_visible(TransactionId(2)) is (manager.next_id > 2)


@pytest.mark.slow
@pytest.mark.parametrize(
    "live",
    [Life.commit, Life.roll_back, Life.roll_back_to_savepoint, Life.read],
    ids=["commit", "rollback", "savepoint", "read"],
)
def test_an_interrupted_transaction_ends_whole(live: Callable[[Life], None]) -> None:
    for line_number in line_numbers():
        life = Life()
        is_cut_off = is_interrupted(MODULES, line_number, lambda life=life: live(life))
        life.end()
        check(life)
        if not is_cut_off:
            break


def test_a_commit_whose_record_is_logged_is_done_in_spite_of_an_interrupt() -> None:
    done = 0
    for line_number in line_numbers():
        life = Life()
        transaction = life.write()
        is_cut_off = is_interrupted(MODULES, line_number, transaction.commit)
        is_logged = ("commit", transaction.id) in life.world.log.records
        if is_logged:
            assert transaction.state in (TransactionState.COMMITTED, TransactionState.COMMITTING)
            done += transaction.state is TransactionState.COMMITTED
        else:
            assert transaction.state is TransactionState.RUNNING
        life.end()
        check(life)
        if not is_cut_off:
            break
    assert done > 20


def test_a_committing_transaction_cannot_be_rolled_back() -> None:
    life = Life()
    transaction = life.write()
    life.world.log.flush_error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        transaction.commit()
    life.world.log.flush_error = None
    with pytest.raises(StatementCompletionUnknown):
        transaction.rollback()
    life.end()
    check(life)
