"""A transaction manager with a log and a store that tests can look into: the store writes in place and undoes as the contract says."""

from __future__ import annotations

from collections.abc import Callable

from lungfish.storage.clock import ManualClock
from lungfish.storage.fence import Fence
from lungfish.storage.ids import LSN, TransactionId, TupleId
from lungfish.storage.log import NoLog
from lungfish.storage.transactions import Transaction, TransactionManager, UndoEntry


class ListLog(NoLog):
    """Keeps what it is told, and fails when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[tuple[str, int]] = []
        self.flushed = LSN(0)
        self.append_error: BaseException | None = None
        self.flush_error: BaseException | None = None
        self.on_flush: Callable[[], None] = lambda: None

    def _note(self, kind: str, number: int) -> LSN:
        if self.append_error is not None:
            raise self.append_error
        self.records.append((kind, number))
        return LSN(len(self.records))

    def append_commit(self, transaction_id: TransactionId, first_lsn: LSN) -> LSN:
        return self._note("commit", transaction_id)

    def append_abort(self, transaction_id: TransactionId) -> LSN:
        return self._note("abort", transaction_id)

    def flush_to(self, lsn: LSN) -> None:
        self.on_flush()
        if self.flush_error is not None:
            raise self.flush_error
        self.flushed = max(self.flushed, lsn)


# What a row was before it was there: a version as others are, so that it is purged.
NO_ROW = b"none"


class Store:
    """Rows in place: address -> (writer, value)."""

    row_count = 1

    def __init__(self, world: World) -> None:
        self.world = world
        self.rows: dict[int, bytes] = {}
        self.compensations: list[int] = []
        self.undo_error: BaseException | None = None

    def write(self, transaction: Transaction, address: int, value: bytes) -> None:
        transaction.assign_id()
        with self.world.fence:
            transaction.undo.append((self, TupleId(address), self.rows.get(address, NO_ROW)))
            self.rows[address] = value

    def undo(self, transaction: Transaction, entry: UndoEntry, *, is_logged: bool) -> None:
        _, address, before = entry
        with self.world.fence:
            if before is None or before is NO_ROW:
                self.rows.pop(address, None)
            else:
                self.rows[address] = before
            if self.undo_error is not None:
                raise self.undo_error
            if is_logged:
                self.compensations.append(address)
            transaction.undo.pop()


class World:
    def __init__(self) -> None:
        self.log = ListLog()
        self.fence = Fence()
        self.clock = ManualClock()
        self.manager = TransactionManager(self.log, self.fence, self.clock)
        self.store = Store(self)
        self.begin = self.manager.begin

    def writer(self, address: int = 1, value: bytes = b"x") -> Transaction:
        transaction = self.begin()
        self.store.write(transaction, address, value)
        return transaction

    def purged(self) -> list[int]:
        """A list to which every purged transaction will be added."""
        found: list[int] = []
        self.manager.purge_queue.hooks.append(lambda number, undo: found.append(number))
        return found
