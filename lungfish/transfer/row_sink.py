"""Rows of text into a table, batch by batch, with each bad value told apart.

A batch goes in by COPY. If that fails, its values are read one by one, and what remains of the rows is halved until each row that
the table refuses (a duplicate key, a failed check) stands alone: good rows go in, bad ones into the report.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from lungfish.catalog.names import qualified
from lungfish.catalog.objects import Column, Table
from lungfish.connection.connection import Connection
from lungfish.errors import DataError, Error, FeatureNotSupported, IntegrityError
from lungfish.session.copy_lines import format_lines
from lungfish.session.copy_options import CopyOptions
from lungfish.session.copying import field_parser
from lungfish.sql.quoting import quote_identifier
from lungfish.transfer.report import BadValue, LoadReport

_BATCH_ROW_COUNT = 5_000

# Which row it is, and its fields as text, None for NULL.
SourceRow = tuple[str, Sequence[str | None]]


class RowSink:
    """Loads rows into some columns of one table."""

    def __init__(
        self, connection: Connection, table: Table, columns: Sequence[Column], report: LoadReport
    ) -> None:
        self._connection = connection
        self._session = connection._session
        self._name = qualified(self._session.catalog, table)
        self._columns = columns
        self._parsers = [field_parser(column.type, self._session) for column in columns]
        self._report = report
        names = ", ".join(quote_identifier(column.name) for column in columns)
        self._copy = f"COPY {self._name} ({names}) FROM STDIN"

    def load(self, rows: Iterable[SourceRow]) -> int:
        """Load what can be loaded; answers how many rows that was."""
        iterator = iter(rows)
        count = 0
        while batch := list(islice(iterator, _BATCH_ROW_COUNT)):
            count += self._load_batch(batch)
        self._report.rows[self._name] += count
        return count

    def refuse(self, row: str, column: str, value: str | None, reason: str) -> None:
        """Note a bad value."""
        self._report.bad.append(BadValue(self._name, row, column, value, reason))

    def _load_batch(self, batch: Sequence[SourceRow]) -> int:
        if self._copies(batch) is None:
            return len(batch)
        return self._load_halves([row for row in batch if self.examine(*row)])

    def _load_halves(self, batch: Sequence[SourceRow]) -> int:
        """Rows whose values are good, one by one if need be."""
        if not batch:
            return 0
        error = self._copies(batch)
        if error is None:
            return len(batch)
        if len(batch) == 1:
            self.refuse(batch[0][0], "", None, _reason(error))
            return 0
        middle = len(batch) // 2
        return self._load_halves(batch[:middle]) + self._load_halves(batch[middle:])

    def _copies(self, batch: Sequence[SourceRow]) -> Error | None:
        """Copy the rows, all of them or none; answers what kept them out."""
        try:
            with self._connection.transaction(), self._connection.copy(self._copy) as copy:
                copy.write("".join(format_lines([row for _, row in batch], CopyOptions(), ())))
        except (DataError, IntegrityError, FeatureNotSupported) as error:
            return error
        return None

    def examine(self, label: str, fields: Sequence[str | None]) -> bool:
        """Read each value as its column's type, and note those that are none; whether all are good."""
        is_good = True
        if len(fields) != len(self._columns):
            self.refuse(label, "", None, f"{len(fields)} fields for {len(self._columns)} columns")
            return False
        for column, parse, field in zip(self._columns, self._parsers, fields, strict=True):
            if field is None:
                continue
            try:
                parse(field)
            except Error as error:
                self.refuse(label, column.name, field, error.message)
                is_good = False
        return is_good


def _reason(error: Error) -> str:
    detail = error.detail
    return (
        error.message if not detail or detail.startswith("COPY ") else f"{error.message}. {detail}"
    )
