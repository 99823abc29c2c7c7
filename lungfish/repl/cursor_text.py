"""A cursor's result as the formats take it: its rows become text as they are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from lungfish import Cursor
from lungfish.repl.formats import ResultText


class CursorRows:
    """The first `count` rows of a cursor's result."""

    def __init__(self, cursor: Cursor, count: int) -> None:
        self._cursor = cursor
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[tuple[str | None, ...]]:
        return islice(self._cursor.iter_text(), self._count)


def result_of(cursor: Cursor, rows_max: int = 0) -> ResultText:
    """The cursor's result as text, of at most `rows_max` rows (0: all)."""
    description = cursor.description or ()
    total = cursor.rowcount
    count = min(total, rows_max) if rows_max else total
    return ResultText(
        columns=tuple([column.name for column in description]),
        types=tuple([str(column.type_code) for column in description]),
        rows=CursorRows(cursor, count),
        omitted_count=total - count,
    )
