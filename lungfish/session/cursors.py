"""Cursors of SQL: DECLARE, FETCH, MOVE, CLOSE, and the row that WHERE CURRENT OF means.

A cursor is insensitive, as in PostgreSQL: it shows what its query saw when it was declared. So its rows are made then, and
kept; an error that the query meets is kept too and raised by the first FETCH. A cursor ends with its transaction, or with a
rollback to a savepoint before it; one WITH HOLD stays until it is closed, once its transaction has committed.

Behind the columns that FETCH shows, a row may have the TupleIds of the stored rows that it is made of. Until the cursor's transaction
ends its snapshot is held, so that none of these addresses comes to mean another row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lungfish.catalog.objects import Table
from lungfish.database.plan_cache import CachedPlan
from lungfish.errors import (
    DuplicateCursor,
    Error,
    FeatureNotSupported,
    InvalidCursorDefinition,
    InvalidCursorName,
    InvalidCursorState,
    NoActiveSqlTransaction,
    ObjectNotInPrerequisiteState,
)
from lungfish.executor import execute_batches
from lungfish.planner.expressions import OutputColumn
from lungfish.planner.plan_cursor import CursorPlan, CursorSource, plan_cursor
from lungfish.session.results import StatementResult
from lungfish.session.runner import batches_rows
from lungfish.session.table_locks import locks_of_plan
from lungfish.sql.ast import queries, utility

if TYPE_CHECKING:
    from lungfish.session.session import Session


@dataclass(slots=True)
class SqlCursor:
    """An open cursor. `place` is the row that it stands on: 0 before the first, the number of rows plus 1 behind the last."""

    columns: tuple[OutputColumn, ...]
    rows: Sequence[tuple[Any, ...]]
    statement: str
    # What the row behind the last one raises, for the FETCH that first asks for it.
    error: Error | None
    is_scroll: bool | None
    is_held: bool
    # How many savepoints were open when it was declared; None once its transaction is over.
    depth: int | None
    made_us: int
    # Behind the columns of each row: of which stored rows it is made.
    sources: tuple[CursorSource, ...] = ()
    is_locking: bool = False
    is_binary: bool = False
    # Oids of the tables that its query reads.
    tables: frozenset[int] = frozenset()
    # Lets go of the cursor's snapshot.
    release: Callable[[], None] | None = None
    place: int = 0
    is_failed: bool = False

    def shown(self, rows: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
        """The rows without what stands behind their columns."""
        if not self.sources:
            return rows
        count = len(self.columns)
        return [row[:count] for row in rows]

    def close(self) -> None:
        """Nobody asks any more for the row that it stands on."""
        release, self.release = self.release, None
        if release is not None:
            release()

    @property
    def is_on_row(self) -> bool:
        """Whether it stands on a row."""
        return 0 < self.place <= len(self.rows)

    def leaves_rows(self, direction: str, count: int | None) -> bool:
        """Whether FETCH would go behind the last row."""
        if count is None:
            return direction != "backward"
        if direction == "absolute":
            return not 0 <= count <= len(self.rows)
        return self.place + (-count if direction == "backward" else count) > len(self.rows)

    def move(
        self, direction: str, count: int | None, *, is_move: bool
    ) -> Sequence[tuple[Any, ...]]:
        """Go on as FETCH says; answers the rows that are met, in that order."""
        if direction == "absolute":
            assert count is not None
            return self._go_to(count if count >= 0 else len(self.rows) + 1 + count, count)
        if direction == "relative" and count != 0:
            assert count is not None
            return self._go_to(self.place + count, count)
        if count == 0:
            if self.is_on_row and not is_move:
                # It is read once more.
                self._require_scroll()
            return self.rows[self.place - 1 : self.place] if self.place else ()
        is_backward = (direction == "backward") != (count is not None and count < 0)
        last = len(self.rows)
        steps = last + 1 if count is None else abs(count)
        if not is_backward:
            first = self.place
            self.place = min(first + steps, last + 1)
            return self.rows[first : min(first + steps, last)]
        self._require_scroll()
        below = max(self.place - 1, 0)
        self.place = max(self.place - steps, 0)
        lowest = max(self.place - 1, 0)
        return self.rows[lowest:below][::-1]

    def _go_to(self, target: int, count: int) -> Sequence[tuple[Any, ...]]:
        last = len(self.rows)
        if count < 0 or target < self.place or (target == self.place and self.place):
            self._require_scroll()
        self.place = max(0, min(target, last + 1))
        return self.rows[self.place - 1 : self.place] if self.place else ()

    def _require_scroll(self) -> None:
        if self.is_scroll is False:
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
            cursor.close()
        self.open = kept

    def roll_back_to(self, depth: int) -> None:
        """Close those declared while more savepoints than that were open."""
        for name, cursor in list(self.open.items()):
            if cursor.depth is not None and cursor.depth > depth:
                self.close(name)

    def close(self, name: str) -> bool:
        """Close a cursor; False if there is none of that name."""
        cursor = self.open.pop(name, None)
        if cursor is not None:
            cursor.close()
        return cursor is not None

    def close_all(self) -> None:
        """Close them all."""
        for name in list(self.open):
            self.close(name)

    def reads(self, table_oid: int) -> bool:
        """Whether a cursor of this transaction reads the table."""
        return any(
            cursor.depth is not None and table_oid in cursor.tables for cursor in self.open.values()
        )

    def current_row(self, name: str, table: Table) -> int | None:
        """The TupleId of the row of the table on which the cursor stands; None if its row is one of another member of a family.

        Raises InvalidCursorName, InvalidCursorState.
        """
        cursor = self.open.get(name)
        if cursor is None:
            raise InvalidCursorName(f'cursor "{name}" does not exist')
        if cursor.depth is None:
            raise InvalidCursorState(f'cursor "{name}" is held from a previous transaction')
        found = [source for source in cursor.sources if table.oid in source.members]
        if len(found) != 1:
            what = "is not a simply updatable scan of"
            if cursor.is_locking:
                what = (
                    "has multiple FOR UPDATE/SHARE references to"
                    if found
                    else "does not have a FOR UPDATE/SHARE reference to"
                )
            raise InvalidCursorState(f'cursor "{name}" {what} table "{table.name}"')
        if not cursor.is_on_row:
            raise InvalidCursorState(f'cursor "{name}" is not positioned on a row')
        row, source = cursor.rows[cursor.place - 1], found[0]
        if source.table_oid_position is not None and row[source.table_oid_position] != table.oid:
            return None
        address: int | None = row[source.tuple_id_position]
        return address

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
    _check_definition(statement)
    plan = _locked_plan(session, statement.query)
    columns = plan.statement.root.columns[: plan.column_count]
    rows: list[tuple[Any, ...]] = []
    failed: Error | None = None
    if not plan.statement.is_read_only:
        session.require_writable(statement.query)
    try:
        batches = execute_batches(plan.statement, session.execution_context())
        types = [column.type for column in plan.statement.root.columns]
        for row in batches_rows(batches, types):
            rows.append(row)  # noqa: PERF402 - these stay where a later one raises.
    except Error as error:
        if statement.with_hold:
            raise
        failed = error
    is_scroll = statement.is_scroll
    if is_scroll is None:
        is_scroll = plan.is_reversible
    session.cursors.open[statement.name] = SqlCursor(
        columns,
        rows,
        session.last_query,
        failed,
        is_scroll,
        statement.with_hold,
        session.savepoint_count,
        session.functions.statement_time_us,
        plan.sources,
        plan.is_locking,
        statement.is_binary,
        frozenset(oid for oid, _ in locks_of_plan(plan.statement)),
        _hold_snapshot(session),
    )
    return StatementResult(None, "DECLARE CURSOR")


def _check_definition(statement: utility.DeclareCursor) -> None:
    """Raise FeatureNotSupported, InvalidCursorDefinition for what a query with FOR UPDATE cannot be."""
    query = statement.query
    if query.with_clause is not None and any(
        not isinstance(each.query, queries.Query) for each in query.with_clause.expressions
    ):
        raise FeatureNotSupported(
            "DECLARE CURSOR must not contain data-modifying statements in WITH"
        )
    if not query.locking:
        return
    lock = f"FOR {query.locking[0].strength.upper()}"
    if statement.with_hold:
        raise FeatureNotSupported(
            f"DECLARE CURSOR WITH HOLD ... {lock} is not supported",
            detail="Holdable cursors must be READ ONLY.",
        )
    if statement.is_scroll:
        raise FeatureNotSupported(
            f"DECLARE SCROLL CURSOR ... {lock} is not supported",
            detail="Scrollable cursors must be READ ONLY.",
        )
    if statement.is_insensitive:
        raise InvalidCursorDefinition(
            f"DECLARE INSENSITIVE CURSOR ... {lock} is not valid",
            detail="Insensitive cursors must be READ ONLY.",
        )


def _locked_plan(session: Session, query: queries.Query) -> CursorPlan:
    """The query's plan with its tables locked: planned again if the catalog changed while we waited."""
    while True:
        catalog = session.catalog
        path, statistics = session.settings.search_path, session.database.statistics
        plan = plan_cursor(query, catalog, path, statistics)
        session.lock_plan(CachedPlan(plan.statement, locks_of_plan(plan.statement)))
        if session.catalog is catalog:
            return plan


def _hold_snapshot(session: Session) -> Callable[[], None] | None:
    """Keep what the transaction sees now until the answer is called."""
    transaction = session.transaction
    snapshot = None if transaction is None else transaction.snapshot
    if snapshot is None:
        return None
    transactions, held = session.database.transactions, snapshot
    transactions.hold(held)
    return lambda: transactions.release(held)


def fetch(session: Session, statement: utility.Fetch) -> StatementResult:
    """Run FETCH or MOVE."""
    cursor = session.cursors.open.get(statement.cursor)
    if cursor is None:
        raise InvalidCursorName(f'cursor "{statement.cursor}" does not exist')
    if cursor.is_failed:
        raise ObjectNotInPrerequisiteState(f'portal "{statement.cursor}" cannot be run')
    if cursor.error is not None and cursor.leaves_rows(statement.direction, statement.count):
        cursor.is_failed = True
        raise cursor.error
    rows = cursor.move(statement.direction, statement.count, is_move=statement.is_move)
    if statement.is_move:
        return StatementResult(None, f"MOVE {len(rows)}", len(rows))
    return StatementResult(cursor.columns, f"FETCH {len(rows)}", len(rows), rows=cursor.shown(rows))


def close_cursor(session: Session, statement: utility.CloseCursor) -> StatementResult:
    """Run CLOSE."""
    if statement.name is None:
        session.cursors.close_all()
        return StatementResult(None, "CLOSE CURSOR ALL")
    if not session.cursors.close(statement.name):
        raise InvalidCursorName(f'cursor "{statement.name}" does not exist')
    return StatementResult(None, "CLOSE CURSOR")
