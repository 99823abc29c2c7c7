"""Cursor: PEP 249's, as psycopg users know it. It holds the results of its last `execute` and hands out their rows.

A result is complete when `execute` returns, so a cursor keeps working while its connection goes on writing, and after a commit.

After a text of several statements the cursor stands at the result of the last one, as libpq's `PQexec`, psycopg2 and duckdb have it: what
`INSERT ...; SELECT ...` is run for is the SELECT. The others are there too: `results()` goes through all of them in order, `set_result(0)`
moves to the first one and `nextset()` on from there, as in psycopg 3 (whose cursors stand at the first result after `execute`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lungfish.connection.front import CursorFront
from lungfish.connection.plain_front import Parameters
from lungfish.connection.result_rows import describe, iter_text_rows
from lungfish.connection.row_factories import Description


class Cursor(CursorFront):
    """Runs statements and fetches their rows. Made by `Connection.cursor()`; usable as a context manager and an iterator."""

    __slots__ = ()

    # Running.

    def executemany(self, sql: str, params_seq: Iterable[Parameters]) -> Cursor:
        """Run a statement once for each set of parameters. `rowcount` is their sum; rows of RETURNING are not kept."""
        self._check_open()
        self._results = []
        self._rows = None
        self.show([self.connection._session.execute_many(sql, params_seq)])
        return self

    def nextset(self) -> bool | None:
        """Go on to the next statement's result. True if there is one, None otherwise: so always at the last, where `execute` ends."""
        self._check_open()
        if self._result_index + 1 >= len(self._results):
            return None
        self.set_result(self._result_index + 1)
        return True

    def set_result(self, index: int) -> Cursor:
        """Move to a statement's result: 0 is the first one's, -1 the last one's. Its rows are fetched from the first on.

        Raises IndexError if there are not as many.
        """
        self._check_open()
        count = len(self._results)
        if not -count <= index < count:
            raise IndexError(f"there is no result {index}: the cursor has {count}")
        # Its rows are handed out anew.
        self.show(self._results)
        self._result_index = index % count
        return self

    def results(self) -> Iterator[Cursor]:
        """Go through the results of all statements, the first one's first: the cursor itself, standing at each."""
        self._check_open()
        for index in range(len(self._results)):
            yield self.set_result(index)

    # Fetching.

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

    # Facts.

    @property
    def description(self) -> Description | None:
        """The columns of the result, or None where the statement gives no rows. What is there is true, though without columns."""
        if not self._results or self._results[self._result_index].columns is None:
            return None
        return describe(self._results[self._result_index])

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
