"""What storage needs of a write-ahead log; `recovery.wal` implements it and `database.py` introduces the two.

Records are logical (design: a relation, a TupleId, the row after and before) so that indexes can be replayed without the heap.
A row travels *packed*: self-contained bytes, see `storage/rows.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from lungfish.storage.ids import LSN, RelationId, TransactionId, TupleId


class RowLog(Protocol):
    """What tables write to. Appending only copies into memory."""

    def append_row(
        self,
        transaction_id: TransactionId,
        relation_id: RelationId,
        address: TupleId,
        before: bytes | None,
        after: bytes | None,
    ) -> LSN:
        """Log one change of one row: insert (`before` None), delete (`after` None) or update. Answers the record's end."""

    def append_rows(
        self,
        transaction_id: TransactionId,
        relation_id: RelationId,
        addresses: Sequence[TupleId],
        after: Sequence[bytes],
    ) -> LSN:
        """Log a batch of inserts as one record."""

    def end_lsn(self) -> LSN:
        """The position after the last appended record."""


class Log(RowLog, Protocol):
    """The write side of the log; `flush_to` makes durable what was appended."""

    def append_commit(self, transaction_id: TransactionId, first_lsn: LSN) -> LSN:
        """Log that the transaction has committed; all its records lie from `first_lsn` on."""

    def append_abort(self, transaction_id: TransactionId) -> LSN: ...

    def append_sequence(self, sequence_oid: int, last_value: int, is_called: bool) -> LSN:
        """Log a sequence's state. It holds whether or not any transaction commits."""

    @property
    def durable_lsn(self) -> LSN:
        """The position up to which the log is known to be on disk."""

    def flush_to(self, lsn: LSN) -> None:
        """Return once everything up to `lsn` is on disk. Waiting callers share one sync (group commit).

        Raises IoError (58030) if a sync failed: from then on the log refuses everything. Raises DiskFull (53100) while there is no
        room: then a commit that waited is taken back, or flushed again later.
        """

    def take_back(self, end: LSN) -> bool:
        """Turn the commit record that ends at `end` into an abort; False if it was handed to the disk meanwhile."""

    def settle_take_back(self) -> None:
        """The transaction of a commit that was taken back is running again. Inside the fence."""


class Unlogged:
    """The log as tables see it whose changes are not logged: positions are those of the real one, to which nothing is added."""

    def __init__(self, log: RowLog) -> None:
        self.end_lsn = log.end_lsn

    def append_row(
        self,
        transaction_id: TransactionId,
        relation_id: RelationId,
        address: TupleId,
        before: bytes | None,
        after: bytes | None,
    ) -> LSN:
        return self.end_lsn()

    def append_rows(
        self,
        transaction_id: TransactionId,
        relation_id: RelationId,
        addresses: Sequence[TupleId],
        after: Sequence[bytes],
    ) -> LSN:
        return self.end_lsn()


class NoLog:
    """A log that keeps nothing: for tests of storage alone."""

    def __init__(self) -> None:
        self._end = 0

    def append_row(
        self,
        transaction_id: TransactionId,
        relation_id: RelationId,
        address: TupleId,
        before: bytes | None,
        after: bytes | None,
    ) -> LSN:
        self._end += 1
        return LSN(self._end)

    def append_rows(
        self,
        transaction_id: TransactionId,
        relation_id: RelationId,
        addresses: Sequence[TupleId],
        after: Sequence[bytes],
    ) -> LSN:
        self._end += 1
        return LSN(self._end)

    def append_commit(self, transaction_id: TransactionId, first_lsn: LSN) -> LSN:
        self._end += 1
        return LSN(self._end)

    def append_abort(self, transaction_id: TransactionId) -> LSN:
        self._end += 1
        return LSN(self._end)

    def append_sequence(self, sequence_oid: int, last_value: int, is_called: bool) -> LSN:
        self._end += 1
        return LSN(self._end)

    @property
    def durable_lsn(self) -> LSN:
        return LSN(2**63 - 1)

    def flush_to(self, lsn: LSN) -> None:
        return

    def take_back(self, end: LSN) -> bool:
        return False

    def settle_take_back(self) -> None:
        return

    def end_lsn(self) -> LSN:
        return LSN(self._end)
