"""What committed transactions leave behind until no snapshot needs it: the queue of owed purges.

A committed transaction's undo list names every row version that it replaced and every row that it deleted. They are needed while
some snapshot may still look behind the transaction; once the horizon has passed it, the list goes to the purge hooks, which drop
the versions and free the slots and index entries of deleted rows.

Invariants:
1. A list is handed on only when its transaction's id is below the horizon, and leaves the queue only when every hook has returned.
2. While the lists are held, no entry is taken off one that `hold` has answered.
3. One thread purges at a time; the hooks are called under no latch, lock or mutex.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from operator import itemgetter
from typing import Generic, TypeVar

from lungfish import errors
from lungfish.storage.ids import TransactionId

Entry = TypeVar("Entry")


class PurgeQueue(Generic[Entry]):
    """Committed transactions with their undo lists, the smallest id first."""

    def __init__(self, horizon: Callable[[], TransactionId]) -> None:
        # Every id below it has ended and is seen by all snapshots, so nothing older than the first can come in later.
        self._horizon = horizon
        self._mutex = threading.Lock()
        # The lists, and a heap of their ids.
        self._lists: dict[TransactionId, list[Entry]] = {}
        self._ids: list[TransactionId] = []
        # Held by the thread that purges: one that was cut off (Ctrl-C) has let go of its own.
        self._turn = threading.Lock()
        # Whose list is being purged, or was the last; and whether somebody holds the lists still.
        self._at = TransactionId(0)
        self._is_held = False
        # Each must bear being called again with the same list, should it or a later one raise.
        self.hooks: list[Callable[[TransactionId, list[Entry]], None]] = []
        # The error of the last automatic purge, for the views; it is tried again at the next.
        self.error: errors.Error | None = None

    def __len__(self) -> int:
        return len(self._lists)

    def add(self, transaction_id: TransactionId, undo: list[Entry]) -> None:
        """Owe a purge, once."""
        with self._mutex:
            if transaction_id not in self._lists:
                # In this order: an id without a list is passed over.
                heapq.heappush(self._ids, transaction_id)
                self._lists[transaction_id] = undo

    def owed(self) -> list[tuple[TransactionId, list[Entry]]]:
        """All that is owed; with the fence closed, what a checkpoint's image must carry."""
        with self._mutex:
            return sorted(self._lists.items(), key=itemgetter(0))

    def hold(self) -> dict[TransactionId, list[Entry]]:
        """All that is owed now, held still until `let_go` without copying it: a list that is purged meanwhile is copied first.

        Inside the closed fence, so no hook is in the middle of an entry.
        """
        with self._mutex:
            held = self._lists.copy()
            begun = held.get(self._at)
            if begun is not None:
                # The purge goes on taking entries off this one.
                held[self._at] = begun.copy()
            self._is_held = True
            return held

    def let_go(self) -> None:
        """Nobody looks at what `hold` answered any more."""
        self._is_held = False

    def run(self) -> None:
        """Do the purges behind the horizon. Returns at once if another thread is at it. Raises what a hook raises."""
        turn = threading.Lock()
        with turn:
            with self._mutex:
                if self._turn.locked():
                    return
                self._turn = turn
            while (first := self._first_behind(self._horizon())) is not None:
                for hook in self.hooks:
                    hook(*first)
                with self._mutex:
                    del self._lists[first[0]]

    def run_quietly(self) -> None:
        """`run` at the end of a transaction, whose outcome a failure here must not disguise: it is kept in `error`."""
        try:
            self.run()
        except errors.Error as error:
            self.error = error
        else:
            self.error = None

    def _first_behind(self, horizon: TransactionId) -> tuple[TransactionId, list[Entry]] | None:
        with self._mutex:
            while self._ids and self._ids[0] not in self._lists:
                heapq.heappop(self._ids)
            if self._ids and self._ids[0] < horizon:
                first = self._at = self._ids[0]
                if self._is_held:
                    self._lists[first] = self._lists[first].copy()
                return first, self._lists[first]
            return None
