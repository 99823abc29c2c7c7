"""`max_snapshot_age`: transactions whose snapshot is too old lose it, with SnapshotTooOld (72000).

An old snapshot holds back the purge of old row versions, and every image has to carry those. So the limit bounds what one forgotten
reader costs all others. A statement that is running is stopped; a transaction that idles finds out at its next statement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungfish.errors import SnapshotTooOld
from lungfish.recovery.snapshot_watch import SnapshotWatch

if TYPE_CHECKING:
    from lungfish.database.database import Database

# How many looks fall into the allowed age, and how often there is one at most.
_LOOKS = 10
_LOOK_S_MIN = 0.02


class SnapshotLimit:
    """Looks at the snapshots of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watch = SnapshotWatch()

    def enforce(self) -> float | None:
        """End what is too old; answers in how many seconds to look again, None while there is no limit."""
        database = self._database
        limit_s = database.core.settings.number("max_snapshot_age")
        if not limit_s:
            return None
        old = self._watch.older_than(
            limit_s, database.transactions.members.active(), database.clock.monotonic_s()
        )
        for transaction in old:
            transaction.expired = error = self._error()
            if transaction.on_expired is not None:
                transaction.on_expired(error)
        return max(_LOOK_S_MIN, limit_s / _LOOKS)

    def _error(self) -> SnapshotTooOld:
        shown = self._database.core.settings.show("max_snapshot_age")
        return SnapshotTooOld(
            "snapshot too old",
            detail=f"max_snapshot_age is {shown}.",
            hint="Run the transaction again, in shorter pieces; or allow more time.",
        )
