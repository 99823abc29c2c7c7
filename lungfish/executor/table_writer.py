"""Writing rows of one table within one statement: rules kept, events left for the statement's end.

Every change of a row by SQL goes through here: INSERT, UPDATE, DELETE, MERGE, referential actions, COPY.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from typing import TYPE_CHECKING

from lungfish import errors
from lungfish.catalog.objects import Table
from lungfish.executor.constraint_events import ConstraintEvents
from lungfish.executor.context import Row, Run
from lungfish.executor.exclusions import check_exclusion, has_same_key
from lungfish.executor.rows import batch_rows
from lungfish.executor.violations import unique_violation
from lungfish.storage.ids import TupleId
from lungfish.storage.lock_modes import LockMode
from lungfish.storage.table_index import UniqueConflict
from lungfish.storage.table_lock import LockedRow
from lungfish.types.batch import Batch, Vector
from lungfish.types.vectors import null_vector

if TYPE_CHECKING:
    from lungfish.executor.table_rules import TableRules


class TableWriter:
    """One statement's way to write one table. Rows are of the visible columns."""

    def __init__(self, table: Table, run: Run, *, is_routed: bool = False) -> None:
        """`is_routed`: rows come by way of their partitioned table, so they belong to the table."""
        context = run.context
        self.run = run
        self.table = table
        self.rules: TableRules = context.programs.rules(table, context.catalog)
        if is_routed:
            self.rules = replace(self.rules, belongs=None)
        self.store = context.tables.table_store(table)
        self._transaction = context.transaction
        self._snapshot = context.snapshot
        self._changes = context.own_changes
        rules = self.rules
        self._has_events = bool(
            rules.foreign_keys or rules.referenced_by or rules.deferrable_keys or rules.exclusions
        )
        if self._has_events and context.constraint_events is None:
            context.constraint_events = ConstraintEvents()
        self._events = context.constraint_events if self._has_events else None
        # Rows that this statement has updated or deleted.
        self._claimed: set[TupleId] = set()

    def insert(self, row: Sequence[object]) -> tuple[TupleId, Row]:
        """Insert a row; answers its address and what it has become. Raises UniqueViolation and what `complete` raises."""
        try:
            return self.try_insert(row)
        except UniqueConflict as conflict:
            raise unique_violation(self.table, conflict) from None

    def try_insert(self, row: Sequence[object]) -> tuple[TupleId, Row]:
        """As `insert`, but a key that is taken raises UniqueConflict."""
        completed = self.rules.complete(row, self.run)
        address = self.store.insert(self._transaction, self.rules.to_stored(completed))
        self._note_insert(address, completed)
        return address, completed

    def insert_many(self, rows: Sequence[Row]) -> list[Row]:
        """Insert rows; answers what they have become."""
        rules = self.rules
        if rules.is_row_by_row:
            return [self.insert(row)[1] for row in rows]
        completed: list[Row] = []
        try:
            for row in rows:
                completed.append(rules.complete(row, self.run))
        except errors.Error:
            # A key of a row before this one may be taken: that error comes first.
            self._store(completed)
            raise
        addresses = self._store(completed)
        if self._has_events or self._changes is not None:
            # Rows that are there already, and of which those before them know nothing yet.
            later = set(addresses) if rules.exclusions else None
            for address, row in zip(addresses, completed, strict=True):
                self._note_insert(address, row, later)
        return completed

    def _store(self, rows: Sequence[Row]) -> list[TupleId]:
        rules = self.rules
        assert self.table.partition_key is None, "rows of a partitioned table are in its leaves"
        stored = rows if rules.is_stored_plainly else [rules.to_stored(row) for row in rows]
        try:
            return self.store.insert_many(self._transaction, stored)
        except UniqueConflict as conflict:
            raise unique_violation(self.table, conflict) from None

    @property
    def takes_columns(self) -> bool:
        """Whether rows may be inserted by column: nothing has to be known of the single row."""
        return self.rules.is_plain and not self._has_events and self._changes is None

    def insert_columns(self, batch: Batch) -> None:
        """Insert a batch of rows. Requires: `takes_columns`."""
        rules = self.rules
        assert self.table.partition_key is None, "rows of a partitioned table are in its leaves"
        if any(batch.columns[position].null_count for position in rules.not_null):
            # One row must be refused; row by row it is found which, and what comes before it.
            self.insert_many(batch_rows(batch, rules.types))
            return
        columns: list[Vector] = list(batch.columns)
        if not rules.is_stored_plainly:
            columns = [null_vector(kind, batch.row_count) for kind in self.table.stored_types]
            for position, column in zip(self.table.stored_positions, batch.columns, strict=True):
                columns[position] = column
        try:
            self.store.insert_batch(self._transaction, columns, batch.row_count)
        except UniqueConflict as conflict:
            raise unique_violation(self.table, conflict) from None

    def _note_insert(self, address: TupleId, row: Row, later: set[TupleId] | None = None) -> None:
        for exclusion in self.rules.exclusions:
            ignored = frozenset((address,)) if later is None else later
            check_exclusion(self.table, exclusion, address, self.run.context, ignored=ignored)
        if later is not None:
            later.discard(address)
        if self._changes is not None:
            self._changes.note(self.table, address, None)
        if self._events is not None:
            self._events.inserted(self.rules, address, row)

    def _note_change(self, address: TupleId) -> None:
        """Remember what the statement's snapshot sees of a row, which may be an older version than the one that it changes."""
        if self._changes is not None:
            seen = self.store.get(self._snapshot, address)
            self._changes.note(self.table, address, seen)

    def claim(self, address: TupleId, verb: str = "updated") -> bool:
        """Whether the statement has not changed the row yet: a join may meet a row many times, the first time counts.

        Raises TriggeredDataChangeViolation if a routine, called by the statement, has changed the row: whose change would count?
        """
        if address in self._claimed:
            return False
        if self._changes is not None and self._changes.has_row(self.table, address):
            if self._changes.is_of_routine(self.table, address):
                raise errors.TriggeredDataChangeViolation(
                    f"tuple to be {verb} was already modified by an operation triggered by the current command"
                )
            return False
        self._claimed.add(address)
        return True

    def update_mode(self, old: Row, new: Sequence[object]) -> LockMode:
        """How to lock a row that is to be changed so: a row whose keys stay can be referred to meanwhile."""
        for position in self.rules.key_positions:
            if old[position] != new[position]:
                return LockMode.FOR_UPDATE
        return LockMode.FOR_NO_KEY_UPDATE

    def lock(self, address: TupleId, mode: LockMode = LockMode.FOR_UPDATE) -> LockedRow:
        """Lock a row for a change; the values it holds are those of the visible columns."""
        locked = self.store.lock(self._transaction, self._snapshot, address, mode=mode)
        if locked.values is None or self.rules.is_stored_plainly:
            return locked
        return LockedRow(locked.status, self.rules.from_stored(locked.values))

    def update_directly(
        self, address: TupleId, old: Row, new: Sequence[object], changed: Set[int]
    ) -> Row | None:
        """Replace a row without locking it before, if nobody is in the way; answers what it has become.

        None: nothing was done. `changed`: the stored positions that may differ between `old` and `new`.
        """
        rules, store = self.rules, self.store
        if self._changes is not None:
            return None
        completed = rules.complete(new, self.run)
        key_positions = store.rows.key_positions
        stored = rules.to_stored(completed)
        before = None
        if not changed.isdisjoint(key_positions):
            before = rules.to_stored(old)
        try:
            if not store.change_directly(
                self._transaction, self._snapshot, address, stored, old=before
            ):
                return None
        except UniqueConflict as conflict:
            raise unique_violation(self.table, conflict) from None
        self._check_change(address, old, completed)
        if self._events is not None:
            self._events.updated(rules, address, old, completed)
        return completed

    def _check_change(self, address: TupleId, old: Row, new: Row) -> None:
        for exclusion in self.rules.exclusions:
            if not has_same_key(exclusion, self.table, old, new):
                check_exclusion(
                    self.table, exclusion, address, self.run.context, ignored=frozenset((address,))
                )

    def delete_directly(self, address: TupleId, old: Row) -> bool:
        """Delete a row without locking it before, if nobody is in the way. False: nothing was done."""
        if self._changes is not None:
            return False
        if not self.store.change_directly(self._transaction, self._snapshot, address, None):
            return False
        if self._events is not None:
            self._events.deleted(self.rules, old)
        return True

    def update(self, address: TupleId, old: Row, new: Sequence[object]) -> Row:
        """Replace a locked row; answers what it has become."""
        completed = self.rules.complete(new, self.run)
        self._note_change(address)
        try:
            self.store.update(self._transaction, address, self.rules.to_stored(completed))
        except UniqueConflict as conflict:
            raise unique_violation(self.table, conflict) from None
        self._check_change(address, old, completed)
        if self._events is not None:
            self._events.updated(self.rules, address, old, completed)
        return completed

    def delete(self, address: TupleId, old: Row) -> None:
        """Delete a locked row."""
        self._note_change(address)
        self.store.delete(self._transaction, address)
        if self._events is not None:
            self._events.deleted(self.rules, old)

    def move_out(self, address: TupleId, old: Row, new: Row) -> None:
        """Delete a locked row that goes to another partition; `new` is what it becomes, in this table's order."""
        self._note_change(address)
        self.store.delete(self._transaction, address)
        # Before the transaction ends, so whoever waits for the row is told.
        self.store.rows.moved_out.add(address)
        if self._events is not None:
            self._events.moved(self.rules, old, new)
