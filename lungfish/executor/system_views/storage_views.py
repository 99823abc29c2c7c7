"""The views of schema `lungfish`: what checkpoints, log and recovery did and are doing. Recovery makes the rows; see its views module."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import LUNGFISH_OID, SystemView
from lungfish.executor.system_views.definition import system_view
from lungfish.recovery.history import CHECKPOINT_HISTORY_COLUMNS, RECOVERY_HISTORY_COLUMNS
from lungfish.recovery.view_rows import Columns, row_of

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext
    from lungfish.recovery.core import StorageCore

Rows = Iterable[tuple[Any, ...]]


def _checkpoint_history(core: StorageCore) -> Rows:
    return [row_of(row, CHECKPOINT_HISTORY_COLUMNS) for row in core.memory.checkpoints.rows()]


def _recovery_history(core: StorageCore) -> Rows:
    return [row_of(row, RECOVERY_HISTORY_COLUMNS) for row in core.memory.recoveries.rows()]


def _of_core(rows: Callable[[StorageCore], Rows]) -> Callable[[ExecutionContext], Rows]:
    return lambda context: rows(context.tables.core)


def _view(oid: int, name: str, columns: Columns, rows: Callable[[StorageCore], Rows]) -> SystemView:
    return system_view(oid, name, LUNGFISH_OID, columns, _of_core(rows))


STORAGE_VIEWS: tuple[SystemView, ...] = (
    _view(12302, "checkpoint_history", CHECKPOINT_HISTORY_COLUMNS, _checkpoint_history),
    _view(12313, "recovery_history", RECOVERY_HISTORY_COLUMNS, _recovery_history),
)
