"""Transactions: snapshots, commit, rollback, savepoints, waiting for each other."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transaction_world import World

from lungfish import errors
from lungfish.storage.ids import TransactionId
from lungfish.storage.snapshots import Snapshot
from lungfish.storage.transactions import (
    IsolationLevel,
    Transaction,
    TransactionState,
)


@pytest.fixture
def world() -> World:
    return World()


# Snapshots


def test_a_snapshot_sees_what_had_committed_when_it_was_taken(world: World) -> None:
    early, running = world.writer(), world.writer()
    early.commit()
    snapshot = world.begin().statement_snapshot()
    running.commit()
    late = world.writer()
    late.commit()
    assert snapshot.is_visible(early.id)
    assert not snapshot.is_visible(running.id)
    assert not snapshot.is_visible(late.id)
    assert snapshot.is_visible(TransactionId(0))


def test_a_transaction_sees_its_own_writes_in_the_snapshot_it_already_has(world: World) -> None:
    transaction = world.begin(IsolationLevel.REPEATABLE_READ)
    snapshot = transaction.statement_snapshot()
    transaction.assign_id()
    assert snapshot.is_visible(transaction.id)
    assert not world.begin().statement_snapshot().is_visible(transaction.id)


def test_read_committed_looks_anew_at_each_statement(world: World) -> None:
    for level in (IsolationLevel.READ_COMMITTED, IsolationLevel.READ_UNCOMMITTED):
        reader, writer = world.begin(level), world.writer()
        assert not reader.statement_snapshot().is_visible(writer.id)
        writer.commit()
        assert reader.statement_snapshot().is_visible(writer.id)


def test_repeatable_read_keeps_its_first_snapshot(world: World) -> None:
    reader, writer = world.begin(IsolationLevel.REPEATABLE_READ), world.writer()
    snapshot = reader.statement_snapshot()
    writer.commit()
    assert reader.statement_snapshot() is snapshot


@given(
    running=st.frozensets(st.integers(5, 15)),
    own_id=st.sampled_from([0, 7, 20]),
    writers=st.lists(st.integers(0, 22)),
)
def test_a_page_of_writers_is_judged_as_each_of_them(
    running: frozenset[int], own_id: int, writers: list[int]
) -> None:
    ids = frozenset(map(TransactionId, running))
    snapshot = Snapshot(
        min(ids, default=TransactionId(16)), TransactionId(16), ids, TransactionId(own_id)
    )
    mask = snapshot.visible_mask(np.array(writers, np.int64))
    assert mask.tolist() == [snapshot.is_visible(TransactionId(each)) for each in writers]
    if writers and snapshot.sees_all_up_to(TransactionId(max(writers))):
        assert mask.all()


# Commit


def test_a_commit_is_durable_before_it_is_visible(world: World) -> None:
    transaction = world.writer()
    seen: list[bool] = []
    world.log.on_flush = lambda: seen.append(
        world.manager.take_snapshot().is_visible(transaction.id)
    )
    transaction.commit()
    assert seen == [False]
    assert world.log.records == [("commit", transaction.id)]
    assert world.log.flushed == 1
    assert world.manager.take_snapshot().is_visible(transaction.id)


def test_a_transaction_that_wrote_nothing_logs_nothing(world: World) -> None:
    transaction = world.begin()
    transaction.statement_snapshot()
    transaction.commit()
    world.begin().rollback()
    assert world.log.records == []
    assert world.manager.next_id == 1


def test_without_synchronous_commit_nobody_waits_for_the_disk(world: World) -> None:
    transaction = world.begin(synchronous_commit=False)
    world.store.write(transaction, 1, b"x")
    transaction.commit()
    assert world.log.records == [("commit", transaction.id)]
    assert world.log.flushed == 0


def test_a_failed_sync_leaves_the_outcome_open_and_poisons(world: World) -> None:
    transaction, other = world.writer(1), world.writer(2)
    world.log.flush_error = errors.IoError("sync: input/output error")
    with pytest.raises(errors.StatementCompletionUnknown):
        transaction.commit()
    assert transaction.state is TransactionState.COMMITTING
    assert not world.manager.take_snapshot().is_visible(transaction.id)
    assert world.store.rows[1] == b"x"
    with pytest.raises(errors.StatementCompletionUnknown):
        transaction.rollback()
    world.log.flush_error = None
    with pytest.raises(errors.IoError, match="accepts no more changes"):
        other.commit()
    with pytest.raises(errors.IoError, match="accepts no more changes"):
        world.begin().assign_id()
    other.rollback()
    assert 2 not in world.store.rows
    world.begin().commit()


def test_a_refused_commit_record_leaves_a_transaction_that_can_roll_back(world: World) -> None:
    transaction = world.writer()
    world.log.append_error = errors.DiskFull("no space left")
    with pytest.raises(errors.DiskFull):
        transaction.commit()
    assert transaction.state is TransactionState.RUNNING
    transaction.rollback()
    assert world.store.rows == {}
    assert transaction.state is TransactionState.ABORTED


def test_an_interrupted_flush_can_be_gone_on_with(world: World) -> None:
    transaction = world.writer()
    world.log.flush_error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        transaction.commit()
    world.log.flush_error = None
    transaction.commit()
    assert transaction.state is TransactionState.COMMITTED
    assert world.log.records == [("commit", transaction.id)]


@pytest.mark.parametrize("reason", [MemoryError(), RuntimeError("can't allocate lock")])
def test_a_commit_that_runs_out_of_memory_once_it_is_logged_is_done_and_says_nothing_else(
    world: World, reason: Exception
) -> None:
    transaction = world.writer()
    world.log.flush_error = reason
    calls: list[int] = []

    def relent() -> None:
        calls.append(1)
        if len(calls) == 3:
            world.log.flush_error = None

    world.log.on_flush = relent
    transaction.commit()
    assert transaction.state is TransactionState.COMMITTED
    assert world.log.records == [("commit", transaction.id)]
    assert not world.manager.running()


@pytest.mark.parametrize("reason", [MemoryError(), RuntimeError("can't allocate lock")])
def test_a_commit_that_stays_without_memory_says_that_its_end_is_unknown(
    world: World, reason: Exception
) -> None:
    transaction = world.writer()
    world.log.flush_error = reason
    with pytest.raises(errors.StatementCompletionUnknown) as caught:
        transaction.commit()
    assert caught.value.__cause__ is reason
    assert transaction.state is TransactionState.COMMITTING


def test_a_commit_without_memory_before_its_record_is_refused(world: World) -> None:
    transaction = world.writer()
    world.log.append_error = MemoryError()
    with pytest.raises(MemoryError):
        transaction.commit()
    assert transaction.state is TransactionState.RUNNING
    world.log.append_error = None
    transaction.rollback()
    assert world.store.rows == {}


def test_an_ended_transaction_takes_no_more_orders(world: World) -> None:
    transaction = world.writer()
    transaction.commit()
    for order in (transaction.commit, transaction.rollback, transaction.statement_snapshot):
        with pytest.raises(errors.InvalidTransactionState, match="the transaction is committed"):
            order()


def test_publication_and_visibility_are_one_step(world: World) -> None:
    transaction = world.writer()
    calls: list[str] = []
    transaction.on_publish.append(lambda: calls.append("publish"))
    transaction.on_commit.append(
        lambda: calls.append(f"commit {world.manager.take_snapshot().is_visible(transaction.id)}")
    )
    transaction.on_rollback.append(lambda: calls.append("rollback"))
    transaction.commit()
    assert calls == ["publish", "commit True"]


# Rollback and savepoints


def test_rollback_puts_every_row_back_newest_first(world: World) -> None:
    world.writer(1, b"old").commit()
    transaction = world.writer(1, b"new")
    world.store.write(transaction, 1, b"newer")
    world.store.write(transaction, 2, b"more")
    transaction.rollback()
    assert world.store.rows == {1: b"old"}
    assert world.store.compensations == []
    assert world.log.records[-1] == ("abort", transaction.id)
    assert not world.manager.is_running(transaction.id)


def test_a_rollback_that_was_cut_off_goes_on_where_it_was(world: World) -> None:
    transaction = world.writer(1)
    world.store.write(transaction, 2, b"y")
    world.store.undo_error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        transaction.rollback()
    assert world.manager.is_running(transaction.id)
    world.store.undo_error = None
    transaction.rollback()
    transaction.rollback()
    assert world.store.rows == {}


def test_rolling_back_to_a_savepoint_logs_the_way_back(world: World) -> None:
    transaction = world.writer(1, b"kept")
    transaction.savepoint("s")
    world.store.write(transaction, 1, b"gone")
    world.store.write(transaction, 2, b"gone")
    transaction.rollback_to("s")
    assert world.store.rows == {1: b"kept"}
    assert world.store.compensations == [2, 1]
    world.store.write(transaction, 3, b"again")
    transaction.rollback_to("s")
    transaction.commit()
    assert world.store.rows == {1: b"kept"}


def test_a_savepoint_hides_an_older_one_of_its_name(world: World) -> None:
    transaction = world.writer(1, b"1")
    transaction.savepoint("s")
    world.store.write(transaction, 1, b"2")
    transaction.savepoint("s")
    world.store.write(transaction, 1, b"3")
    transaction.rollback_to("s")
    assert world.store.rows[1] == b"2"
    transaction.release("s")
    transaction.rollback_to("s")
    assert world.store.rows[1] == b"1"


def test_releasing_a_savepoint_forgets_the_later_ones(world: World) -> None:
    transaction = world.writer()
    for name in ("a", "b", "c"):
        transaction.savepoint(name)
    transaction.release("b")
    for name in ("b", "c"):
        with pytest.raises(
            errors.InvalidSavepointSpecification, match=f'savepoint "{name}" does not exist'
        ):
            transaction.rollback_to(name)
    transaction.rollback_to("a")


def test_callbacks_since_a_savepoint_go_with_it(world: World) -> None:
    transaction = world.writer()
    calls: list[str] = []

    def register(name: str) -> None:
        transaction.on_publish.append(lambda: calls.append(f"publish {name}"))
        transaction.on_commit.append(lambda: calls.append(f"commit {name}"))
        transaction.on_rollback.append(lambda: calls.append(f"rollback {name}"))

    register("before")
    transaction.savepoint("s")
    register("one")
    register("two")
    transaction.rollback_to("s")
    assert calls == ["rollback two", "rollback one"]
    transaction.commit()
    assert calls[2:] == ["publish before", "commit before"]


# Waiting


def test_who_waits_for_a_transaction_goes_on_when_it_ends(world: World) -> None:
    holder, waiter = world.writer(), world.begin()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(world.manager.wait_for_end, waiter, holder.id)
        holder.commit()
        waiting.result(timeout=10)


def test_who_waits_for_a_transaction_looks_again_when_it_gives_rows_back(world: World) -> None:
    holder, waiter = world.begin(), world.begin()
    holder.savepoint("s")
    world.store.write(holder, 1, b"x")
    is_waiting = threading.Event()
    resolve = world.manager.locks._resolve_deadlock
    world.manager.locks._resolve_deadlock = lambda request: (resolve(request), is_waiting.set())  # type: ignore[method-assign, assignment, func-returns-value]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(world.manager.wait_for_end, waiter, holder.id)
        assert is_waiting.wait(timeout=10)
        holder.rollback_to("s")
        waiting.result(timeout=10)
    assert world.manager.locks.facts() == []


def test_nobody_waits_for_a_transaction_that_has_ended(world: World) -> None:
    holder = world.writer()
    holder.commit()
    world.manager.wait_for_end(world.begin(), holder.id)


def test_transactions_that_wait_for_each_other_are_a_deadlock(world: World) -> None:
    one, two = world.writer(1), world.writer(2)
    is_waiting = threading.Event()
    resolve = world.manager.locks._resolve_deadlock
    world.manager.locks._resolve_deadlock = lambda request: (resolve(request), is_waiting.set())  # type: ignore[method-assign, assignment, func-returns-value]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(world.manager.wait_for_end, one, two.id)
        assert is_waiting.wait(timeout=10)
        with pytest.raises(errors.DeadlockDetected) as caught:
            world.manager.wait_for_end(two, one.id)
        two.rollback()
        waiting.result(timeout=10)
    assert caught.value.detail is not None
    assert f"waits for ShareLock on transaction {one.id}" in caught.value.detail


# Checkpoint, restart, facts


def test_the_fence_sees_a_transaction_as_committed_once_its_record_is_in_the_log(
    world: World,
) -> None:
    transaction, other = world.writer(1), world.writer(2)
    found: list[list[Transaction]] = []

    def look() -> None:
        assert world.fence.close(1.0)
        is_running = TransactionState.RUNNING
        found.append([each for each in world.manager.running() if each.state is is_running])
        world.fence.open()

    world.log.on_flush = look
    transaction.commit()
    assert found == [[other]]


def test_ids_go_on_after_a_restart(world: World) -> None:
    world.manager.restore(TransactionId(1000))
    assert world.writer().id == 1000
    assert world.manager.next_id == 1001


def test_facts_tell_who_is_open(world: World) -> None:
    world.clock.advance(5)
    writer = world.writer()
    reader = world.begin(IsolationLevel.REPEATABLE_READ, is_read_only=True)
    reader.statement_snapshot()
    first, second = world.manager.facts()
    assert (first.xid, first.undo_count, first.state) == (1, 1, TransactionState.RUNNING)
    assert first.begun_at == world.clock.utc_us()
    assert (second.xid, second.xmin, second.is_read_only) == (0, 1, True)
    writer.commit()
    reader.commit()
    assert world.manager.facts() == []


def test_many_threads_commit_and_roll_back_without_losing_track(world: World) -> None:
    found = world.purged()

    def work(seed: int) -> list[int]:
        committed = []
        for turn in range(50):
            transaction = world.begin()
            transaction.statement_snapshot()
            if (seed + turn) % 3:
                world.store.write(transaction, seed * 100 + turn, b"x")
            if (seed + turn) % 5:
                transaction.commit()
                if transaction.id:
                    committed.append(transaction.id)
            else:
                transaction.rollback()
        return committed

    with ThreadPoolExecutor(6) as pool:
        committed = [number for done in pool.map(work, range(6)) for number in done]
    world.manager.purge()
    assert len(world.store.rows) == len(committed)
    assert sorted(found) == sorted(committed)
    assert world.manager.running() == []
    assert world.manager.facts() == []
    assert world.manager.horizon() == world.manager.next_id
