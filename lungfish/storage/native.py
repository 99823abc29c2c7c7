"""The compiled row operations, where the install could build them.

native_rows.pyx     packing and unpacking
native_frames.pyx   frames of pages in memory, as the others look at them
native_trees.pyx    searching and changing the leaves of indexes
native_page_rows.pyx, native_overflow.pyx
                    rows of any size put on pages that are in memory, long values on overflow pages
native_tables.pyx   rows looked up, changed and inserted, each in one step
native_purge.pyx    old versions dropped, rows that nobody sees any more taken off their pages
native_undo.pyx     changes of rows taken back
native_runs.pyx     a page's worth of rows inserted in one step
native_ends.pyx     commits: the record in the log, and the leaving
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from lungfish.native import compiled_module

if TYPE_CHECKING:
    from lungfish.storage.ids import TupleId
    from lungfish.storage.rows import RowLayout, Values
    from lungfish.storage.snapshots import Snapshot
    from lungfish.storage.table_index import TableIndex
    from lungfish.storage.table_rows import TableRows
    from lungfish.storage.transactions import Transaction, TransactionManager, UndoEntry
    from lungfish.storage.undo_runs import InsertRun


class NativeRowFormat(Protocol):
    """`RowLayout.pack` and `RowLayout.unpack` in C."""

    pack: Callable[..., bytes]
    unpack: Callable[..., Values]

    def is_plain(self, positions: tuple[int, ...]) -> bool:
        """Whether the values of these fields are stored as they are, or as UTF-8."""


class NativeTable(Protocol):
    """Operations on the rows of one table, each of which does the whole thing or nothing."""

    row_format: NativeRowFormat

    def serves(self, index: TableIndex) -> bool:
        """Whether lanes may look keys of the index up."""

    def takes_rows(self) -> bool:
        """Whether lanes may insert rows."""

    def key_lookup(
        self, snapshot: Snapshot, index: TableIndex, values: Sequence[Any]
    ) -> list[tuple[TupleId, Values]] | None:
        """What `table_scan.key_lookup` answers; None: to be found out there."""

    def read_entries(
        self, snapshot: Snapshot, entries: list[tuple[Any, int]]
    ) -> list[tuple[TupleId, Values]] | None:
        """The visible rows behind entries of an index, those in `TableRows.stale` apart; None: to be found out one by one."""

    def change_directly(
        self, transaction: Transaction, snapshot: Snapshot, address: TupleId, packed: bytes | None
    ) -> bool:
        """What `direct_change.change_directly` does; False: to be done there."""

    def insert(self, transaction: Transaction, values: Values) -> TupleId | None:
        """What `TableStore.insert` does, of which the transaction has its id; None: to be done there."""


class RunMaker(Protocol):
    """Inserts rows made of sets of parameters into one table. One thread at a time, while the table has the same indexes."""

    def insert(
        self,
        transaction: Transaction,
        sets: list[tuple[Any, ...]],
        start: int,
        run: InsertRun,
    ) -> int:
        """Insert rows of the sets from `start` on, as many as go on the current page this way; answers how many.

        `run` is new, and filled in unless the answer is 0. Requires: the transaction has its id.
        """


class NativeEnds(Protocol):
    """Ends of transactions, each in one step or not at all: then it is to be done by the `TransactionManager`."""

    def append_commit(self, transaction: Transaction) -> bool:
        """Log the commit; False: not done."""

    def finish(self, transaction: Transaction) -> bool:
        """Let a committed transaction leave; False: not done. Some of what it leaves to be purged may be in the queue."""


def native_row_format(
    layout: RowLayout, pack: Callable[..., bytes], unpack: Callable[..., Values]
) -> NativeRowFormat | None:
    """The row format of a layout, given the functions that do what it leaves; None if it is not built."""
    if _rows is None:
        return None
    made: NativeRowFormat = _rows.NativeRowFormat(layout, pack, unpack)
    return made


def native_table(rows: TableRows) -> NativeTable | None:
    """The operations of a table; None if they are not built."""
    module = _tables_module()
    if module is None:
        return None
    made: NativeTable = module.NativeTable(rows)
    return made


def native_ends(manager: TransactionManager) -> NativeEnds | None:
    """What ends transactions of a manager; None if it is not built."""
    module = compiled_module("lungfish.storage.native_ends")
    if module is None:
        return None
    made: NativeEnds = module.NativeEnds(manager)
    return made


def run_maker(
    native: NativeTable, sources: tuple[int, ...], constants: tuple[Any, ...]
) -> RunMaker | None:
    """What inserts rows by the page; None if it is not built, or the table has none of it.

    `sources`: of each stored field the number of its parameter, -1 where it gets what is in `constants`. Requires: no column of an
    index is given a NULL.
    """
    compiled = compiled_module("lungfish.storage.native_runs")
    if compiled is None or not native.takes_rows():
        return None
    made: RunMaker = compiled.RunMaker(native, sources, constants)
    return made


def purge_plainly(undo: list[UndoEntry]) -> None:
    """Do what can be done at once of a committed transaction's purge, taking entries off the list's end."""
    if _tables_module() is None:
        return
    module = compiled_module("lungfish.storage.native_purge")
    if module is not None:
        module.purge_plainly(undo)


def take_back_plainly(
    transaction: Transaction, count: int, row_count_max: int, *, is_logged: bool
) -> int:
    """Do what can be done at once of taking back a transaction's newest changes, at most so many; answers how many entries are off its list.

    The list stays at least `count` long.
    """
    if _tables_module() is None:
        return 0
    module = compiled_module("lungfish.storage.native_undo")
    if module is None:
        return 0
    done: int = module.take_back_plainly(transaction, count, row_count_max, is_logged)
    return done


def _tables_module() -> ModuleType | None:
    # Not at the top: it imports those who import this. Asked for where the first module is there, as a search costs much.
    return None if _rows is None else compiled_module("lungfish.storage.native_tables")


_rows = compiled_module("lungfish.storage.native_rows")
