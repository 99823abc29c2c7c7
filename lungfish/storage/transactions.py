r"""Transactions: handing out ids and snapshots, commit, rollback, savepoints, and what may be purged.

    begin -> RUNNING --commit--> COMMITTING --log is durable--> COMMITTED
                \--rollback: every row put back-------------> ABORTED

A transaction gets an id at its first write only; until then it is a snapshot and nothing else. Its writes are in place (design,
section 5), and for each one the table store appends an entry to `undo`: which store, which row, the packed row before. Rollback
gives the entries back to their stores, newest first. So every writer found on a page has committed or is running, and there is no
commit log.

Invariants:
1. A transaction is in the running set from the moment it has an id until it is durable (COMMITTED) or every row is put back
   (ABORTED). Both ends happen in one step of `RunningSet`, under whose mutex snapshots are taken: a commit is visible wholly or not at all,
   and only once durable.
2. A row's change, its log record and its undo entry are made in one passage of the fence; so are putting the row back, the record of that (only if
   a savepoint is rolled back to) and taking the entry off the list. While the fence is closed, the pages, the log and `running()` agree.
3. The commit record is appended and the state becomes COMMITTING in one passage of the fence. A checkpoint counts a COMMITTING
   transaction as committed: its record is before the redo LSN, and the log is synced past that before the checkpoint is.
4. The undo list of a committed transaction is kept until every snapshot sees it (`horizon`), then handed to the hooks of
   `purge_queue`.
   A commit that a full disk refuses is taken back: the record becomes an abort before it reaches the disk, and the state RUNNING again
   in one passage of the fence with the log's word of it, which keeps a checkpoint that has seen it committed from being published.
5. After a failed sync nobody can tell whether the commit is on disk. The transaction stays in the running set for ever (nobody sees it, nothing
   is undone), and the manager is poisoned: no further commit. Reopening finds out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Protocol

from lungfish import errors
from lungfish.storage.clock import Clock
from lungfish.storage.fence import Fence
from lungfish.storage.ids import LSN, TransactionId, TupleId
from lungfish.storage.lock_queue import LockOwner
from lungfish.storage.locks import LockManager
from lungfish.storage.log import Log
from lungfish.storage.native import native_ends
from lungfish.storage.purge import PurgeQueue
from lungfish.storage.running_set import RunningSet
from lungfish.storage.serializable import SerializableTransactions
from lungfish.storage.snapshots import NO_TRANSACTION, Snapshot
from lungfish.storage.transaction_leave import leave
from lungfish.storage.transaction_state import (
    ABORTED,
    COMMITTED,
    COMMITTING,
    RUNNING,
    IsolationLevel,
    Savepoint,
    TransactionFacts,
    TransactionState,
    find_savepoint,
    unknown_end,
)
from lungfish.storage.undo_list import undo_to

__all__ = [
    "IsolationLevel",
    "Savepoint",
    "Transaction",
    "TransactionFacts",
    "TransactionManager",
    "TransactionState",
    "UndoEntry",
    "UndoStore",
]


class UndoStore(Protocol):
    """What a transaction needs of a table store."""

    @property
    def row_count(self) -> int:
        """How many rows one of its undo entries stands for."""

    def undo(self, transaction: Transaction, entry: UndoEntry, *, is_logged: bool) -> None:
        """Put the row of the newest undo entry back.

        In one passage of the fence: write the row as it was (none: take it away), log that as an ordinary record if `is_logged`, and
        as the last act `transaction.own_undo().pop()`. It must bear being done again, should an exception come in between.
        """


# The store, the row's address, and its packed row before the change (None: the change was an insert).
UndoEntry = tuple[UndoStore, TupleId, bytes | None]
Callback = Callable[[], None]

# How often a commit goes on that was cut off, and by what: Ctrl-C, no memory (for a lock: a RuntimeError), no stack.
_COMPLETION_TRIES = 32
_CUT_OFF = (KeyboardInterrupt, MemoryError, RuntimeError)


class Transaction:
    """A unit that commits or rolls back. Used by one thread at a time."""

    __slots__ = (
        "_lock_owner",
        "_manager",
        "_savepoints",
        "begun_at",
        "commit_lsn",
        "expired",
        "first_lsn",
        "id",
        "is_deferrable",
        "is_read_only",
        "is_undo_held",
        "isolation",
        "on_commit",
        "on_expired",
        "on_publish",
        "on_rollback",
        "snapshot",
        "state",
        "synchronous_commit",
        "undo",
    )

    def __init__(
        self,
        manager: TransactionManager,
        isolation: IsolationLevel,
        *,
        is_read_only: bool,
        synchronous_commit: bool,
        lock_owner: LockOwner | None,
        begun_at: int,
    ) -> None:
        self._manager = manager
        # 0 until the first write: `assign_id`.
        self.id = NO_TRANSACTION
        self.isolation = isolation
        # Enforced by the executor, which knows the statement (and that temporary tables are exempt).
        self.is_read_only = is_read_only
        self.is_deferrable = False  # A SERIALIZABLE one that only reads: waits for a safe snapshot.
        self.synchronous_commit = synchronous_commit
        self.begun_at = begun_at
        self.state = RUNNING
        # Oldest first. The table store appends (see invariant 2); whoever takes off or replaces goes by `own_undo`.
        self.undo: list[UndoEntry] = []
        self.is_undo_held = False
        # Where the log ended when the id was given: all records of the transaction lie from there on.
        self.first_lsn = LSN(0)
        self.commit_lsn = LSN(0)
        # Called at the very moment the commit becomes visible, under the mutex of the running set: must be short, and must not call the manager.
        self.on_publish: list[Callback] = []
        self.on_commit: list[Callback] = []  # Called right after, before the locks are released.
        # Called, newest first, once all rows are put back; those since a savepoint also when it is rolled back to.
        self.on_rollback: list[Callback] = []
        self._lock_owner = lock_owner
        # Why its snapshot was given up, from when on it gets no other; and who is told: stops what runs, lets go of the snapshot.
        self.expired: errors.Error | None = None
        self.on_expired: Callable[[errors.Error], None] | None = None
        self.snapshot: Snapshot | None = None  # The one in use: no version that it sees is purged.
        self._savepoints: list[Savepoint] = []

    @property
    def lock_owner(self) -> LockOwner:
        """Who holds this transaction's locks: the session, if it gave itself at begin."""
        if self._lock_owner is None:
            self._lock_owner = self._manager.locks.new_owner()
        return self._lock_owner

    @property
    def sees_each_commit(self) -> bool:
        """Whether every statement takes a new snapshot (READ COMMITTED)."""
        return (
            self.isolation is IsolationLevel.READ_COMMITTED
            or self.isolation is IsolationLevel.READ_UNCOMMITTED
        )

    def assign_id(self) -> TransactionId:
        """The transaction's id, handed out now if it has none. Raises IoError if the handle is poisoned."""
        return self.id or self._manager.assign_id(self)

    # Snapshots

    def statement_snapshot(self) -> Snapshot:
        """What the statement that begins now sees. Whoever needs it beyond the statement calls `manager.hold(snapshot)`."""
        self._require_running()
        if self.expired is not None:
            raise self.expired
        if self.snapshot is None or self.sees_each_commit:
            return self._manager.members.renew_snapshot(self)
        return self.snapshot

    def begin_step(self) -> None:
        """As `statement_snapshot`, for a statement that is one step: one that sees each commit sees what is there then, without a snapshot."""
        if self.state is not RUNNING or self.expired is not None:
            self.statement_snapshot()
        elif self.snapshot is None and not self.sees_each_commit:
            self._manager.members.renew_snapshot(self)

    def end_statement(self) -> None:
        """Let go of a READ COMMITTED statement's snapshot, so that an idle transaction holds back no purge."""
        if self.sees_each_commit:
            self.snapshot = None

    def facts(self) -> TransactionFacts:
        """The transaction as the system views show it; from any thread."""
        snapshot = self.snapshot
        return TransactionFacts(
            xid=self.id,
            xmin=snapshot.xmin if snapshot is not None else NO_TRANSACTION,
            isolation=self.isolation,
            state=self.state,
            is_read_only=self.is_read_only,
            begun_at=self.begun_at,
            undo_count=len(self.undo),
            owner_number=self._lock_owner.number if self._lock_owner is not None else None,
        )

    # Savepoints

    def savepoint(self, name: str) -> Savepoint:
        """Make a point to roll back to. A name may be used again: it hides the older one until it is released."""
        self._require_running()
        owner = self._lock_owner
        if owner is not None:
            self._manager.locks.settle(owner)
        point = Savepoint(
            name=name,
            undo_count=len(self.undo),
            lock_count=len(owner.log) if owner is not None else 0,
            on_publish_count=len(self.on_publish),
            on_commit_count=len(self.on_commit),
            on_rollback_count=len(self.on_rollback),
        )
        self._savepoints.append(point)
        return point

    def release(self, name: str) -> None:
        """Forget the savepoint and all later ones; what was done since stays. Raises InvalidSavepointSpecification."""
        self._require_running()
        del self._savepoints[find_savepoint(self._savepoints, name) :]

    def rollback_to(self, name: str) -> None:
        """Put back every row changed since the savepoint; later ones are gone, it stays. Raises InvalidSavepointSpecification."""
        self._require_running()
        index = find_savepoint(self._savepoints, name)
        point = self._savepoints[index]
        undo_to(self, point.undo_count, is_logged=True)
        del self._savepoints[index + 1 :]
        del self.on_publish[point.on_publish_count :]
        del self.on_commit[point.on_commit_count :]
        self.run_rollback_callbacks(point.on_rollback_count)
        locks = self._manager.locks
        if self._lock_owner is not None and len(self._lock_owner.log) > point.lock_count:
            locks.release_since(self._lock_owner, point.lock_count)
        if self.id:
            locks.wake_waiters(self.id)

    def undo_count_at(self, savepoint: str) -> int:
        """How long the undo list was at the savepoint. Raises InvalidSavepointSpecification."""
        return self._savepoints[find_savepoint(self._savepoints, savepoint)].undo_count

    # The end

    def commit(self) -> None:
        """Make the transaction durable, then visible.

        Raises StatementCompletionUnknown if the log cannot be synced: whether it is committed will be known when the database is opened
        again. Any other error leaves it as it was: RUNNING if the commit record was refused or the disk is full (roll back). Cut off after
        the record was appended, the commit goes on all the same; a KeyboardInterrupt is let through once it is done.
        """
        try:
            if self.state is not COMMITTING:
                self._require_running()
                if self.id:
                    self._manager.append_commit(self)
            self._complete_commit()
        except _CUT_OFF as reason:
            # Who is impatient interrupts this too; left halfway, it would keep its rows locked until the database is closed.
            for _ in range(_COMPLETION_TRIES):
                if self.state is COMMITTING:
                    with contextlib.suppress(*_CUT_OFF):
                        self._complete_commit()
            if self.state is RUNNING or isinstance(reason, KeyboardInterrupt):
                raise
            if self.state is COMMITTING:
                raise unknown_end("there is no memory to find out", repr(reason)) from reason

    def _complete_commit(self) -> None:
        if self.id and self.synchronous_commit:
            self._manager.flush_commit(self)
        self._manager.finish(self, COMMITTED)

    def rollback(self) -> None:
        """Put every row back, then leave. After an exception it can be called again and goes on where it was."""
        if self.state is ABORTED:
            return
        self._require_running()
        undo_to(self, 0, is_logged=False)
        if self.id:
            self._manager.append_abort(self)
        self._manager.finish(self, ABORTED)

    def own_undo(self) -> list[UndoEntry]:
        """The undo list, to be changed. In the fence: a checkpoint that holds the list keeps it, and we go on with a copy."""
        if self.is_undo_held:
            self.undo, self.is_undo_held = self.undo.copy(), False
        return self.undo

    def run_rollback_callbacks(self, count: int) -> None:
        """Call those of `on_rollback` beyond the first `count`, newest first. One that was interrupted is called again."""
        while len(self.on_rollback) > count:
            self.on_rollback[-1]()
            self.on_rollback.pop()

    def _require_running(self) -> None:
        if self.state is COMMITTING:
            raise errors.StatementCompletionUnknown(
                "the transaction's commit record is written but not known to be durable"
            )
        if self.state is not RUNNING:
            raise errors.InvalidTransactionState(f"the transaction is {self.state.value}")


class TransactionManager:
    """Begins and ends transactions, and answers who is running."""

    def __init__(self, log: Log, fence: Fence, clock: Clock) -> None:
        self.log = log
        self.fence = fence
        self.locks = LockManager()
        self.members: RunningSet[Transaction] = RunningSet()
        self.serializable = SerializableTransactions()
        # Whether the writer of a row has not ended; False means committed (see the module's text). Bound here: a hot path.
        self.is_running = self.members.is_running
        # Undo lists of committed transactions, until no snapshot needs them; table stores add their hooks.
        self.purge_queue: PurgeQueue[UndoEntry] = PurgeQueue(self.members.horizon)
        # Called before a transaction's first write, with no latch held: it may wait, or refuse.
        self.admit: Callback | None = None
        self._clock = clock
        self._poison: errors.Error | None = None
        self._native = native_ends(self)

    def restore(self, next_id: TransactionId) -> None:
        """Go on with ids from `next_id`: at restart, before any transaction."""
        self.members.restore(next_id)

    @property
    def next_id(self) -> TransactionId:
        """The id that the next writer will get; the checkpoint keeps it."""
        return self.members.next_id

    def begin(
        self,
        isolation: IsolationLevel = IsolationLevel.READ_COMMITTED,
        *,
        is_read_only: bool = False,
        synchronous_commit: bool = True,
        lock_owner: LockOwner | None = None,
    ) -> Transaction:
        """Begin a transaction of any level but SERIALIZABLE: for that one, see `serializable_transaction.py`."""
        assert isolation is not IsolationLevel.SERIALIZABLE, "its reads must be followed"
        transaction = Transaction(
            self,
            isolation,
            is_read_only=is_read_only,
            synchronous_commit=synchronous_commit,
            lock_owner=lock_owner,
            begun_at=self._clock.utc_us(),
        )
        self.members.enter(transaction)
        return transaction

    def assign_id(self, transaction: Transaction) -> TransactionId:
        """Give the transaction its id and let its snapshot see what it will write."""
        self._raise_if_poisoned()
        if self.admit is not None:
            self.admit()
        transaction.first_lsn = self.log.end_lsn()
        # Others may wait for it from now on, so the owner of its locks must be there.
        assert transaction.lock_owner is not None
        return self.members.assign_id(transaction)

    # Who is running

    def running(self) -> list[Transaction]:
        """The transactions that have an id and have not ended."""
        return self.members.running()

    def wait_for_end(self, waiter: Transaction, writer: TransactionId) -> None:
        """Return once `writer` has ended or given rows back. Requires: no latch is held, nor the fence entered. Raises as `LockManager.acquire`, and IoError if its end is for the next opening to find out."""
        holder = self.members.find(writer)
        if holder is not None:
            if holder.state is COMMITTING:
                self._raise_if_poisoned()
            self.locks.wait_for_transaction(
                waiter.lock_owner, writer, holder=holder.lock_owner, is_running=self.is_running
            )

    def facts(self) -> list[TransactionFacts]:
        """Every open transaction, for the system views."""
        return [each.facts() for each in self.members.active()]

    # Snapshots

    def take_snapshot(self, own_id: TransactionId = NO_TRANSACTION) -> Snapshot:
        """A snapshot of now that belongs to no transaction, held once: `release` it."""
        return self.members.take_snapshot(own_id)

    def hold(self, snapshot: Snapshot) -> None:
        """Keep a snapshot valid beyond its statement or transaction (an open cursor), until as many calls of `release`."""
        self.members.hold(snapshot)

    def release(self, snapshot: Snapshot) -> None:
        """Let go of a snapshot once; with its last holder it no longer holds back the purge."""
        self.members.release(snapshot)

    def horizon(self) -> TransactionId:
        """Every transaction below is seen by all snapshots, those of now and those to come."""
        return self.members.horizon()

    def purge(self) -> None:
        """Drop what no snapshot needs any more; each end of a transaction does it too."""
        self.purge_queue.run()

    # The end of a transaction

    def append_commit(self, transaction: Transaction) -> None:
        """Log the commit (invariant 3). Raises if the log refuses the record; then the transaction is still RUNNING."""
        if self._native is not None and self._native.append_commit(transaction):
            return
        self._raise_if_poisoned()
        try:
            with self.fence:
                try:
                    self._log_commit(transaction)
                except _CUT_OFF:
                    # The record may be in the log, so it must be; a second one does no harm.
                    self._log_commit(transaction)
                    raise
        except errors.Error:
            # Past the record, leaving the fence has failed: the flush will tell what it means.
            if transaction.state is RUNNING:
                raise

    def _log_commit(self, transaction: Transaction) -> None:
        transaction.commit_lsn = self.log.append_commit(transaction.id, transaction.first_lsn)
        transaction.state = COMMITTING

    def flush_commit(self, transaction: Transaction) -> None:
        """Wait until the commit is durable. A failed sync poisons (invariant 5); on a full disk the transaction is RUNNING again."""
        try:
            while True:
                try:
                    self.log.flush_to(transaction.commit_lsn)
                    return
                except errors.DiskFull:
                    # Take the commit back (invariant 3), unless another thread had found room for it: then flush again.
                    if self.log.take_back(transaction.commit_lsn):
                        with self.fence:
                            transaction.state = RUNNING
                            self.log.settle_take_back()
                        raise
        except errors.IoError as error:
            self.poison(error)
            raise unknown_end("the log could not be synced", error.message) from error

    def append_abort(self, transaction: Transaction) -> None:
        """Log the abort, if the log still takes records: without a commit record the transaction counts as aborted anyway."""
        if self._poison is not None:
            return
        try:
            with self.fence:
                self.log.append_abort(transaction.id)
        except errors.OperationalError:
            return

    def finish(self, transaction: Transaction, state: TransactionState) -> None:
        """Take the transaction out of the running set, then tell those who wait to know. Goes on where an exception cut it off."""
        is_committed = state is COMMITTED
        if not is_committed or self._native is None or not self._native.finish(transaction):
            leave(self, transaction, state)
        if self.purge_queue:
            self.purge_queue.run_quietly()

    def poison(self, error: errors.Error) -> None:
        """Refuse every further commit and end every wait: the log cannot be trusted any more. The first error stays."""
        if self._poison is None:
            self._poison = error
            self.locks.poison(error)

    @property
    def poison_error(self) -> errors.Error | None:
        """Why no commit is accepted any more, or None."""
        return self._poison

    def _raise_if_poisoned(self) -> None:
        if self._poison is not None:
            raise errors.IoError(
                "the database accepts no more changes since a write or sync of its files failed",
                detail=self._poison.message,
                hint="Close the database and open it again.",
            ) from self._poison
