"""The horizon, and what is purged behind it."""

from __future__ import annotations

import pytest
from transaction_world import World

from lungfish import errors
from lungfish.storage.ids import TransactionId
from lungfish.storage.purge import PurgeQueue
from lungfish.storage.transactions import IsolationLevel, UndoEntry


@pytest.fixture
def world() -> World:
    return World()


def test_what_a_transaction_replaced_is_purged_once_nobody_can_look_behind_it(
    world: World,
) -> None:
    found = world.purged()
    reader = world.begin(IsolationLevel.REPEATABLE_READ)
    reader.statement_snapshot()
    writer = world.writer()
    writer.commit()
    assert found == []
    assert world.manager.horizon() == writer.id
    assert [number for number, _ in world.manager.purge_queue.owed()] == [writer.id]
    reader.commit()
    assert found == [writer.id]
    assert world.manager.purge_queue.owed() == []
    assert world.manager.horizon() == writer.id + 1


def test_an_idle_transaction_holds_back_no_purge_once_its_statement_ended(world: World) -> None:
    found = world.purged()
    reader, keeper = world.begin(), world.begin(IsolationLevel.REPEATABLE_READ)
    reader.statement_snapshot()
    keeper.statement_snapshot()
    reader.end_statement()
    keeper.end_statement()
    world.writer().commit()
    assert found == []
    keeper.commit()
    assert found == [1]


def test_a_held_snapshot_outlives_its_transaction(world: World) -> None:
    found = world.purged()
    reader = world.begin()
    snapshot = reader.statement_snapshot()
    world.manager.hold(snapshot)
    reader.commit()
    writer = world.writer()
    writer.commit()
    assert found == []
    assert not snapshot.is_visible(writer.id)
    world.manager.release(snapshot)
    world.manager.purge()
    assert found == [writer.id]


def test_a_rolled_back_transaction_owes_nothing(world: World) -> None:
    found = world.purged()
    world.writer().rollback()
    world.manager.purge()
    assert found == []


def test_a_failed_purge_is_kept_and_tried_again_and_fails_no_commit(world: World) -> None:
    calls: list[int] = []

    def hook(number: TransactionId, undo: list[UndoEntry]) -> None:
        calls.append(number)
        if len(calls) == 1:
            raise errors.IoError("read failed")

    world.manager.purge_queue.hooks.append(hook)
    world.writer(1).commit()
    assert isinstance(world.manager.purge_queue.error, errors.IoError)
    world.writer(2).commit()
    assert calls == [1, 1, 2]
    assert world.manager.purge_queue.error is None


def test_held_lists_stay_whole_while_they_are_purged() -> None:
    def purge(number: TransactionId, undo: list[str]) -> None:
        while undo:
            undo.pop()
            if len(undo) == 1 and number == 2:
                seen.append(queue.hold())

    seen: list[dict[TransactionId, list[str]]] = []
    queue: PurgeQueue[str] = PurgeQueue(lambda: TransactionId(10))
    queue.hooks.append(purge)
    for number in (1, 2, 3):
        queue.add(TransactionId(number), [f"{number}{letter}" for letter in "abc"])
    first = queue.hold()
    assert first == {1: ["1a", "1b", "1c"], 2: ["2a", "2b", "2c"], 3: ["3a", "3b", "3c"]}
    queue.run()
    assert not queue.owed()
    assert first == {1: ["1a", "1b", "1c"], 2: ["2a", "2b", "2c"], 3: ["3a", "3b", "3c"]}
    # Taken in the middle of a list: as far as that was purged, and no further.
    assert seen == [{2: ["2a"], 3: ["3a", "3b", "3c"]}]
    queue.let_go()
