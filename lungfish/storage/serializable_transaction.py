"""A transaction at SERIALIZABLE: one at REPEATABLE READ whose reads and writes are followed. `serializable.py` has the rules."""

from __future__ import annotations

from lungfish.storage.lock_modes import snapshot_tag
from lungfish.storage.lock_queue import LockOwner
from lungfish.storage.serializable import SerializableTransactions
from lungfish.storage.serializable_member import Member
from lungfish.storage.snapshots import Snapshot
from lungfish.storage.transactions import (
    IsolationLevel,
    Transaction,
    TransactionManager,
    TransactionState,
)


class SerializableTransaction(Transaction):
    """Made by `begin_serializable`."""

    __slots__ = ("member",)

    def __init__(
        self,
        manager: TransactionManager,
        *,
        is_read_only: bool,
        synchronous_commit: bool,
        lock_owner: LockOwner,
        begun_at: int,
    ) -> None:
        super().__init__(
            manager,
            IsolationLevel.SERIALIZABLE,
            is_read_only=is_read_only,
            synchronous_commit=synchronous_commit,
            lock_owner=lock_owner,
            begun_at=begun_at,
        )
        # None before the snapshot, and if that is safe: then nothing has to be followed.
        self.member: Member | None = None

    @property
    def conflicts(self) -> SerializableTransactions:
        """Where its reads and writes are told."""
        return self._manager.serializable

    def statement_snapshot(self) -> Snapshot:
        """The transaction's snapshot; the first call takes it, and may wait if it has to be safe."""
        self._require_running()
        if self.expired is not None:
            raise self.expired
        if self.snapshot is None:
            self._enter()
            waits = self.is_deferrable and self.is_read_only
            while waits and self.member is not None and not self._wait_for_decision():
                # Not safe, and never will be: another one may.
                self.conflicts.finish(self.member, is_committed=False)
                self._enter()
        assert self.snapshot is not None
        return self.snapshot

    def _enter(self) -> None:
        manager = self._manager
        _, self.member = manager.serializable.enter(
            self,
            self.lock_owner.number,
            lambda: manager.members.renew_snapshot(self),
            is_read_only=self.is_read_only,
        )

    def _wait_for_decision(self) -> bool:
        """Wait until it is known whether the snapshot is safe; answers that. Raises as `LockManager.acquire`, but for timeouts."""
        member, locks, owner = self.member, self._manager.locks, self.lock_owner
        assert member is not None
        tag = snapshot_tag(owner.number)
        timeout_s, owner.timeout_s = owner.timeout_s, None
        member.on_decided = lambda: locks.wake(tag)
        try:
            locks.wait_while(owner, tag, self._holders(member), lambda: member.is_undecided)
        finally:
            owner.timeout_s = timeout_s
            locks.wake(tag)
        return member.is_safe

    def _holders(self, member: Member) -> list[LockOwner]:
        """Those on whom it hangs, for the search for deadlocks."""
        candidates = self.conflicts.candidates(member)
        return [each.lock_owner for each in candidates if isinstance(each, Transaction)]

    def commit(self) -> None:
        """As `Transaction.commit`. Raises SerializationFailure if the transaction has been chosen to go; then it is still RUNNING."""
        member = self.member
        if member is None:
            super().commit()
            return
        if self.state is TransactionState.RUNNING:
            self.conflicts.prepare(member)
        try:
            super().commit()
        finally:
            if self.state is TransactionState.COMMITTED:
                self.conflicts.finish(member, is_committed=True)

    def rollback(self) -> None:
        """As `Transaction.rollback`."""
        try:
            super().rollback()
        finally:
            if self.member is not None and self.state is TransactionState.ABORTED:
                self.conflicts.finish(self.member, is_committed=False)


def begin_serializable(
    manager: TransactionManager,
    *,
    is_read_only: bool,
    synchronous_commit: bool,
    lock_owner: LockOwner,
    begun_at: int,
) -> SerializableTransaction:
    """Begin a transaction at SERIALIZABLE. `begun_at`: microseconds since 1970, UTC."""
    transaction = SerializableTransaction(
        manager,
        is_read_only=is_read_only,
        synchronous_commit=synchronous_commit,
        lock_owner=lock_owner,
        begun_at=begun_at,
    )
    manager.members.enter(transaction)
    return transaction
