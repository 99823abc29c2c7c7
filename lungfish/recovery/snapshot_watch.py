"""How old the snapshots of transactions are, for `max_snapshot_age`.

A snapshot is taken by every statement, so no clock is read there: the watch looks at the snapshots in use from time to time, and the age of one
is counted from the first look that found it. So it errs to the young side, by less than the time between two looks.
"""

from __future__ import annotations

from collections.abc import Iterable

from lungfish.storage.snapshots import Snapshot
from lungfish.storage.transactions import Transaction


class SnapshotWatch:
    """Remembers when each snapshot was first seen."""

    def __init__(self) -> None:
        self._first_seen_s: dict[Snapshot, float] = {}

    def older_than(
        self, age_s: float, transactions: Iterable[Transaction], now_s: float
    ) -> list[Transaction]:
        """Look at all transactions; answers those whose snapshot is too old."""
        seen: dict[Snapshot, float] = {}
        old = []
        for transaction in transactions:
            snapshot = transaction.snapshot
            if snapshot is None:
                continue
            first_s = seen[snapshot] = self._first_seen_s.get(snapshot, now_s)
            if now_s - first_s >= age_s:
                old.append(transaction)
        self._first_seen_s = seen
        return old
