"""What MERGE changes: the rows of one table, or those of the members of a table that others inherit from or that is partitioned.

Input rows begin with the target's columns and the TupleId; of members the oid of the row's table follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from lungfish.executor.context import Row, Run
from lungfish.executor.member_rows import Member, MemberRows
from lungfish.executor.table_writer import TableWriter
from lungfish.storage.ids import TupleId
from lungfish.storage.lock_modes import LockMode
from lungfish.storage.table_lock import LockedRow


class MergeTarget(Protocol):
    """The rows that a MERGE changes. `width`: the target's columns; `key_width`: what else tells a row from others."""

    @property
    def run(self) -> Run: ...
    @property
    def width(self) -> int: ...
    @property
    def key_width(self) -> int: ...
    def claim(self, row: Row) -> bool:
        """Whether the statement has not changed the target's row yet."""

    def lock(self, row: Row, new: Sequence[Any] | None) -> LockedRow:
        """Lock the target's row, which is to have these values; None: to be deleted."""

    def newest(self, row: Row, values: Sequence[Any]) -> Row:
        """The target's part of an input row, with what `lock` has found there."""

    def change(self, row: Row, new: Sequence[Any] | None) -> tuple[Row, Row | None]:
        """Update or delete the target's row; answers the old and the new one as RETURNING sees them. Requires: it is locked."""

    def insert(self, values: Sequence[Any]) -> Row:
        """Insert a row; answers what it has become, as RETURNING sees it."""


class MergedTable:
    """The rows of one table."""

    def __init__(self, writer: TableWriter) -> None:
        self.run = writer.run
        self.width = len(writer.table.columns)
        self.key_width = 1
        self._writer = writer

    def claim(self, row: Row) -> bool:
        return self._writer.claim(TupleId(row[self.width]))

    def lock(self, row: Row, new: Sequence[Any] | None) -> LockedRow:
        mode = LockMode.FOR_UPDATE
        if new is not None:
            mode = self._writer.update_mode(row[: self.width], new)
        return self._writer.lock(TupleId(row[self.width]), mode)

    def newest(self, row: Row, values: Sequence[Any]) -> Row:
        return (*values, row[self.width])

    def change(self, row: Row, new: Sequence[Any] | None) -> tuple[Row, Row | None]:
        old, address = row[: self.width], TupleId(row[self.width])
        if new is None:
            self._writer.delete(address, old)
            return old, None
        return old, self._writer.update(address, old, new)

    def insert(self, values: Sequence[Any]) -> Row:
        return self._writer.insert(values)[1]


class MergedMembers:
    """The rows of several tables."""

    def __init__(self, rows: MemberRows) -> None:
        self.run = rows.run
        self.width = len(rows.target.columns)
        self.key_width = 2
        self._rows = rows

    def _place(self, row: Row) -> tuple[Member, TupleId]:
        return self._rows.of(row[self.width + 1]), TupleId(row[self.width])

    def claim(self, row: Row) -> bool:
        member, address = self._place(row)
        return member.writer.claim(address)

    def lock(self, row: Row, new: Sequence[Any] | None) -> LockedRow:
        member, address = self._place(row)
        mode = LockMode.FOR_UPDATE
        if new is not None:
            mode = member.update_mode(row[: self.width], new)
        return member.writer.lock(address, mode)

    def newest(self, row: Row, values: Sequence[Any]) -> Row:
        member, address = self._place(row)
        *seen, oid = member.seen(tuple(values))
        return (*seen, address, oid)

    def change(self, row: Row, new: Sequence[Any] | None) -> tuple[Row, Row | None]:
        member, address = self._place(row)
        locked = member.writer.lock(address, LockMode.FOR_NO_KEY_UPDATE)
        assert locked.values is not None, "a locked row stays"
        old = member.seen(locked.values)
        if new is None:
            member.writer.delete(address, locked.values)
            return old, None
        return old, self._rows.update(member, address, locked, new)

    def insert(self, values: Sequence[Any]) -> Row:
        return self._rows.insert(values)
