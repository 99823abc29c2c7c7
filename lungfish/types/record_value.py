"""A composite value as Python gets it: a sequence of its fields whose text is PostgreSQL's.

It compares, iterates and unpacks as the tuple of its fields does; `str()` gives `(1,"two words",)`. It goes back into the
database with its type.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

from lungfish.types.sql_type import SqlType
from lungfish.types.text_format import format_value


class Record(Sequence[Any]):
    """The fields of a row value."""

    __slots__ = ("_values", "internal", "sql_type")

    def __init__(self, values: Sequence[Any], internal: Any, sql_type: SqlType) -> None:
        """`values`: the fields as Python's own; `internal` and `sql_type`: the value that they were made from."""
        self._values = tuple(values)
        self.internal = internal
        self.sql_type = sql_type

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Any, ...]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return self._values[index]

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Record):
            return self._values == other._values
        return self._values == other if isinstance(other, tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._values)

    def __repr__(self) -> str:
        return repr(self._values)

    def __str__(self) -> str:
        return format_value(self.internal, self.sql_type)
