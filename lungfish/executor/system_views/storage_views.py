"""The views about storage, in schema `lungfish` and under PostgreSQL's names. `recovery/views/` makes the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import LUNGFISH_OID, PG_CATALOG_OID, SystemView
from lungfish.executor.system_views.definition import system_view
from lungfish.recovery.views import STORAGE_VIEWS as VIEWS
from lungfish.recovery.views import StorageView

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext


def _rows_of(view: StorageView) -> Callable[[ExecutionContext], Iterable[tuple[Any, ...]]]:
    return lambda context: view.rows(context.tables.core)


STORAGE_VIEWS: tuple[SystemView, ...] = tuple(
    system_view(
        view.oid,
        view.name,
        PG_CATALOG_OID if view.is_postgres else LUNGFISH_OID,
        view.columns,
        _rows_of(view),
    )
    for view in VIEWS
)
