"""Conflicts of serializable transactions whose commits overlap: who is let through first need not be done first."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from lungfish.errors import SerializationFailure
from lungfish.storage.ids import RelationId, TransactionId
from lungfish.storage.serializable import SerializableTransactions, Written
from lungfish.storage.serializable_member import Member
from lungfish.storage.snapshots import Snapshot

TABLE, INDEX = 1, RelationId(2)


@dataclass(eq=False)
class Writer:
    """An owner of a member: a transaction of which only the id matters."""

    id: TransactionId


class World:
    """Transactions that read and write keys of one index."""

    def __init__(self) -> None:
        self.conflicts = SerializableTransactions()
        self.running: set[int] = set()

    def begin(self, number: int, *, is_read_only: bool = False) -> Member:
        """A transaction of this id, whose snapshot sees all smaller ones that do not run."""
        snapshot = Snapshot(
            TransactionId(min(self.running, default=number)),
            TransactionId(number),
            frozenset(TransactionId(each) for each in self.running),
            TransactionId(number),
        )
        self.running.add(number)
        _, member = self.conflicts.enter(
            Writer(TransactionId(number)), number, lambda: snapshot, is_read_only=is_read_only
        )
        assert member is not None
        return member

    def read(self, member: Member, key: bytes) -> None:
        self.conflicts.read_key(member, TABLE, INDEX, key)

    def write(self, member: Member, key: bytes) -> None:
        self.conflicts.write(member, TABLE, [Written(None, ((INDEX, key, (key, 0)),))])

    def show(self, member: Member) -> None:
        """From here on snapshots see what the transaction has written."""
        self.running.discard(member.owner.id)


class Overlap:
    """`pivot` has not seen what `last` wrote; `last` is let through and visible first, and both commits are under way."""

    def __init__(self) -> None:
        self.world = World()
        self.last, self.pivot = self.world.begin(1), self.world.begin(2)
        self.world.write(self.last, b"x")
        self.world.read(self.pivot, b"x")
        self.world.write(self.pivot, b"y")
        self.world.conflicts.prepare(self.last)
        self.world.show(self.last)

    def finish(self, first_done: str) -> None:
        """End both commits."""
        self.world.conflicts.prepare(self.pivot)
        self.world.show(self.pivot)
        order = [self.pivot, self.last] if first_done == "pivot" else [self.last, self.pivot]
        for each in order:
            self.world.conflicts.finish(each, is_committed=True)


@pytest.mark.parametrize("first_done", ["pivot", "last"])
def test_a_pivot_is_known_in_whichever_order_the_commits_are_done(first_done: str) -> None:
    overlap = Overlap()
    world, reader = overlap.world, overlap.world.begin(3)
    overlap.finish(first_done)
    world.read(reader, b"x")
    with pytest.raises(SerializationFailure):
        world.read(reader, b"y")


@pytest.mark.parametrize("first_done", ["pivot", "last"])
def test_a_snapshot_is_unsafe_in_whichever_order_the_commits_are_done(first_done: str) -> None:
    overlap = Overlap()
    reader = overlap.world.begin(3, is_read_only=True)
    overlap.finish(first_done)
    assert reader.is_unsafe
    assert not reader.is_safe
