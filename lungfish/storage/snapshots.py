"""What a reader can see: a snapshot is the set of transactions that had committed when it was taken.

A row on a page carries the id of the transaction that wrote it. As rollback writes old versions back (design, section 5),
every writer found on a page has committed or is still running, so three facts decide:

    writer <  xmin            committed before the snapshot: visible
    xmin <= writer < xmax     visible, unless it was running then (`in_progress`)
    writer >= xmax            began later: not visible
    writer == own_id          the snapshot's own transaction: visible

This is PostgreSQL's rule (its SnapshotData) without the commit log and without subtransactions, neither of which we have.

Invariants:
1. xmin <= every member of in_progress < xmax, and xmin <= xmax.
2. A snapshot never changes, but for `own_id`: a transaction gets its id at its first write, maybe long after the snapshot.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lungfish.storage.ids import TransactionId

# The id of a transaction that has written nothing; on a row: written long ago, by a transaction that has committed.
NO_TRANSACTION = TransactionId(0)


# Up to so many running transactions are compared one by one.
_FEW = 16


class Snapshot:
    """A moment of the database, as one transaction sees it. Compared by identity: each holder has its own."""

    __slots__ = ("in_progress", "own_id", "xmax", "xmin")

    def __init__(
        self,
        xmin: TransactionId,
        xmax: TransactionId,
        in_progress: frozenset[TransactionId],
        own_id: TransactionId = NO_TRANSACTION,
    ) -> None:
        # Every transaction below has committed.
        self.xmin = xmin
        # The first id that had not been handed out.
        self.xmax = xmax
        # The ids in [xmin, xmax) that were running.
        self.in_progress = in_progress
        # 0 while the transaction has written nothing; `Transaction.assign_id` sets it.
        self.own_id = own_id

    def is_visible(self, writer: TransactionId) -> bool:
        """Whether a row version by `writer` is seen."""
        if writer < self.xmin:
            return True
        if writer == self.own_id:
            return True
        return writer < self.xmax and writer not in self.in_progress

    def visible_mask(self, writers: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """`is_visible` of a whole page's writers at once."""
        mask = writers < self.xmax
        if len(self.in_progress) <= _FEW:
            # Much cheaper than isin, which sorts.
            for running_id in self.in_progress:
                mask &= writers != running_id
        else:
            running = np.fromiter(self.in_progress, np.int64, len(self.in_progress))
            mask &= ~np.isin(writers, running)
        if self.own_id:
            mask |= writers == self.own_id
        return mask

    def sees_all_up_to(self, newest_writer: TransactionId) -> bool:
        """Whether no row of a page whose newest writer is this one needs a check."""
        return newest_writer < self.xmin

    def __repr__(self) -> str:
        running = ",".join(str(each) for each in sorted(self.in_progress))
        return f"Snapshot({self.xmin}:{self.xmax}:{running}, own_id={self.own_id})"
