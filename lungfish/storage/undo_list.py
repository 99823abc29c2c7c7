"""Going back along a transaction's undo list, all the way or some rows at a time.

A rollback may be cut in portions, because it can be cut off anywhere and gone on with later: what is left of it is what is left of the list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungfish.storage.native import take_back_plainly

if TYPE_CHECKING:
    from lungfish.storage.transactions import Transaction, UndoEntry

# What compiled code takes back at once: some hundred microseconds' worth.
_STRETCH = 500


def undo_to(
    transaction: Transaction, count: int, *, is_logged: bool, row_count_max: int | None = None
) -> bool:
    """Put rows back, newest first, until the list is `count` long. False: it is longer still, after about `row_count_max` rows."""
    rows_left = _STRETCH if row_count_max is None else row_count_max
    while (before_count := len(transaction.undo)) > count:
        if rows_left <= 0:
            if row_count_max is not None:
                return False
            rows_left = _STRETCH
        plain_count = take_back_plainly(transaction, count, rows_left, is_logged=is_logged)
        if plain_count:
            rows_left -= plain_count
            continue
        entry = transaction.undo[-1]
        store = entry[0]
        store.undo(transaction, entry, is_logged=is_logged)
        assert len(transaction.undo) < before_count, "a store's undo pops its entry"
        rows_left -= store.row_count
    return True


def roll_back_some(
    transaction: Transaction, savepoint: str | None, row_count_max: int | None
) -> bool:
    """Go on with a rollback, of all or to a savepoint, by about so many rows (None: all of them). True: it is done, its locks are free.

    Errors as `Transaction.rollback` and `Transaction.rollback_to`; after any exception it can be gone on with.
    """
    if row_count_max is not None:
        count = 0 if savepoint is None else transaction.undo_count_at(savepoint)
        is_logged = savepoint is not None
        if not undo_to(transaction, count, is_logged=is_logged, row_count_max=row_count_max):
            return False
    if savepoint is None:
        transaction.rollback()
    else:
        transaction.rollback_to(savepoint)
    return True


def has_versions(undo: list[UndoEntry]) -> bool:
    """Whether the list has a row version that is to be purged: of inserts none is left."""
    return any(before is not None for _, _, before in undo)
