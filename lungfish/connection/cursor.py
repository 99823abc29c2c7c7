"""Cursor: PEP 249's, as psycopg users know it. It holds the results of its last `execute` and hands out their rows.

A result is complete when `execute` returns, so a cursor keeps working while its connection goes on writing, and after a commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lungfish.connection.row_factories import ColumnDescription, RowFactory, tuple_row
from lungfish.errors import InterfaceError, ProgrammingError
from lungfish.planner.expressions import OutputColumn
from lungfish.session import StatementResult
from lungfish.types.python_values import column_to_python, writer_of
from lungfish.types.settings import TextSettings
from lungfish.types.sql_type import SqlType, TypeKind
from lungfish.types.text_format import format_column
from lungfish.types.vectors import to_values

if TYPE_CHECKING:
    from lungfish.connection.connection import Connection

Parameters = Sequence[Any] | Mapping[str, Any]


class Cursor:
    """Runs statements and fetches their rows. Made by `Connection.cursor()`; usable as a context manager and an iterator."""

    arraysize = 1

    def __init__(self, connection: Connection, row_factory: RowFactory) -> None:
        self.connection = connection
        self.row_factory = row_factory
        self._is_closed = False
        self._results: list[StatementResult] = []
        self._result_index = 0
        self._rows: Iterator[Any] | None = None

    # Running.

    def execute(
        self, sql: str, params: Parameters | None = None, *, timeout: float | None = None
    ) -> Cursor:
        """Run a statement (or several, separated by semicolons, when there are no parameters); answers the cursor itself."""
        self._check_open()
        self._results = []
        self._rows = None
        self.show(self.connection._session.execute(sql, params, timeout_s=timeout))
        return self

    def executemany(self, sql: str, params_seq: Iterable[Parameters]) -> Cursor:
        """Run a statement once for each set of parameters. `rowcount` is their sum; rows of RETURNING are not kept."""
        self._check_open()
        self._results = []
        self._rows = None
        self.show([self.connection._session.execute_many(sql, params_seq)])
        return self

    def nextset(self) -> bool | None:
        """Go on to the next statement's result. True if there is one, None otherwise."""
        self._check_open()
        if self._result_index + 1 >= len(self._results):
            return None
        self._result_index += 1
        self._rows = None
        return True

    def show(self, results: list[StatementResult]) -> None:
        """Hand out these results from now on."""
        self._results = results
        self._result_index = 0
        self._rows = None

    # Fetching.

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
        """The first column of the next row, or None."""
        self._iterator()
        row = next(self._tuples, None)
        return None if row is None else row[0]

    def fetch_text(self) -> list[tuple[str | None, ...]]:
        """All rows of the result, each value as PostgreSQL's text output under the session's settings: what a shell shows."""
        return list(self.iter_text())

    def iter_text(self) -> Iterator[tuple[str | None, ...]]:
        """The same, made as they are asked for; each call begins with the first row."""
        self._check_open()
        return iter_text_rows(self._result(), self.connection._session.settings.text)

    def stream(self, sql: str, params: Parameters | None = None) -> Iterator[Any]:
        """Run a statement and iterate over its rows."""
        return iter(self.execute(sql, params))

    def arrow(self) -> Any:
        """The rest of the result as a pyarrow Table."""
        self._check_open()
        return self._result().to_arrow()

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
        session = self.connection._session
        if result.rows is not None and not self.connection._converters.needed(
            result.columns or (), session.settings.text
        ):
            return map(tuple, result.rows)
        return iter_python_rows(result, session.settings.text)

    def _result(self) -> StatementResult:
        if not self._results:
            raise ProgrammingError("no statement has been executed", hint="Call execute() first.")
        result = self._results[self._result_index]
        if result.columns is None:
            raise ProgrammingError(f"the last statement ({result.tag}) gave no rows")
        return result

    # Facts.

    @property
    def description(self) -> list[ColumnDescription] | None:
        """The columns of the result, or None where the statement gives no rows."""
        if not self._results or self._results[self._result_index].columns is None:
            return None
        return describe(self._results[self._result_index])

    @property
    def rowcount(self) -> int:
        """Rows given, or changed; -1 where that means nothing."""
        return self._results[self._result_index].row_count if self._results else -1

    @property
    def statusmessage(self) -> str | None:
        """PostgreSQL's command tag, such as `INSERT 0 3`."""
        return self._results[self._result_index].tag if self._results else None

    @property
    def closed(self) -> bool:
        """Whether the cursor, or its connection, is closed."""
        return self._is_closed or self.connection.closed

    def setinputsizes(self, sizes: Sequence[Any]) -> None:
        """PEP 249 asks for it; there is nothing to do."""

    def setoutputsize(self, size: int, column: int | None = None) -> None:
        """PEP 249 asks for it; there is nothing to do."""

    def close(self) -> None:
        """Let go of the results. A closed cursor raises InterfaceError when used."""
        self._is_closed = True
        self._results = []
        self._rows = None

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise InterfaceError("the cursor is closed")
        self.connection._check_open()


class Converters:
    """Whether a result's values are Python's own already, remembered by its columns, which all runs of a plan share."""

    def __init__(self) -> None:
        # By the identity of the columns, which the entry keeps alive.
        self._known: dict[int, tuple[Sequence[OutputColumn], TextSettings, bool]] = {}

    def needed(self, columns: Sequence[OutputColumn], settings: TextSettings) -> bool:
        """Whether any column is converted under these settings. Hot: every fetch of a short result."""
        known = self._known.get(id(columns))
        if known is not None and known[1] is settings:
            return known[2]
        if len(self._known) >= _CONVERTERS_MAX:
            self._known.clear()
        zone = settings.time_zone.name
        is_needed = any(writer_of(column.type, zone) for column in columns)
        self._known[id(columns)] = (columns, settings, is_needed)
        return is_needed


_CONVERTERS_MAX = 256

# Rows whose texts are made together, so that the first ones of a long result are there at once.
_TEXT_PIECE_ROWS = 4_096


def describe(result: StatementResult) -> list[ColumnDescription]:
    """PEP 249's description of a result's columns."""
    return [_describe_column(column.name, column.type) for column in result.columns or ()]


def _describe_column(name: str, sql_type: SqlType) -> ColumnDescription:
    precision = scale = size = None
    if sql_type.modifiers:
        if sql_type.kind is TypeKind.NUMERIC:
            precision, scale = sql_type.modifiers
        elif sql_type.kind in (TypeKind.VARCHAR, TypeKind.CHAR):
            size = sql_type.modifiers[0]
    # As in PostgreSQL, a client is told a domain's base type.
    return ColumnDescription(
        name, str(sql_type.base.unmodified), size, None, precision, scale, None
    )


def iter_python_rows(result: StatementResult, settings: TextSettings) -> Iterator[tuple[Any, ...]]:
    """The rows as tuples of Python's own values."""
    zone, style = settings.time_zone.name, settings.interval_style
    types = [column.type for column in result.columns or ()]
    if result.rows is not None:
        writers = [writer_of(kind, zone, style) for kind in types]
        if not any(writers):
            yield from map(tuple, result.rows)
            return
        for row in result.rows:
            yield tuple(
                [
                    value if value is None or writer is None else writer(value)
                    for value, writer in zip(row, writers, strict=True)
                ]
            )
        return
    for batch in result.batches:
        if not types:
            yield from [()] * batch.row_count
            continue
        columns = [
            column_to_python(vector, kind, zone, style)
            for vector, kind in zip(batch.columns, types, strict=True)
        ]
        yield from zip(*columns, strict=True)


def iter_text_rows(
    result: StatementResult, settings: TextSettings
) -> Iterator[tuple[str | None, ...]]:
    """The rows as PostgreSQL's text output, None for NULL."""
    types = [column.type for column in result.columns or ()]

    if result.rows is not None:
        if not types:
            yield from [()] * len(result.rows)
            return
        for start in range(0, len(result.rows), _TEXT_PIECE_ROWS):
            piece = zip(*result.rows[start : start + _TEXT_PIECE_ROWS], strict=True)
            columns = [
                format_column(values, kind, settings)
                for values, kind in zip(piece, types, strict=True)
            ]
            yield from zip(*columns, strict=True)
        return
    for batch in result.batches:
        if not types:
            yield from [()] * batch.row_count
            continue
        columns = [
            format_column(to_values(vector, kind), kind, settings)
            for vector, kind in zip(batch.columns, types, strict=True)
        ]
        yield from zip(*columns, strict=True)
