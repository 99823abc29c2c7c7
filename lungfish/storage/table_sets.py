"""Rows made of sets of parameters, inserted by the page in compiled code, where that will have them (native_runs.pyx).

What it will not have goes the ordinary way: the row with which a new page begins or a leaf is split, one whose key is taken or whose
values are long. If it takes none of them at the moment, say as a checkpoint has frozen the page or somebody has locked rows, the ordinary
way is given more rows each time, as it is quick only with many.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from lungfish.storage.ids import TupleId
from lungfish.storage.native import run_maker
from lungfish.storage.rows import Values
from lungfish.storage.table import RUN_ROW_COUNT, TableStore
from lungfish.storage.transactions import Transaction
from lungfish.storage.undo_runs import InsertRun

# A run of fewer rows is no sign that compiled code takes them all but for a few.
_RUN_ROW_COUNT_MIN: Final = 16


@dataclass(frozen=True, slots=True)
class SetRows:
    """How a row is made of a set: of each stored field the number of its parameter, or -1 and a constant."""

    sources: tuple[int, ...]
    constants: tuple[Any, ...]

    def row(self, given: tuple[Any, ...]) -> Values:
        """One set's row."""
        return tuple(
            [
                constant if source < 0 else given[source]
                for source, constant in zip(self.sources, self.constants, strict=True)
            ]
        )


def insert_sets(
    store: TableStore,
    transaction: Transaction,
    sets: list[tuple[Any, ...]],
    rows: SetRows,
    look_up: Callable[[], None],
) -> bool:
    """Insert a row for each set, in order; if one cannot be, none is. False: nothing was done, the table is none for this.

    `look_up` is called between pages: what it raises ends the insert. Raises UniqueConflict.

    Requires: the values are as they are stored, the transaction is not a serializable one, and no column of an index is given a NULL.
    """
    native = store.rows.native
    maker = None if native is None else run_maker(native, rows.sources, rows.constants)
    if maker is None:
        return False
    if not transaction.id:
        transaction.assign_id()
    mark = len(transaction.undo)
    start, ordinary_count = 0, 1
    try:
        while start < len(sets):
            count = maker.insert(transaction, sets, start, InsertRun(store.rows, TupleId(0), 0))
            start += count
            if count >= _RUN_ROW_COUNT_MIN:
                ordinary_count = 1
            left = [rows.row(given) for given in sets[start : start + ordinary_count]]
            if len(left) == 1:
                store.insert(transaction, left[0])
            else:
                store.insert_many(transaction, left)
            start += len(left)
            ordinary_count = min(2 * ordinary_count, RUN_ROW_COUNT)
            look_up()
    except BaseException:
        store.undo_to(transaction, mark)
        raise
    return True
