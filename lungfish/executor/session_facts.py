"""What the system views tell of a session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lungfish.executor.statement_progress import StatementProgress
from lungfish.storage.transaction_state import TransactionFacts


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """A session at one moment, seen from any thread. Times in microseconds since 1970, UTC."""

    number: int
    user: str
    application_name: str
    # The thread that ran its last statement; None before the first.
    thread_name: str | None
    begun_at: int
    # Its last statement, which may still be running, and when that began.
    query: str
    query_began_at: int | None
    is_running: bool
    is_failed: bool
    transaction: TransactionFacts | None
    # How far its last statement has got, if that has told.
    progress: StatementProgress | None
    # Stops its statement; from any thread.
    cancel: Callable[[], None]

    @property
    def state(self) -> str:
        """As pg_stat_activity has it."""
        if self.is_running:
            return "active"
        if self.transaction is None:
            return "idle"
        return "idle in transaction (aborted)" if self.is_failed else "idle in transaction"
