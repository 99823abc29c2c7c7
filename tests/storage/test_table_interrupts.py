"""KeyboardInterrupt at every line of a row operation: the transaction can be rolled back, and the table is whole.

A trace function raises at the n-th line executed in the named modules, for every n until the operation is not reached any more. This
hazard is Python's own: a signal handler may raise between any two bytecodes.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from table_world import World

from lungfish.storage import (
    btree_structure,
    heap,
    heap_page,
    table,
    table_rows,
    undo_runs,
    versions,
)
from lungfish.storage.ids import PageId, TupleId
from lungfish.storage.table import TableStore
from lungfish.storage.table_build import check_heap, check_index
from lungfish.storage.transactions import Transaction
from lungfish.types.sql_type import INTEGER, TEXT

TRACED = {
    module.__file__
    for module in (table, table_rows, undo_runs, heap, heap_page, versions, btree_structure)
}
LINE_COUNT_MAX = 2000

Action = Callable[[TableStore, Transaction, TupleId], object]


class Interrupter:
    """Raises KeyboardInterrupt at the n-th traced line, once."""

    def __init__(self, line_number: int) -> None:
        self.left = line_number

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename not in TRACED:
            return None
        if event == "line" and not _is_with(frame):
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
        return self


def _is_with(frame: FrameType) -> bool:
    """Whether the line is a `with`: it is traced again on leaving, before the lock is released, where no signal is handled."""
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
    return line.lstrip().startswith("with ")


def insert(store: TableStore, transaction: Transaction, address: TupleId) -> None:
    store.insert(transaction, (100, "new " * 500))


def insert_many(store: TableStore, transaction: Transaction, address: TupleId) -> None:
    store.insert_many(transaction, [(100 + n, "many " * n) for n in range(30)])


def update(store: TableStore, transaction: Transaction, address: TupleId) -> None:
    store.lock(transaction, transaction.statement_snapshot(), address)
    store.update(transaction, address, (3, "other " * 400))


def update_key(store: TableStore, transaction: Transaction, address: TupleId) -> None:
    store.lock(transaction, transaction.statement_snapshot(), address)
    store.update(transaction, address, (200, "key"))


def delete(store: TableStore, transaction: Transaction, address: TupleId) -> None:
    store.lock(transaction, transaction.statement_snapshot(), address)
    store.delete(transaction, address)


def change_and_roll_back(store: TableStore, transaction: Transaction, address: TupleId) -> None:
    transaction.savepoint("inner")
    update_key(store, transaction, address)
    insert(store, transaction, address)
    transaction.rollback_to("inner")


def insert_many_and_roll_back(
    store: TableStore, transaction: Transaction, address: TupleId
) -> None:
    transaction.savepoint("inner")
    # Enough of them for a leaf to be written anew.
    store.insert_many(transaction, [(100 + n, f"short {n}") for n in range(20)])
    transaction.rollback_to("inner")


def rows_of(world: World, store: TableStore) -> list[tuple[Any, ...]]:
    transaction = world.transactions.begin()
    batches = list(store.scan(transaction.statement_snapshot()))
    transaction.commit()
    columns = [[column.to_pylist() for column in batch.columns] for batch in batches]
    return [row for batch in columns for row in zip(*batch, strict=True)]


def check_whole(world: World, store: TableStore) -> None:
    for index in store.indexes:
        check_index(store.rows, index)
    check_heap(store.rows)
    pages = store.heap.pages
    world.load_all(pages)
    with pages.latch:
        for page_id in range(pages.page_count):
            data = pages.fetch(PageId(page_id)).data
            page = store.heap.format
            slots, used, deleted = page.counts(data)
            flags = [page.flags(data, slot) for slot in range(slots)]
            assert used == sum(each != 0 for each in flags)
            assert deleted == sum(each & 2 != 0 for each in flags)


@pytest.mark.slow
@pytest.mark.parametrize(
    "action",
    [
        insert,
        insert_many,
        update,
        update_key,
        delete,
        change_and_roll_back,
        insert_many_and_roll_back,
    ],
)
def test_an_interrupted_operation_can_be_rolled_back(action: Action) -> None:
    world = World()
    store = world.table((INTEGER, TEXT), ("unique", 0), (1,))
    store.set_indexes(store.indexes[:1])
    setup = world.transactions.begin()
    rows = [(n, "row " * (n * 30)) for n in range(8)]
    addresses = store.insert_many(setup, rows)
    setup.commit()
    for line_number in range(1, LINE_COUNT_MAX):
        transaction = world.transactions.begin()
        transaction.savepoint("outer")
        sys.settrace(Interrupter(line_number))
        try:
            action(store, transaction, addresses[3])
        except KeyboardInterrupt:
            is_done = False
        else:
            is_done = True
        finally:
            sys.settrace(None)
        transaction.rollback_to("outer")
        check_whole(world, store)
        transaction.rollback()
        assert not transaction.undo
        assert rows_of(world, store) == rows
        check_whole(world, store)
        assert not len(store.rows.chains)
        if is_done:
            return
    raise AssertionError("the operation never ends")
