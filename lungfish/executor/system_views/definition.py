"""How a system view is written down: a name, columns, and the function that makes its rows.

A view's oid is fixed here for ever, because stored views remember the oids of what they use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import Column, Oid, SystemView
from lungfish.types.sql_type import SqlType

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Callable[["ExecutionContext"], Iterable[tuple[Any, ...]]]


def system_view(
    oid: int, name: str, namespace_oid: Oid, columns: Sequence[tuple[str, SqlType]], rows: Rows
) -> SystemView:
    """A system view with those columns."""
    return SystemView(
        Oid(oid),
        name,
        namespace_oid,
        tuple(
            Column(column, kind, number) for number, (column, kind) in enumerate(columns, start=1)
        ),
        rows,
    )
