"""Who is running, and the snapshots that follow from it.

A snapshot is taken, and a transaction enters or leaves the set, under one mutex: so a commit is seen wholly or not at all, and the horizon
never passes a snapshot in use.

Invariants (all state is guarded by the mutex, which is held for microseconds):
1. A snapshot in use is held: it stands in a member's `snapshot`, or in `_held` with the number of its holders.
2. Each step changes one thing that others see, in an order in which an interrupt between two of them leaves nothing behind that holds
   back the horizon for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from lungfish.storage.ids import TransactionId
from lungfish.storage.snapshots import NO_TRANSACTION, Snapshot


class Member(Protocol):
    """What the set needs of a transaction. It alone writes these two, under its mutex; letting go of the snapshot is free to all."""

    id: TransactionId
    snapshot: Snapshot | None


MemberType = TypeVar("MemberType", bound=Member)


class RunningSet(Generic[MemberType]):
    """The transactions that have begun, those of them that have an id, and the snapshots in use."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._next_id = 1
        # With an id.
        self._running: dict[TransactionId, MemberType] = {}
        # With or without one.
        self._active: dict[MemberType, None] = {}
        # Snapshots beyond those of members, and how many hold each.
        self._held: dict[Snapshot, int] = {}
        # xmin, xmax and running ids, as long as none of them has changed.
        self._parts: tuple[TransactionId, TransactionId, frozenset[TransactionId]] | None = None

    @property
    def next_id(self) -> TransactionId:
        """The id that the next writer will get."""
        return TransactionId(self._next_id)

    def restore(self, next_id: TransactionId) -> None:
        """Go on with ids from `next_id`. Requires: nobody has begun."""
        assert not self._active
        self._next_id = max(self._next_id, next_id)
        self._parts = None

    def enter(self, member: MemberType) -> None:
        """A transaction begins."""
        self._active[member] = None

    def assign_id(self, member: MemberType) -> TransactionId:
        """Give a transaction its id and let its snapshot see what it will write."""
        with self._mutex:
            self._parts = None
            transaction_id = TransactionId(self._next_id)
            self._next_id += 1
            try:
                self._running[transaction_id] = member
                member.id = transaction_id
            finally:
                # An interrupt in between: nobody would ever end it.
                if not member.id:
                    self._running.pop(transaction_id, None)
            if member.snapshot is not None:
                member.snapshot.own_id = transaction_id
        return transaction_id

    def leave(self, member: MemberType, before: Callable[[], None] | None = None) -> None:
        """A transaction has ended: its id is in no snapshot from now on. `before` is called in the same step, under the mutex."""
        if member.id or before is not None:
            with self._mutex:
                if before is not None:
                    before()
                self._parts = None
                self._running.pop(member.id, None)
        member.snapshot = None

    def forget(self, member: MemberType) -> None:
        """A transaction that has left is of no more interest."""
        self._active.pop(member, None)

    # Who is there

    def is_running(self, transaction_id: TransactionId) -> bool:
        """Whether the transaction has an id and has not ended."""
        return transaction_id in self._running

    def find(self, transaction_id: TransactionId) -> MemberType | None:
        """The running transaction of that id."""
        return self._running.get(transaction_id)

    def running(self) -> list[MemberType]:
        """Those that have an id and have not ended."""
        with self._mutex:
            return list(self._running.values())

    def active(self) -> list[MemberType]:
        """All that have begun and not ended."""
        return list(self._active)

    # Snapshots

    def renew_snapshot(self, member: MemberType) -> Snapshot:
        """Give the transaction a snapshot of now, instead of the one it has."""
        # Hot (every statement): `_new_snapshot` is in line.
        with self._mutex:
            parts = self._parts
            if parts is None:
                member.snapshot = snapshot = self._new_snapshot(member.id)
            else:
                member.snapshot = snapshot = Snapshot(*parts, member.id)
        return snapshot

    def restore_snapshot(self, member: MemberType, snapshot: Snapshot | None) -> None:
        """Give the transaction a snapshot back that it had before, and that is held."""
        with self._mutex:
            member.snapshot = snapshot

    def take_snapshot(self, own_id: TransactionId = NO_TRANSACTION) -> Snapshot:
        """A snapshot of now that belongs to no transaction, held once."""
        with self._mutex:
            snapshot = self._new_snapshot(own_id)
            self._held[snapshot] = 1
        return snapshot

    def _new_snapshot(self, own_id: TransactionId) -> Snapshot:
        parts = self._parts
        if parts is None:
            running = frozenset(self._running)
            xmax = TransactionId(self._next_id)
            parts = self._parts = (min(running, default=xmax), xmax, running)
        return Snapshot(*parts, own_id)

    def hold(self, snapshot: Snapshot) -> None:
        """Keep a snapshot valid until as many calls of `release`."""
        with self._mutex:
            self._held[snapshot] = self._held.get(snapshot, 0) + 1

    def release(self, snapshot: Snapshot) -> None:
        """Let go of a snapshot once."""
        with self._mutex:
            count = self._held[snapshot]
            if count > 1:
                self._held[snapshot] = count - 1
            else:
                del self._held[snapshot]

    def horizon(self) -> TransactionId:
        """Every transaction below is seen by all snapshots, those of now and those to come."""
        with self._mutex:
            oldest = min(self._running, default=self._next_id)
            for held in self._held:
                oldest = min(oldest, held.xmin)
            for member in list(self._active):
                snapshot = member.snapshot
                if snapshot is not None:
                    oldest = min(oldest, snapshot.xmin)
            return TransactionId(oldest)
