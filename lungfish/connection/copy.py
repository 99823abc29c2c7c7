"""COPY through the API, as psycopg has it.

    with connection.copy("COPY t FROM STDIN") as copy:
        copy.write("1\\tone\\n")            # text or bytes, cut anywhere
        copy.write_row((2, "two"))
    with connection.copy("COPY t TO STDOUT (FORMAT csv)") as copy:
        for line in copy: ...              # bytes, a line each

Data that is written takes effect when the block ends; an exception inside it leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

from lungfish.errors import ProgrammingError
from lungfish.session import Session, StatementResult
from lungfish.session.copy_lines import encode_line, format_lines, read_lines
from lungfish.session.copy_options import read_options
from lungfish.session.string_reading import read_strings
from lungfish.sql import parse_one
from lungfish.sql.ast import dml
from lungfish.types.python_values import from_python
from lungfish.types.text_format import format_value


class Copy:
    """One COPY statement. Made by `Connection.copy()`."""

    def __init__(self, session: Session, sql: str) -> None:
        """Parse the statement. Raises ProgrammingError unless it is a COPY from STDIN or to STDOUT."""
        statement = parse_one(read_strings(session, sql)[1]).statement
        if not isinstance(statement, dml.Copy) or statement.path is not None:
            raise ProgrammingError("copy() takes COPY ... FROM STDIN or COPY ... TO STDOUT")
        self._session = session
        self._sql = sql
        self._statement = statement
        self._pieces: list[str | bytes] = []
        self._lines: Iterator[bytes] | None = None
        self._result: StatementResult | None = None

    def __enter__(self) -> Self:
        if not self._statement.is_from:
            (self._result,) = self._session.execute(self._sql)
            rows = self._result.rows or ()
            options = read_options(self._statement)
            self._lines = (encode_line(line + "\n", options) for (line,) in rows)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._statement.is_from:
            self._result = self._session.copy_in(self._sql, self._pieces)
        self._pieces = []

    @property
    def rowcount(self) -> int:
        """Rows copied; -1 before that is known."""
        return -1 if self._result is None else self._result.row_count

    # FROM STDIN.

    def write(self, data: str | bytes | bytearray | memoryview) -> None:
        """Add text or bytes to the data."""
        self._require_direction(is_from=True)
        self._pieces.append(data if isinstance(data, str) else bytes(data))

    def write_row(self, row: Sequence[Any]) -> None:
        """Add a row of Python values."""
        self._require_direction(is_from=True)
        options = read_options(self._statement)
        settings = self._session.settings.text
        fields = []
        for item in row:
            value, kind = from_python(item, settings)
            fields.append(
                None if value is None or kind is None else format_value(value, kind, settings)
            )
        self._pieces.extend(format_lines([fields], options, ()))

    # TO STDOUT.

    def read(self) -> bytes:
        """The next line of the data; empty at the end."""
        return next(self._reader(), b"")

    def __iter__(self) -> Iterator[bytes]:
        return self._reader()

    def rows(self) -> Iterator[tuple[str | None, ...]]:
        """The rows, each field as text."""
        options = read_options(self._statement)
        text = "".join([line.decode(options.encoding) for line in self._reader()])
        for fields in read_lines(text, options, ()):
            yield tuple([field if isinstance(field, str) else None for field in fields])

    def _reader(self) -> Iterator[bytes]:
        self._require_direction(is_from=False)
        if self._lines is None:
            raise ProgrammingError("a copy is used inside its with block")
        return self._lines

    def _require_direction(self, *, is_from: bool) -> None:
        if self._statement.is_from is not is_from:
            raise ProgrammingError(
                "COPY FROM STDIN is written to, COPY TO STDOUT is read from", hint=self._sql
            )
