"""What a statement has changed, undone for its own reading: a statement sees the database as of its start.

Most statements read everything before their first change and need none of this. It is kept only where reading goes on
afterwards: WITH queries that change rows, and RETURNING with subqueries. For each changed row the state before the statement
is remembered; a scan leaves out rows that the statement has written and puts the old ones in their place.

(The rejected alternative is PostgreSQL's command id in each row header: 4 bytes a row for ever, for these few statements.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from lungfish.catalog.objects import Oid, Table
from lungfish.executor.context import Row, Run
from lungfish.executor.rows import rows_batches
from lungfish.storage.ids import TupleId
from lungfish.types.batch import Batch
from lungfish.types.sql_type import BIGINT

if TYPE_CHECKING:
    from lungfish.planner.physical import IndexScan
    from lungfish.storage.keys import KeyRange
    from lungfish.storage.table import TableIndex


class OwnChanges:
    """The rows that one statement has changed, as they are stored, before its first change; None: there was none."""

    def __init__(self, parent: OwnChanges | None = None) -> None:
        # Those of the statement that called the routine in which this one stands: what is changed here is changed there too.
        self._parent = parent
        # The rows that routines have changed which the statement called.
        self._by_routines: set[tuple[Oid, TupleId]] = set()
        self._before: dict[Oid, dict[TupleId, Row | None]] = {}

    def note(self, table: Table, address: TupleId, before: Row | None) -> None:
        """Remember a row's state before a change; the first one counts."""
        self._before.setdefault(table.oid, {}).setdefault(address, before)
        if self._parent is not None:
            self._parent.note_of_routine(table, address, before)

    def note_of_routine(self, table: Table, address: TupleId, before: Row | None) -> None:
        """The same, of a change that a routine has made within the statement."""
        self._by_routines.add((table.oid, address))
        self.note(table, address, before)

    def is_of_routine(self, table: Table, address: TupleId) -> bool:
        """Whether a routine that the statement called has changed the row."""
        return (table.oid, address) in self._by_routines

    def has(self, table: Table) -> bool:
        """Whether a row of the table was changed."""
        return table.oid in self._before

    def has_row(self, table: Table, address: TupleId) -> bool:
        """Whether that row was changed."""
        return address in self._before.get(table.oid, ())

    def scan(
        self, table: Table, column_indexes: Sequence[int], with_tuple_id: bool, run: Run
    ) -> Iterator[Batch]:
        """The table's rows as of the statement's start."""
        context = run.context
        positions = [table.stored_positions[index] for index in column_indexes]
        before = self._before[table.oid]
        changed = np.fromiter(before, np.int64, len(before))
        store = context.tables.table_store(table)
        check = run.check_cancel
        for batch in store.scan(context.snapshot, positions, with_tuple_id=True, check=check):
            mask = ~np.isin(batch.columns[-1].to_numpy(), changed)
            columns = batch.columns if with_tuple_id else batch.columns[:-1]
            kept = tuple(column.filter(pa.array(mask)) for column in columns)
            yield Batch(kept, int(mask.sum()))
        types = [table.columns[index].type for index in column_indexes]
        rows: Iterator[Sequence[Any]] = (
            [*[stored[position] for position in positions], *([address] if with_tuple_id else [])]
            for address, stored in before.items()
            if stored is not None
        )
        yield from rows_batches(rows, [*types, BIGINT] if with_tuple_id else types)

    def index_scan(
        self, plan: IndexScan, index: TableIndex, ranges: Sequence[KeyRange], run: Run
    ) -> Iterator[tuple[TupleId, Row]]:
        """The rows of some ranges of an index, as of the statement's start, in order."""
        context = run.context
        store = context.tables.table_store(plan.table)
        before = self._before[plan.table.oid]
        found: list[tuple[Any, TupleId, Row]] = []
        for address, stored in before.items():
            key = None if stored is None else index.key(stored)
            if stored is not None and key is not None:
                place = index.btree.codec.entry(key.key, address)
                if any(_is_within(place, key_range) for key_range in ranges):
                    found.append((place, address, stored))
        for key_range in ranges:
            for chunk in store.index_scan(
                context.snapshot, index, key_range, is_backward=plan.is_backward
            ):
                run.check_cancel()
                for address, stored in chunk:
                    if address not in before:
                        key = index.key(stored)
                        assert key is not None, "a row that the index gave is in the index"
                        found.append((index.btree.codec.entry(key.key, address), address, stored))
        found.sort(key=lambda item: item[0], reverse=plan.is_backward)
        for _, address, stored in found:
            yield address, stored


def _is_within(place: tuple[Any, int], key_range: KeyRange) -> bool:
    low, high = key_range
    return (low is None or low <= place) and (high is None or place < high)
