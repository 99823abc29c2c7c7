"""The tables of serializable transactions follow everything that a table can do with rows."""

from __future__ import annotations

import inspect

from lungfish.storage.table import TableStore
from lungfish.storage.tracked_table import TrackedTable

# Methods of `TableStore` that neither read nor write rows for a statement: a lock is taken on rows that were read, the others are DDL's.
NEUTRAL = {"lock", "build_index", "set_indexes", "undo_to"}


def test_every_way_to_rows_is_overridden() -> None:
    methods = {
        name
        for name, _ in inspect.getmembers(TableStore, inspect.isfunction)
        if not name.startswith("_")
    }
    overridden = methods & vars(TrackedTable).keys()
    assert methods - overridden == NEUTRAL
