"""The views of schema `lungfish`: what checkpoints, log and recovery did and are doing. `recovery/views.py` makes the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import LUNGFISH_OID, SystemView
from lungfish.executor.system_views.definition import system_view
from lungfish.recovery.views import STORAGE_VIEWS as VIEWS
from lungfish.recovery.views import ViewRows

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

# A view keeps its oid for ever: stored views remember it.
_OIDS = {
    "checkpoint_status": 12301,
    "checkpoint_history": 12302,
    "wal_segments": 12305,
    "wal_retention": 12306,
    "recovery_history": 12313,
}


def _rows_of(rows: ViewRows) -> Callable[[ExecutionContext], Iterable[tuple[Any, ...]]]:
    return lambda context: rows(context.tables.core)


STORAGE_VIEWS: tuple[SystemView, ...] = tuple(
    system_view(_OIDS[name], name, LUNGFISH_OID, columns, _rows_of(rows))
    for name, columns, rows in VIEWS
)
