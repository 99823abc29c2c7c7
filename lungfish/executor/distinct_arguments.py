"""DISTINCT inside an aggregate call: which rows bring their group something that it has not had.

What a group has had is known by codes. Once they take the statement's memory, rows that bring something new are put away, parted by their hash, and told
apart part by part at the end (`rest`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from lungfish.executor.context import Run
from lungfish.executor.integer_codes import UNKNOWN, Codes, first_places
from lungfish.executor.key_codes import RowCodes
from lungfish.executor.partition import Overflow
from lungfish.types.batch import Batch
from lungfish.types.sql_type import BIGINT, SqlType


class DistinctArguments:
    """The (group, values) pairs that one aggregate call has met."""

    def __init__(self, types: Sequence[SqlType], *, level: int = 0) -> None:
        """`types`: of the values that are compared. `level`: see `Overflow`."""
        self._types = (BIGINT, *types)
        self._level = level
        self._codes = RowCodes(self._types)
        self._overflow: Overflow | None = None

    @property
    def size_bytes(self) -> int:
        """About how much memory the codes take."""
        return self._codes.size_bytes

    def new_rows(self, rows: Batch, run: Run) -> Batch:
        """The rows that their group has not had yet, less those that are put away.

        The first columns are the group's number and what is compared; the others are carried along.
        """
        keys = rows.columns[: len(self._types)]
        codes = self._codes
        if self._overflow is not None:
            unknown = codes.lookup(keys, rows.row_count) == UNKNOWN
            if unknown.any():
                rest = rows.filter(pa.array(unknown))
                self._overflow.add(rest, rest.columns[: len(keys)])
            return rows.slice(0, 0)
        before = codes.count
        found: Codes = codes.encode(keys, rows.row_count)
        added = codes.count - before
        context = run.context
        if codes.size_bytes > context.memory.limit_bytes and context.spill is not None:
            self._overflow = Overflow(self._types, self._level, run)
        if added == rows.row_count:
            return rows
        return rows.take(pa.array(np.sort(first_places(found, before, added))))

    def rest(self, run: Run) -> Iterator[Batch]:
        """At the end: new rows of those that were put away."""
        overflow = self._overflow
        if overflow is None:
            return
        self._codes = RowCodes(self._types)
        try:
            for part in overflow.parts():
                inner = DistinctArguments(self._types[1:], level=self._level + 1)
                for batch in part:
                    run.check_cancel()
                    found = inner.new_rows(batch, run)
                    if found.row_count:
                        yield found
                yield from inner.rest(run)
        finally:
            overflow.close()
