"""Cursors of SQL: DECLARE, FETCH, MOVE, CLOSE.

A cursor is insensitive, as in PostgreSQL: it shows what its query saw when it was declared. So its rows are made then, and
kept; an error that the query meets is kept too and raised by the first FETCH. A cursor ends with its transaction, or with a
rollback to a savepoint before it; one WITH HOLD stays until it is closed, once its transaction has committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lungfish.errors import (
    DuplicateCursor,
    Error,
    InvalidCursorName,
    NoActiveSqlTransaction,
    ObjectNotInPrerequisiteState,
)
from lungfish.planner.expressions import OutputColumn
from lungfish.session.results import StatementResult
from lungfish.session.runner import internal_rows
from lungfish.sql.ast import utility

if TYPE_CHECKING:
    from lungfish.session.session import Session


@dataclass(slots=True)
class SqlCursor:
    """An open cursor. `place` is the row that it stands on: 0 before the first, the number of rows plus 1 behind the last."""

    columns: tuple[OutputColumn, ...]
    rows: Sequence[tuple[Any, ...]]
    statement: str
    error: Error | None
    is_scroll: bool | None
    is_held: bool
    # How many savepoints were open when it was declared; None once its transaction is over.
    depth: int | None
    made_us: int
    place: int = 0

    def move(self, direction: str, count: int | None) -> Sequence[tuple[Any, ...]]:
        """Go on as FETCH says; answers the rows that are met, in that order."""
        last = len(self.rows)
        if direction in ("absolute", "relative"):
            assert count is not None
            if direction == "relative":
                target = self.place + count
            else:
                target = count if count >= 0 else last + 1 + count
            self._require_scroll(target)
            self.place = max(0, min(target, last + 1))
            return self.rows[self.place - 1 : self.place] if self.place else ()
        if count == 0:
            return self.rows[self.place - 1 : self.place] if self.place else ()
        is_backward = (direction == "backward") != (count is not None and count < 0)
        steps = last + 1 if count is None else abs(count)
        if not is_backward:
            first = self.place
            self.place = min(first + steps, last + 1)
            return self.rows[first : min(first + steps, last)]
        self._require_scroll(self.place - 1)
        below = max(self.place - 1, 0)
        self.place = max(self.place - steps, 0)
        lowest = max(self.place - 1, 0)
        return self.rows[lowest:below][::-1]

    def _require_scroll(self, target: int) -> None:
        if self.is_scroll is False and target < self.place:
            raise ObjectNotInPrerequisiteState(
                "cursor can only scan forward",
                hint="Declare it with SCROLL option to enable backward scan.",
            )


class SessionCursors:
    """The open cursors of a session, by name."""

    def __init__(self) -> None:
        self.open: dict[str, SqlCursor] = {}

    def end_transaction(self, *, is_committed: bool) -> None:
        """Close what does not outlive the transaction."""
        if not self.open:
            return
        kept: dict[str, SqlCursor] = {}
        for name, cursor in self.open.items():
            if cursor.depth is None or (is_committed and cursor.is_held):
                cursor.depth = None
                kept[name] = cursor
        self.open = kept

    def roll_back_to(self, depth: int) -> None:
        """Close those declared while more savepoints than that were open."""
        if self.open:
            self.open = {
                name: cursor
                for name, cursor in self.open.items()
                if cursor.depth is None or cursor.depth <= depth
            }

    def release(self, depth: int) -> None:
        """A savepoint is gone: what was declared behind it belongs to the level before."""
        for cursor in self.open.values():
            if cursor.depth is not None:
                cursor.depth = min(cursor.depth, depth)


def declare_cursor(session: Session, statement: utility.DeclareCursor) -> StatementResult:
    """Run DECLARE."""
    if not statement.with_hold and not session.is_in_block:
        raise NoActiveSqlTransaction("DECLARE CURSOR can only be used in transaction blocks")
    if statement.name in session.cursors.open:
        raise DuplicateCursor(f'cursor "{statement.name}" already exists')
    cached = session.locked_plan(statement.query, None, ())
    columns = cached.plan.root.columns
    rows: Sequence[tuple[Any, ...]] = ()
    failed: Error | None = None
    try:
        rows = list(internal_rows(session.run_plan(cached.plan, ())))
    except Error as error:
        if statement.with_hold:
            raise
        failed = error
    session.cursors.open[statement.name] = SqlCursor(
        columns,
        rows,
        session.last_query,
        failed,
        statement.is_scroll,
        statement.with_hold,
        session.savepoint_count,
        session.functions.statement_time_us,
    )
    return StatementResult(None, "DECLARE CURSOR")


def fetch(session: Session, statement: utility.Fetch) -> StatementResult:
    """Run FETCH or MOVE."""
    cursor = session.cursors.open.get(statement.cursor)
    if cursor is None:
        raise InvalidCursorName(f'cursor "{statement.cursor}" does not exist')
    if cursor.error is not None:
        # Only the first FETCH meets the error itself.
        error, cursor.error = (
            cursor.error,
            ObjectNotInPrerequisiteState(f'portal "{statement.cursor}" cannot be run'),
        )
        raise error
    rows = cursor.move(statement.direction, statement.count)
    if statement.is_move:
        return StatementResult(None, f"MOVE {len(rows)}", len(rows))
    return StatementResult(cursor.columns, f"FETCH {len(rows)}", len(rows), rows=rows)


def close_cursor(session: Session, statement: utility.CloseCursor) -> StatementResult:
    """Run CLOSE."""
    cursors = session.cursors.open
    if statement.name is None:
        cursors.clear()
        return StatementResult(None, "CLOSE CURSOR ALL")
    if cursors.pop(statement.name, None) is None:
        raise InvalidCursorName(f'cursor "{statement.name}" does not exist')
    return StatementResult(None, "CLOSE CURSOR")
