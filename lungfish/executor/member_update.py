"""UPDATE and DELETE of rows that lie in several tables: see member_rows.py for the tables, update.py for what a lock tells."""

from __future__ import annotations

from typing import Any

from lungfish.catalog.objects import Oid
from lungfish.executor.compiler import Compiler
from lungfish.executor.context import Row, Run
from lungfish.executor.member_rows import Member, MemberRows
from lungfish.executor.table_rules import TableRules
from lungfish.executor.update import RowChanger, RowDeleter, Target, compile_assignments
from lungfish.planner.physical import DeleteRows, UpdateRows
from lungfish.storage.lock_modes import LockMode
from lungfish.storage.table_lock import LockedRow, LockStatus


class MemberTarget(Target):
    """What UPDATE and DELETE have in common; behind the TupleId stands the oid of the member."""

    def __init__(self, plan: UpdateRows | DeleteRows, compiler: Compiler) -> None:
        super().__init__(plan, compiler)
        self._plan = plan

    def rows(self, run: Run) -> MemberRows:
        """What writes the rows of one statement."""
        return MemberRows(self._plan.table, self._plan.members, run)

    def deleter(self, run: Run) -> RowDeleter:
        """What deletes the rows that input rows stand for, in one statement."""
        rows = self.rows(run)
        return lambda row: self._delete(row, rows)

    def member(self, row: Row, rows: MemberRows) -> Member:
        """The member that an input row is of."""
        return rows.of(row[self.width + 1])

    def others(self, row: Row) -> Row:
        """What FROM or USING adds."""
        return row[self.width + 2 :]

    def _delete(self, row: Row, writer: MemberRows) -> Row | None:
        """Delete the row that an input row stands for; answers its output, None if it is not to be deleted."""
        run = writer.run
        run.check_cancel()
        member, address = self.member(row, writer), self.address(row)
        if not member.writer.claim(address):
            return None
        locked = member.writer.lock(address)
        if locked.values is None:
            return None
        seen = member.seen(locked.values)
        if locked.status is not LockStatus.SAME:
            if self.looked_at_again(row, seen[:-1], run) is None:
                return None
        member.writer.delete(address, locked.values)
        return self.returning.row(seen, None, self.others(row), run)


class MemberUpdater:
    """A compiled UPDATE of rows of several tables."""

    def __init__(self, plan: UpdateRows, compiler: Compiler) -> None:
        self.target = MemberTarget(plan, compiler)
        self.assignments = compile_assignments(plan.assignments, compiler)
        # Of each member's rules, which change with the catalog: what the assignments may change.
        self._changed: dict[Oid, tuple[TableRules, frozenset[int]]] = {}

    def changer(self, run: Run) -> RowChanger:
        """What changes the rows that input rows stand for, in one statement."""
        rows = self.target.rows(run)
        return lambda row, computed: self._change(row, computed, rows)

    def _change(self, row: Row, computed: tuple[Any, ...] | None, writer: MemberRows) -> Row | None:
        run, target, assignments = writer.run, self.target, self.assignments
        run.check_cancel()
        member, address = target.member(row, writer), target.address(row)
        values = assignments.of_row(row, run) if computed is None else computed
        if not member.writer.claim(address):
            return None
        old = target.old_row(row)
        new = assignments.applied(old, values)
        if member.is_same and not writer.may_move(old, new):
            done = member.writer.update_directly(
                address, old, new, self._changed_by(member.writer.rules)
            )
            if done is not None:
                return target.returning.row(
                    member.seen(old), member.seen(done), target.others(row), run
                )
        mode = member.update_mode(old, new)
        locked = member.writer.lock(address, mode)
        if locked.values is None:
            return None
        if locked.status is not LockStatus.SAME:
            again = self._again(row, locked, member, writer)
            if again is None:
                return None
            old, new = again
            if mode is not LockMode.FOR_UPDATE and member.update_mode(old, new) is not mode:
                member.writer.lock(address)
        completed = writer.update(member, address, locked, new)
        return target.returning.row(member.seen(locked.values), completed, target.others(row), run)

    def _changed_by(self, rules: TableRules) -> frozenset[int]:
        """The stored positions that the assignments may change, of a member whose columns are the target's."""
        found = self._changed.get(rules.table.oid)
        if found is None or found[0] is not rules:
            found = rules, rules.changed_by(self.assignments.positions)
            self._changed[rules.table.oid] = found
        return found[1]

    def _again(
        self, row: Row, locked: LockedRow, member: Member, writer: MemberRows
    ) -> tuple[Row, list[Any]] | None:
        """The newest row and what it is to become, where someone changed it while we waited; None if WHERE no longer holds."""
        assert locked.values is not None, "a row that is gone is not looked at again"
        newest = member.seen(locked.values)[:-1]
        current = self.target.looked_at_again(row, newest, writer.run)
        if current is None:
            return None
        return newest, self.assignments.applied(
            newest, self.assignments.of_row(current, writer.run)
        )
