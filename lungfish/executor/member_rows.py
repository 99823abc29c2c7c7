"""Changing rows of a table together with those that inherit from it, or of a partitioned table's leaves.

The statement sees every row with the columns of its target, whatever the order of the member's own; the change is made to the
member's whole row. A row of a partitioned table whose new key belongs elsewhere is deleted here and inserted there.

Input rows: the target's columns, the TupleId, the oid of the member, other columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from lungfish import errors
from lungfish.catalog.objects import Oid, Table
from lungfish.executor.context import Row, Run
from lungfish.executor.partition_router import PartitionRouter, positions_in
from lungfish.executor.rows import batch_rows
from lungfish.executor.table_writer import TableWriter
from lungfish.storage.ids import TupleId
from lungfish.storage.lock_modes import LockMode
from lungfish.storage.table_lock import LockedRow
from lungfish.types.batch import Batch


class Member:
    """One member while a statement changes rows."""

    def __init__(self, target: Table, table: Table, run: Run, *, is_routed: bool) -> None:
        self.table = table
        self.writer = TableWriter(table, run, is_routed=is_routed)
        # Where the target's columns are.
        self.positions = positions_in(target, table)
        # Whether a row of the target is one of the member as it stands.
        self.is_same = self.positions == tuple(range(len(table.columns)))

    def seen(self, row: Row) -> Row:
        """A row of the member as the target shows it, with the member's oid behind it."""
        oid = int(self.table.oid)
        if self.is_same:
            return (*row, oid)
        return (*[row[position] for position in self.positions], oid)

    def changed(self, row: Row, old: Sequence[Any], new: Sequence[Any]) -> list[Any]:
        """The member's row with what differs between two rows of the target."""
        values = list(row)
        for position, before, after in zip(self.positions, old, new, strict=True):
            if before is not after:
                values[position] = after
        return values

    def update_mode(self, old: Sequence[Any], new: Sequence[Any]) -> LockMode:
        """How to lock a row that is to be changed so; rows are the target's."""
        keys = self.writer.rules.key_positions
        for position, before, after in zip(self.positions, old, new, strict=True):
            if position in keys and before != after:
                return LockMode.FOR_UPDATE
        return LockMode.FOR_NO_KEY_UPDATE


class MemberRows:
    """One statement's way to the rows of the members of its target."""

    def __init__(self, target: Table, tables: Sequence[Table], run: Run) -> None:
        self.run = run
        self.target = target
        self._tables = {int(table.oid): table for table in tables}
        self._members: dict[int, Member] = {}
        self._router: PartitionRouter | None = None
        if target.partition_key is not None:
            self._router = run.context.programs.router(target, run.context.catalog)

    def of(self, oid: int) -> Member:
        """The member with that oid."""
        found = self._members.get(oid)
        if found is None:
            found = self._members[oid] = Member(
                self.target, self._tables[oid], self.run, is_routed=self._router is not None
            )
        return found

    def may_move(self, old: Sequence[Any], new: Sequence[Any]) -> bool:
        """Whether a row may belong to another leaf after a change."""
        return self._router is not None and self._router.may_differ(old, new)

    def leaf_of(self, row: Row) -> tuple[Table, Row]:
        """The leaf that takes a row of the partitioned target, and the row in its order. Raises CheckViolation if none does."""
        assert self._router is not None, "asked of partitioned targets only"
        return self._router.leaf_of(row, self.run)

    def insert(self, row: Sequence[Any]) -> Row:
        """Insert a row of the target; answers what it has become, as the target shows it."""
        if self._router is None:
            member = self.of(int(self.target.oid))
            return member.seen(member.writer.insert(row)[1])
        leaf, turned = self._router.leaf_of(tuple(row), self.run)
        member = self.of(int(leaf.oid))
        return member.seen(member.writer.insert(turned)[1])

    def insert_many(self, rows: Sequence[Row]) -> list[Row]:
        """Insert rows of the target; answers what they have become, as the target shows them."""
        if self._router is None or len(rows) == 1:
            return [self.insert(row) for row in rows]
        routed: dict[Oid, list[tuple[int, Row]]] = {}
        try:
            for number, row in enumerate(rows):
                leaf, turned = self._router.leaf_of(row, self.run)
                routed.setdefault(leaf.oid, []).append((number, turned))
        except errors.Error:
            # What is wrong with a row before this one comes first.
            self._insert_routed(routed)
            raise
        found = self._insert_routed(routed)
        return [found[number] for number in range(len(rows))]

    def insert_columns(self, batch: Batch) -> None:
        """Insert a batch of rows of which nothing has to be answered: by column, where a leaf allows that."""
        assert self._router is not None, "rows of other tables are not routed"
        rows = batch_rows(batch, [column.type for column in self.target.columns])
        places: dict[Oid, list[int]] = {}
        leaf_of, run = self._router.leaf_of, self.run
        try:
            for number, row in enumerate(rows):
                places.setdefault(leaf_of(row, run)[0].oid, []).append(number)
        except errors.Error:
            # What is wrong with a row before this one comes first.
            self.insert_many(rows[: sum(map(len, places.values()))])
            raise
        for oid, numbers in places.items():
            member = self.of(int(oid))
            if member.is_same and member.writer.takes_columns:
                taken = batch if len(places) == 1 else batch.take(pa.array(numbers))
                member.writer.insert_columns(taken)
            else:
                turned = [leaf_of(rows[number], run)[1] for number in numbers]
                member.writer.insert_many(turned)

    def _insert_routed(self, routed: dict[Oid, list[tuple[int, Row]]]) -> dict[int, Row]:
        found: dict[int, Row] = {}
        for oid, numbered in routed.items():
            member = self.of(int(oid))
            made = member.writer.insert_many([row for _, row in numbered])
            for (number, _), row in zip(numbered, made, strict=True):
                found[number] = member.seen(row)
        return found

    def update(
        self, member: Member, address: TupleId, locked: LockedRow, new: Sequence[Any]
    ) -> Row:
        """Give a locked row these values of the target's columns; answers what it has become, as the target shows it."""
        assert locked.values is not None, "a row that is gone is not updated"
        old = member.seen(locked.values)[:-1]
        values = member.changed(locked.values, old, new)
        if self._router is not None:
            leaf, turned = self._router.leaf_of(tuple(new), self.run)
            if leaf.oid != member.table.oid:
                member.writer.lock(address)
                member.writer.move_out(address, locked.values, tuple(values))
                other = self.of(int(leaf.oid))
                return other.seen(other.writer.insert(turned)[1])
        return member.seen(member.writer.update(address, locked.values, values))
