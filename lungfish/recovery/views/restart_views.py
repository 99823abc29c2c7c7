"""How the last openings went: `recovery_history`."""

from __future__ import annotations

from collections.abc import Iterable

from lungfish.recovery.core import StorageCore
from lungfish.recovery.history import RECOVERY_HISTORY_COLUMNS
from lungfish.recovery.view_rows import Row, row_of
from lungfish.recovery.views.storage_view import StorageView


def recovery_history_rows(core: StorageCore) -> Iterable[Row]:
    """Oldest first."""
    return [row_of(row, RECOVERY_HISTORY_COLUMNS) for row in core.memory.recoveries.rows()]


RESTART_VIEWS = (
    StorageView(12313, "recovery_history", RECOVERY_HISTORY_COLUMNS, recovery_history_rows),
)
