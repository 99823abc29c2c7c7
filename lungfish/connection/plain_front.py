"""The hot half of Connection and Cursor: to run a statement and to fetch its rows.

`Connection` and `Cursor` go on from here with what is asked for less often. Where the install could build it, a compiled form of these two
classes stands in their place (`native_front.pyx`): it has the same attributes, and what it does not do itself it leaves to the functions here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from lungfish.connection.result_rows import Converters, describe, iter_python_rows
from lungfish.connection.row_factories import RowFactory, tuple_row
from lungfish.errors import InterfaceError, ProgrammingError
from lungfish.session import Session, StatementResult

if TYPE_CHECKING:
    from lungfish.connection.connection import Connection
    from lungfish.connection.cursor import Cursor

Parameters = Sequence[Any] | Mapping[str, Any]


class PlainConnectionFront:
    """A connection, as far as each statement needs it."""

    __slots__ = ("__dict__", "__weakref__", "_converters", "_session", "row_factory")

    # The class of what `execute` answers.
    cursor_type: ClassVar[type[Cursor]]

    def __init__(self, session: Session, *, row_factory: RowFactory = tuple_row) -> None:
        self._session = session
        self.row_factory = row_factory
        self._converters = Converters()

    def execute(
        self, sql: str, params: Parameters | None = None, *, timeout: float | None = None
    ) -> Cursor:
        """Run a statement on a new cursor and answer it."""
        cursor = self.cursor_type(self, self.row_factory)  # type: ignore[arg-type]
        cursor.show(self._session.execute(sql, params, timeout_s=timeout))
        return cursor


class PlainCursorFront:
    """A cursor, as far as each statement needs it."""

    __slots__ = (
        "__weakref__",
        "_is_closed",
        "_result_index",
        "_results",
        "_rows",
        "_tuples",
        "arraysize",
        "connection",
        "row_factory",
    )

    def __init__(self, connection: Connection, row_factory: RowFactory) -> None:
        self.connection = connection
        self.row_factory = row_factory
        # How many rows `fetchmany` fetches.
        self.arraysize = 1
        self._is_closed = False
        self._results: list[StatementResult] = []
        self._result_index = 0
        # What is left of the rows as the factory makes them, and as tuples; None before the first fetch.
        self._rows: Iterator[Any] | None = None
        self._tuples: Iterator[tuple[Any, ...]] = iter(())

    def execute(
        self, sql: str, params: Parameters | None = None, *, timeout: float | None = None
    ) -> Cursor:
        """Run a statement (or several, separated by semicolons, when there are no parameters); answers the cursor itself.

        Of several the cursor then shows the last one's result; `results()` goes through all.
        """
        self._check_open()
        self._results = []
        self._rows = None
        self.show(self.connection._session.execute(sql, params, timeout_s=timeout))
        return self  # type: ignore[return-value]

    def show(self, results: list[StatementResult]) -> None:
        """Hand out these results from now on, the last one first of all."""
        self._results = results
        self._result_index = max(len(results) - 1, 0)
        self._rows = None

    def fetchone(self) -> Any:
        """The next row, or None."""
        return next(self._iterator(), None)

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """The next `size` rows (by default `arraysize`), fewer at the end."""
        rows = self._iterator()
        fetched = []
        for _ in range(self.arraysize if size is None else size):
            row = next(rows, self)
            if row is self:
                break
            fetched.append(row)
        return fetched

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        return list(self._iterator())

    def fetchval(self) -> Any:
        """The first column of the next row, or None where there is no row left. Raises ProgrammingError for a result without columns."""
        self._iterator()
        row = next(self._tuples, None)
        if row is None:
            return None
        if not row:
            raise ProgrammingError("a result without columns has no first one")
        return row[0]

    def __iter__(self) -> Iterator[Any]:
        return self._iterator()

    def __next__(self) -> Any:
        return next(self._iterator())

    def _iterator(self) -> Iterator[Any]:
        self._check_open()
        if self._rows is None:
            result = self._result()
            self._tuples = self._python_rows(result)
            if self.row_factory is tuple_row:
                self._rows = self._tuples
            else:
                self._rows = map(self.row_factory(describe(result)), self._tuples)
        return self._rows

    def _python_rows(self, result: StatementResult) -> Iterator[tuple[Any, ...]]:
        connection = self.connection
        settings = connection._session.settings.text
        if result.rows is not None and not connection._converters.needed(
            result.columns or (), settings
        ):
            return map(tuple, result.rows)
        return iter_python_rows(result, settings)

    def _result(self) -> StatementResult:
        if not self._results:
            raise ProgrammingError("no statement has been executed", hint="Call execute() first.")
        result = self._results[self._result_index]
        if result.columns is None:
            raise ProgrammingError(f"the last statement ({result.tag}) gave no rows")
        return result

    def _check_open(self) -> None:
        if self._is_closed:
            raise InterfaceError("the cursor is closed")
        self.connection._check_open()

    @property
    def rowcount(self) -> int:
        """Rows given, or changed; -1 where that means nothing."""
        return self._results[self._result_index].row_count if self._results else -1
