"""Weak table locks cost no mutex, and count in full as soon as somebody wants a strong one."""

from __future__ import annotations

import threading

import pytest

from lungfish import errors
from lungfish.storage.lock_modes import LockMode, LockTag, table_tag
from lungfish.storage.lock_queue import LockOwner
from lungfish.storage.locks import LockManager

TABLE = table_tag(7)
READ, WRITE, ALTER = LockMode.ACCESS_SHARE, LockMode.ROW_EXCLUSIVE, LockMode.ACCESS_EXCLUSIVE


@pytest.fixture
def locks() -> LockManager:
    return LockManager()


def test_weak_locks_stay_out_of_the_table_and_are_shown_as_fast(locks: LockManager) -> None:
    reader = locks.new_owner(1)
    locks.acquire(reader, TABLE, READ)
    assert reader.held == {}
    assert [(fact.mode, fact.is_fast) for fact in locks.facts()] == [(READ, True)]
    locks.end_transaction(reader, 0)
    assert locks.facts() == []


def test_a_strong_lock_is_refused_while_a_weak_one_is_held(locks: LockManager) -> None:
    reader, owner = locks.new_owner(1), locks.new_owner(2)
    locks.acquire(reader, TABLE, READ)
    assert not locks.try_acquire(owner, TABLE, ALTER)
    assert [(fact.owner_number, fact.is_fast) for fact in locks.facts()] == [(1, False)]
    locks.end_transaction(reader, 0)
    assert locks.try_acquire(owner, TABLE, ALTER)


def test_a_refused_strong_lock_leaves_the_fast_way_open(locks: LockManager) -> None:
    reader, owner = locks.new_owner(1), locks.new_owner(2)
    locks.acquire(reader, TABLE, READ)
    assert not locks.try_acquire(owner, TABLE, ALTER)
    other = locks.new_owner(3)
    locks.acquire(other, TABLE, WRITE)
    assert other.held == {}


def test_a_weak_lock_waits_for_a_strong_one_and_behind_one_that_waits(locks: LockManager) -> None:
    first, altering, late = locks.new_owner(1), locks.new_owner(2), locks.new_owner(3, timeout_s=0)
    locks.acquire(first, TABLE, READ)
    waiting = threading.Thread(target=locks.acquire, args=(altering, TABLE, ALTER))
    waiting.start()
    while not locks.waiting_count:
        pass
    with pytest.raises(errors.LockNotAvailable):
        locks.acquire(late, TABLE, READ)
    # Whoever holds a lock already goes before those that wait for it.
    locks.acquire(first, TABLE, WRITE)
    locks.end_transaction(first, 0)
    waiting.join()
    assert not locks.try_acquire(late, TABLE, READ)
    locks.end_transaction(altering, 0)
    assert locks.try_acquire(late, TABLE, READ)
    assert late.held == {}


def test_one_s_own_weak_lock_is_not_in_the_way(locks: LockManager) -> None:
    owner = locks.new_owner(1)
    locks.acquire(owner, TABLE, WRITE)
    assert locks.try_acquire(owner, TABLE, ALTER)
    locks.end_transaction(owner, 0)
    assert locks.facts() == []


def test_what_came_before_a_savepoint_is_kept_when_it_is_rolled_back(locks: LockManager) -> None:
    owner, other = locks.new_owner(1), locks.new_owner(2)
    locks.acquire(owner, TABLE, READ)
    locks.settle(owner)
    mark = len(owner.log)
    locks.acquire(owner, TABLE, WRITE)
    locks.release_since(owner, mark)
    assert not locks.try_acquire(other, TABLE, ALTER)


def test_a_deadlock_through_weak_locks_is_found(locks: LockManager) -> None:
    one, two = locks.new_owner(1), locks.new_owner(2)
    locks.acquire(one, TABLE, READ)
    locks.acquire(two, TABLE, READ)
    failed: list[Exception] = []

    def alter() -> None:
        try:
            locks.acquire(one, TABLE, ALTER)
        except errors.DeadlockDetected as error:
            failed.append(error)
        locks.end_transaction(one, 0)

    thread = threading.Thread(target=alter)
    thread.start()
    while not locks.waiting_count:
        pass
    with pytest.raises(errors.DeadlockDetected):
        locks.acquire(two, TABLE, ALTER)
    locks.end_transaction(two, 0)
    thread.join()
    assert not failed


def test_a_transaction_that_ends_while_its_lock_is_adopted_has_none_left(
    locks: LockManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, owner = locks.new_owner(1), locks.new_owner(2)
    locks.acquire(reader, TABLE, READ)
    adopt = locks._adopt

    def adopt_too_late(holder: LockOwner, tag: LockTag, mask: int) -> None:
        locks.end_transaction(reader, 0)
        adopt(holder, tag, mask)

    monkeypatch.setattr(locks, "_adopt", adopt_too_late)
    assert locks.try_acquire(owner, TABLE, ALTER)
    assert [fact.owner_number for fact in locks.facts()] == [2]


def test_no_interleaving_lets_weak_and_strong_in_together(locks: LockManager) -> None:
    """Readers and one who alters, each many times: nobody is inside with a lock that conflicts with another's."""
    inside: dict[int, LockMode] = {}
    clashes: list[dict[int, LockMode]] = []

    def work(number: int, mode: LockMode, rounds: int) -> None:
        owner = locks.new_owner(number)
        for _ in range(rounds):
            locks.acquire(owner, TABLE, mode)
            inside[number] = mode
            seen = dict(inside)
            if len(seen) > 1 and ALTER in seen.values():
                clashes.append(seen)
            del inside[number]
            locks.end_transaction(owner, 0)
        locks.dismiss(owner)

    threads = [threading.Thread(target=work, args=(number, READ, 3000)) for number in (1, 2, 3)]
    threads.append(threading.Thread(target=work, args=(4, ALTER, 1000)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clashes == []
    assert locks.facts() == []
    assert not locks.fast_path.strong
