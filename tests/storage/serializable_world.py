"""Serializable transactions that read and write keys of one index, without a table below them."""

from __future__ import annotations

from dataclasses import dataclass

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
        """A transaction of this id, whose snapshot sees all smaller ones that do not run. Its snapshot must not be safe at once."""
        member = self.enter(number, is_read_only=is_read_only)
        assert member is not None
        return member

    def enter(self, number: int, *, is_read_only: bool = False) -> Member | None:
        """As `begin`; None: its snapshot is safe."""
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
        return member

    def read(self, member: Member, key: bytes) -> None:
        self.conflicts.read_key(member, TABLE, (INDEX, key))

    def write(self, member: Member, key: bytes) -> None:
        self.conflicts.write(member, TABLE, [Written(None, ((INDEX, key, (key, 0)),))])

    def show(self, member: Member) -> None:
        """From here on snapshots see what the transaction has written."""
        self.running.discard(member.owner.id)
