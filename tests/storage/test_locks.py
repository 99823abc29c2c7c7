"""Locks: the conflict matrices, queues, deadlocks, timeouts and cancellation. Threads meet at events, never by sleeping."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import product

import pytest

from lungfish.errors import DeadlockDetected, IoError, LockNotAvailable, QueryCanceled
from lungfish.storage.ids import TransactionId
from lungfish.storage.lock_modes import LockMode, LockTag, advisory_tag, row_tag, table_tag
from lungfish.storage.lock_queue import LockOwner, LockRequest
from lungfish.storage.locks import LockManager

TABLE = table_tag(16384)
OTHER = table_tag(16385)
ROW = row_tag(5, 3 << 16 | 7)
SHARE, EXCLUSIVE = LockMode.SHARE, LockMode.EXCLUSIVE

# As the manual prints them ("Explicit Locking"): rows and columns in the order of the modes, X where they conflict.
TABLE_CONFLICTS = """
.......X
......XX
....XXXX
...XXXXX
..XX.XXX
..XXXXXX
.XXXXXXX
XXXXXXXX
"""
ROW_CONFLICTS = """
...X
..XX
.XXX
XXXX
"""


class WatchedLocks(LockManager):
    """Says when somebody is about to sleep; as that happens under the mutex, whoever calls next finds him asleep."""

    def __init__(self) -> None:
        super().__init__()
        self.began_to_wait = threading.Semaphore(0)

    def _resolve_deadlock(self, request: LockRequest) -> None:
        super()._resolve_deadlock(request)
        self.began_to_wait.release()

    def await_waiter(self) -> None:
        assert self.began_to_wait.acquire(timeout=10)


class World:
    """A lock manager, some owners, and threads that acquire for them."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.locks = WatchedLocks()
        self.pool = pool

    def owners(self, count: int) -> list[LockOwner]:
        return [self.locks.new_owner() for _ in range(count)]

    def wait(self, owner: LockOwner, tag: LockTag, mode: LockMode) -> Future[None]:
        """Acquire in a thread that will have to wait; returns when it does."""
        future = self.pool.submit(self.locks.acquire, owner, tag, mode)
        self.locks.await_waiter()
        return future


def finish(future: Future[None]) -> None:
    future.result(timeout=10)


@pytest.fixture
def world() -> Iterator[World]:
    with ThreadPoolExecutor(8) as pool:
        yield World(pool)


@pytest.mark.parametrize(
    ("modes", "matrix"),
    [(list(LockMode)[:8], TABLE_CONFLICTS), (list(LockMode)[8:], ROW_CONFLICTS)],
    ids=["tables", "rows"],
)
def test_modes_conflict_as_the_manual_says(modes: list[LockMode], matrix: str) -> None:
    rows = matrix.split()
    for (i, one), (j, other) in product(enumerate(modes), repeat=2):
        locks = LockManager()
        assert locks.try_acquire(locks.new_owner(), TABLE, one)
        assert locks.try_acquire(locks.new_owner(), TABLE, other) is (rows[i][j] == ".")


def test_an_owner_does_not_conflict_with_itself(world: World) -> None:
    (owner,) = world.owners(1)
    for mode in LockMode:
        assert world.locks.try_acquire(owner, TABLE, mode)


def test_a_waiter_gets_the_lock_when_the_transaction_ends(world: World) -> None:
    one, two = world.owners(2)
    world.locks.acquire(one, TABLE, EXCLUSIVE)
    waiter = world.wait(two, TABLE, SHARE)
    assert not waiter.done()
    world.locks.end_transaction(one, TransactionId(0))
    finish(waiter)
    assert not world.locks.try_acquire(one, TABLE, EXCLUSIVE)


def test_nobody_passes_a_waiter_in_his_way(world: World) -> None:
    reader, writer, late = world.owners(3)
    world.locks.acquire(reader, TABLE, SHARE)
    waiting_writer = world.wait(writer, TABLE, EXCLUSIVE)
    assert not world.locks.try_acquire(late, TABLE, SHARE)
    waiting_late = world.wait(late, TABLE, SHARE)
    world.locks.end_transaction(reader, TransactionId(0))
    finish(waiting_writer)
    assert not waiting_late.done()
    world.locks.end_transaction(writer, TransactionId(0))
    finish(waiting_late)


def test_waiters_are_served_in_the_order_they_came(world: World) -> None:
    first, *others = world.owners(5)
    world.locks.acquire(first, ROW, LockMode.FOR_UPDATE)
    waiters = [world.wait(owner, ROW, LockMode.FOR_UPDATE) for owner in others]
    previous = first
    for owner, waiter in zip(others, waiters, strict=True):
        world.locks.end_transaction(previous, TransactionId(0))
        finish(waiter)
        assert [each.done() for each in waiters].count(True) == others.index(owner) + 1
        previous = owner


def test_compatible_waiters_are_let_in_together(world: World) -> None:
    writer, *readers = world.owners(4)
    world.locks.acquire(writer, TABLE, EXCLUSIVE)
    waiters = [world.wait(reader, TABLE, SHARE) for reader in readers]
    world.locks.end_transaction(writer, TransactionId(0))
    for waiter in waiters:
        finish(waiter)


def test_who_holds_a_lock_goes_before_those_who_wait_for_it(world: World) -> None:
    one, two, three = world.owners(3)
    world.locks.acquire(one, TABLE, SHARE)
    world.locks.acquire(two, TABLE, SHARE)
    waiting = world.wait(three, TABLE, EXCLUSIVE)
    # Behind `three` it would wait for itself.
    upgrade = world.wait(one, TABLE, LockMode.ROW_EXCLUSIVE)
    world.locks.end_transaction(two, TransactionId(0))
    finish(upgrade)
    assert not waiting.done()
    world.locks.end_transaction(one, TransactionId(0))
    finish(waiting)


def test_two_that_wait_for_each_other_are_a_deadlock(world: World) -> None:
    one, two = world.owners(2)
    world.locks.acquire(one, TABLE, EXCLUSIVE)
    world.locks.acquire(two, OTHER, EXCLUSIVE)
    waiting = world.wait(one, OTHER, SHARE)
    with pytest.raises(DeadlockDetected, match="deadlock detected") as caught:
        world.locks.acquire(two, TABLE, EXCLUSIVE)
    assert caught.value.detail == (
        f"Session {two.number} waits for ExclusiveLock on relation 16384; "
        f"blocked by session {one.number}.\n"
        f"Session {one.number} waits for ShareLock on relation 16385; "
        f"blocked by session {two.number}."
    )
    assert world.locks.deadlock_count == 1
    assert not waiting.done()
    world.locks.end_transaction(two, TransactionId(0))
    finish(waiting)


def test_a_deadlock_may_go_through_many(world: World) -> None:
    owners = world.owners(5)
    tags = [table_tag(number) for number in range(5)]
    for owner, tag in zip(owners, tags, strict=True):
        world.locks.acquire(owner, tag, EXCLUSIVE)
    waiters = [world.wait(owners[n], tags[n + 1], EXCLUSIVE) for n in range(4)]
    with pytest.raises(DeadlockDetected):
        world.locks.acquire(owners[4], tags[0], EXCLUSIVE)
    for owner, waiter in zip(reversed(owners), [*reversed(waiters), None], strict=True):
        world.locks.end_transaction(owner, TransactionId(0))
        if waiter is not None:
            finish(waiter)


def test_a_circle_of_waiters_is_broken_by_letting_one_pass(world: World) -> None:
    reader, writer, late = world.owners(3)
    world.locks.acquire(reader, TABLE, SHARE)
    world.locks.acquire(late, OTHER, EXCLUSIVE)
    waiting_writer = world.wait(writer, TABLE, EXCLUSIVE)
    # Behind the writer only because it came later.
    waiting_late = world.wait(late, TABLE, SHARE)
    # The reader waits for `late`, who waits behind the writer, who waits for the reader.
    waiting_reader = world.wait(reader, OTHER, SHARE)
    finish(waiting_late)
    assert world.locks.deadlock_count == 0
    world.locks.end_transaction(late, TransactionId(0))
    finish(waiting_reader)
    world.locks.end_transaction(reader, TransactionId(0))
    finish(waiting_writer)


def test_a_lock_timeout_ends_the_wait_and_leaves_the_queue(world: World) -> None:
    one, late = world.owners(2)
    hasty = world.locks.new_owner(timeout_s=0.001)
    world.locks.acquire(one, TABLE, SHARE)
    with pytest.raises(LockNotAvailable, match="canceling statement due to lock timeout"):
        world.locks.acquire(hasty, TABLE, EXCLUSIVE)
    assert world.locks.try_acquire(late, TABLE, SHARE)
    assert world.locks.waiting_count == 0


def test_a_canceled_waiter_makes_way(world: World) -> None:
    reader, writer, late = world.owners(3)
    world.locks.acquire(reader, TABLE, SHARE)
    waiting_writer = world.wait(writer, TABLE, EXCLUSIVE)
    waiting_late = world.wait(late, TABLE, SHARE)
    world.locks.cancel(writer)
    with pytest.raises(QueryCanceled, match="canceling statement due to user request"):
        finish(waiting_writer)
    finish(waiting_late)


def test_a_cancel_that_comes_first_meets_the_next_wait(world: World) -> None:
    one, two = world.owners(2)
    world.locks.acquire(one, TABLE, EXCLUSIVE)
    world.locks.cancel(two, "canceling statement due to statement timeout")
    with pytest.raises(QueryCanceled, match="statement timeout"):
        world.locks.acquire(two, TABLE, SHARE)


def test_a_failed_log_ends_every_wait(world: World) -> None:
    one, two, three = world.owners(3)
    world.locks.acquire(one, TABLE, EXCLUSIVE)
    waiting = world.wait(two, TABLE, SHARE)
    world.locks.poison(IoError("sync failed"))
    with pytest.raises(IoError, match="sync failed"):
        finish(waiting)
    with pytest.raises(IoError, match="sync failed"):
        world.locks.acquire(three, TABLE, SHARE)


def test_rolling_back_to_a_savepoint_releases_what_came_after(world: World) -> None:
    one, two = world.owners(2)
    world.locks.acquire(one, TABLE, SHARE)
    mark = len(one.log)
    world.locks.acquire(one, TABLE, EXCLUSIVE)
    world.locks.acquire(one, OTHER, EXCLUSIVE)
    waiting = world.wait(two, TABLE, SHARE)
    world.locks.release_since(one, mark)
    finish(waiting)
    assert not world.locks.try_acquire(two, TABLE, EXCLUSIVE)
    assert world.locks.try_acquire(two, OTHER, EXCLUSIVE)


def test_session_locks_are_counted_and_outlive_the_transaction(world: World) -> None:
    one, two = world.owners(2)
    key = advisory_tag(42)
    for _ in range(2):
        world.locks.acquire(one, key, EXCLUSIVE, is_session=True)
    world.locks.acquire(one, key, EXCLUSIVE)
    world.locks.end_transaction(one, TransactionId(0))
    assert world.locks.release_session(one, key, EXCLUSIVE)
    assert not world.locks.try_acquire(two, key, SHARE)
    assert world.locks.release_session(one, key, EXCLUSIVE)
    assert not world.locks.release_session(one, key, EXCLUSIVE)
    assert world.locks.try_acquire(two, key, SHARE)


def test_releasing_a_session_lock_leaves_the_transactions_own(world: World) -> None:
    one, two = world.owners(2)
    key = advisory_tag(1, 2)
    world.locks.acquire(one, key, EXCLUSIVE, is_session=True)
    world.locks.acquire(one, key, EXCLUSIVE)
    assert world.locks.release_session(one, key, EXCLUSIVE)
    assert not world.locks.try_acquire(two, key, SHARE)
    world.locks.release_all(one)
    assert world.locks.try_acquire(two, key, SHARE)


def test_the_end_of_a_session_releases_everything(world: World) -> None:
    one, two = world.owners(2)
    world.locks.acquire(one, advisory_tag(1), EXCLUSIVE, is_session=True)
    world.locks.acquire(one, TABLE, EXCLUSIVE)
    world.locks.release_all(one)
    assert world.locks.try_acquire(two, advisory_tag(1), EXCLUSIVE)
    assert world.locks.try_acquire(two, TABLE, EXCLUSIVE)


def test_the_count_of_row_locks_returns_to_zero(world: World) -> None:
    (one,) = world.owners(1)
    assert world.locks.row_lock_count == 0
    world.locks.acquire(one, ROW, LockMode.FOR_SHARE)
    world.locks.acquire(one, TABLE, SHARE)
    assert world.locks.row_lock_count == 1
    world.locks.end_transaction(one, TransactionId(0))
    assert world.locks.row_lock_count == 0
    assert world.locks.facts() == []


def test_facts_tell_who_holds_and_who_waits(world: World) -> None:
    one, two = world.owners(2)
    world.locks.acquire(one, ROW, LockMode.FOR_UPDATE)
    waiting = world.wait(two, ROW, LockMode.FOR_KEY_SHARE)
    assert [
        (fact.mode.label, fact.owner_number, fact.is_granted) for fact in world.locks.facts()
    ] == [("ForUpdateLock", one.number, True), ("ForKeyShareLock", two.number, False)]
    assert str(world.locks.facts()[0].tag) == "tuple (3,7) of relation 5"
    world.locks.end_transaction(one, TransactionId(0))
    finish(waiting)


def test_many_threads_never_hold_conflicting_locks(world: World) -> None:
    tags = [table_tag(number) for number in range(3)]
    holders = dict.fromkeys(tags, 0)
    broken: list[LockTag] = []
    deadlocks: list[int] = []

    def work(seed: int) -> None:
        owner = world.locks.new_owner()
        for turn in range(60):
            tag = tags[(seed + turn) % 3]
            world.locks.acquire(owner, tag, EXCLUSIVE)
            holders[tag] += 1
            try:
                # A second one, in an order that deadlocks now and then.
                world.locks.acquire(owner, tags[(seed * turn) % 3], SHARE)
            except DeadlockDetected:
                deadlocks.append(turn)
            if holders[tag] != 1:
                broken.append(tag)
            holders[tag] -= 1
            world.locks.end_transaction(owner, TransactionId(0))

    for future in [world.pool.submit(work, seed) for seed in range(6)]:
        future.result(timeout=60)
    assert not broken
    assert len(deadlocks) == world.locks.deadlock_count
    assert world.locks.facts() == []
    assert world.locks.waiting_count == 0
