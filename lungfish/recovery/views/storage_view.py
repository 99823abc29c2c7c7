"""What a system view about storage consists of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lungfish.recovery.core import StorageCore
from lungfish.recovery.view_rows import Columns, Row


@dataclass(frozen=True, slots=True)
class StorageView:
    """A view of schema `lungfish`, or of `pg_catalog` where PostgreSQL has one of that name.

    `oid` is the view's for ever: stored views remember it. Those of `lungfish` begin at 12301, those of `pg_catalog` at 12401.
    """

    oid: int
    name: str
    columns: Columns
    rows: Callable[[StorageCore], Iterable[Row]]
    is_postgres: bool = False
