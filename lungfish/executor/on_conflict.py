"""ON CONFLICT: a proposed row whose key is taken is passed over, or becomes an update of the row that has it.

Each row is looked at alone, in order, and sees what the statement did with the rows before it. A row is changed once only: a second
proposed row with the same key is an error (21000), as the outcome would depend on their order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lungfish import errors
from lungfish.catalog.objects import Index
from lungfish.executor.compiler import Compiler, RowEvaluator
from lungfish.executor.context import Row
from lungfish.executor.exclusions import find_clashing
from lungfish.executor.index_scan import find_index
from lungfish.executor.table_writer import TableWriter
from lungfish.executor.violations import unique_violation
from lungfish.planner.physical import ConflictAction
from lungfish.storage.ids import TupleId
from lungfish.storage.lock_modes import LockMode
from lungfish.storage.table_index import TableIndex, UniqueConflict
from lungfish.storage.table_lock import LockedRow, LockStatus

# (old row, new row) of a changed row; no old row for an insert.
Changed = tuple[Row | None, Row]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A compiled ON CONFLICT clause."""

    # Empty: all unique indexes and exclusion constraints.
    arbiters: tuple[Index, ...]
    # None for DO NOTHING; expressions see the existing row, then the proposed one.
    assignments: tuple[tuple[int, RowEvaluator], ...] | None
    where: RowEvaluator | None


def make_conflict(action: ConflictAction, compiler: Compiler) -> Conflict:
    """Compile an ON CONFLICT clause."""
    assignments = action.assignments
    return Conflict(
        arbiters=action.arbiters,
        assignments=None
        if assignments is None
        else tuple((position, compiler.row(expression)) for position, expression in assignments),
        where=None if action.where is None else compiler.row(action.where),
    )


@dataclass(frozen=True, slots=True)
class LeafView:
    """A leaf of the partitioned table that the statement names: how that table shows the leaf's rows, where its columns are in
    the leaf, and whether a changed row still belongs there."""

    seen: Callable[[Row], Row]
    positions: tuple[int, ...]
    stays: Callable[[Sequence[object]], bool]


class ConflictHandler:
    """Inserts the rows of one statement with ON CONFLICT."""

    def __init__(
        self, conflict: Conflict, writer: TableWriter, view: LeafView | None = None
    ) -> None:
        self._view = view
        self._conflict = conflict
        self._writer = writer
        self._arbiters, self._has_deferrable = _arbiters(conflict, writer)
        self._exclusions = tuple(
            each
            for each in writer.rules.exclusions
            if not conflict.arbiters or each.index in conflict.arbiters
        )
        # Rows that this statement has inserted or updated.
        self._touched: set[TupleId] = set()
        # What the new values will be is not known before the row is locked.
        may_change_key = any(
            self._position(position) in writer.rules.key_positions
            for position, _ in conflict.assignments or ()
        )
        self._mode = LockMode.FOR_UPDATE if may_change_key else LockMode.FOR_NO_KEY_UPDATE

    def _position(self, position: int) -> int:
        """Where the writer's table has a column of the statement's."""
        return position if self._view is None else self._view.positions[position]

    def insert(self, rows: Sequence[Row]) -> Iterator[Changed]:
        """Insert the rows or do what the clause says; yields the rows that were changed."""
        for row in rows:
            self._writer.run.check_cancel()
            changed = self._insert_one(self._writer.rules.complete(row, self._writer.run))
            if changed is not None:
                yield changed

    def _insert_one(self, row: Row) -> Changed | None:
        writer = self._writer
        while True:
            address = self._taken_by(row)
            if address is None:
                mark = len(writer.run.context.transaction.undo)
                try:
                    inserted, completed = writer.try_insert(row)
                except UniqueConflict as conflict:
                    if conflict.index not in self._arbiters:
                        raise unique_violation(writer.table, conflict) from None
                    # Someone was faster since we looked: look again.
                    continue
                except errors.ExclusionViolation:
                    if not self._exclusions:
                        raise
                    writer.store.undo_to(writer.run.context.transaction, mark)
                    continue
                self._touched.add(inserted)
                return None, completed
            if self._conflict.assignments is None:
                self._require_visible(address)
                return None
            locked = self._lock(address)
            if locked is None or locked.values is None:
                # The row went while we waited for it.
                continue
            if locked.status is LockStatus.CHANGED and self._taken_by(row) != address:
                # It has another key since we waited for it.
                continue
            return self._update(address, locked.values, row)

    def _lock(self, address: TupleId) -> LockedRow | None:
        """Lock the row in the way; None if it has gone to another partition, where it is in nobody's way. Raises as `TableStore.lock`."""
        try:
            return self._writer.lock(address, self._mode)
        except errors.SerializationFailure:
            if self._writer.run.context.transaction.sees_each_commit:
                return None
            raise

    def _taken_by(self, row: Row) -> TupleId | None:
        """The row that has one of the proposed row's keys."""
        writer = self._writer
        stored = writer.rules.to_stored(row)
        for index in self._arbiters:
            address = writer.store.find_conflict(writer.run.context.transaction, index, stored)
            if address is not None:
                return address
        if self._has_deferrable:
            raise _deferrable()
        context = writer.run.context
        for exclusion in self._exclusions:
            if exclusion.constraint.is_deferrable:
                raise _deferrable()
            index = find_index(writer.store, exclusion.index)
            found = find_clashing(exclusion, index, stored, context, writer.table)
            if found is not None:
                return found[0]
        return None

    def _require_visible(self, address: TupleId) -> None:
        """Above READ COMMITTED a row that we cannot see as it is must not decide what we do."""
        context = self._writer.run.context
        if context.transaction.sees_each_commit or address in self._touched:
            return
        with context.snapshot_of_now() as now:
            is_seen = self._writer.store.rows.sees_same(context.snapshot, now, address)
        if not is_seen:
            raise errors.SerializationFailure("could not serialize access due to concurrent update")

    def _update(self, address: TupleId, existing: Row, proposed: Row) -> Changed | None:
        if address in self._touched:
            raise errors.CardinalityViolation(
                "ON CONFLICT DO UPDATE command cannot affect row a second time",
                hint="Ensure that no rows proposed for insertion within the same command have "
                "duplicate constrained values.",
            )
        writer, conflict = self._writer, self._conflict
        view = self._view
        if view is None:
            both: Row = (*existing, *proposed)
        else:
            both = (*view.seen(existing), *view.seen(proposed))
        if conflict.where is not None and conflict.where(both, writer.run) is not True:
            return None
        values = list(existing)
        for position, evaluate in conflict.assignments or ():
            values[self._position(position)] = evaluate(both, writer.run)
        if view is not None and not view.stays(values):
            raise errors.FeatureNotSupported(
                "invalid ON UPDATE specification",
                detail="The result tuple would appear in a different partition than the original tuple.",
            )
        self._touched.add(address)
        return existing, writer.update(address, existing, values)


def _arbiters(conflict: Conflict, writer: TableWriter) -> tuple[tuple[TableIndex, ...], bool]:
    """The unique indexes that are asked, and whether a deferrable one comes behind them, which may not be."""
    found: list[TableIndex] = []
    for index in conflict.arbiters or writer.table.indexes:
        if index.is_deferrable and (index.is_unique or index.is_exclusion):
            return tuple(found), True
        if index.is_unique:
            found.append(find_index(writer.store, index))
    return tuple(found), False


def _deferrable() -> errors.ObjectNotInPrerequisiteState:
    """What a row is told that no index before a deferrable one has stopped."""
    return errors.ObjectNotInPrerequisiteState(
        "ON CONFLICT does not support deferrable unique constraints/exclusion constraints as arbiters"
    )
