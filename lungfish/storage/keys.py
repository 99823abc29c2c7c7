"""Keys of indexes: what a B+Tree compares.

A key has one of two forms, fixed by the types of its columns:

- *integer form*: a single column of an integer, boolean, date or time type. The key is a signed 64-bit integer; a descending column
  has its bits inverted (~value). NULL is None.
- *byte form*: everything else. The key is a byte string, the columns' encodings one after the other (`key_values.py`), and
  byte order is the index's order. NULL is in the bytes.

An entry of an index is a pair (key, TupleId), and so is a position in it. In integer form a NULL's entry takes the key at its end of
the order and a TupleId beyond all real ones, so that it sorts outside the values without taking one of them away:

    NULLS LAST    key 2**63 - 1, TupleId + 2**62       NULLS FIRST    key -2**63, TupleId - 2**62

`address & ADDRESS_MASK` gives the TupleId back in either case.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from lungfish.storage.key_values import (
    AFTER_PREFIX,
    INTEGER_WIDTHS,
    NOT_NULL,
    NULL_LAST,
    ValueEncoder,
    column_encoder,
)
from lungfish.types.sql_type import SqlType, TypeKind

# Integer form: int, or None for NULL. Byte form: bytes.
Key: TypeAlias = int | bytes | None

KEY_MIN = -(2**63)
KEY_MAX = 2**63 - 1
ADDRESS_BITS = 62
ADDRESS_MASK = (1 << ADDRESS_BITS) - 1
# Around every address, flagged ones too.
ADDRESS_MIN = -(2**63)
ADDRESS_MAX = 2**63 - 1
# Past every entry of a value, before the entries of NULLs (integer form).
_AFTER_VALUES = 1 << ADDRESS_BITS

# A place between entries: before the first entry that is not less than the pair.
Position: TypeAlias = tuple[Any, int]


class KeyRange(NamedTuple):
    """The entries from `low` up to, not including, `high`; None is the index's end on that side."""

    low: Position | None
    high: Position | None


WHOLE_RANGE = KeyRange(None, None)


class Bound(NamedTuple):
    """One end of a range of values. `value` is not None: nothing is less or greater than NULL."""

    value: Any
    is_inclusive: bool


class KeyCodec:
    """Encodes the key columns of one index. `encode(values)` takes one value for each column, in their order."""

    def __init__(
        self,
        types: Sequence[SqlType],
        descending: Sequence[bool] | None = None,
        nulls_first: Sequence[bool] | None = None,
    ) -> None:
        """By default columns ascend; NULLs come last in ascending columns and first in descending ones, as in PostgreSQL."""
        self.types = tuple(types)
        self.descending = tuple(descending) if descending is not None else (False,) * len(types)
        self.nulls_first = tuple(nulls_first) if nulls_first is not None else self.descending
        self.is_integer = len(types) == 1 and is_integer_kind(types[0].kind)
        count = len(self.types)
        # With `is_last` False: the encoding that something may follow.
        self._closed = [self._column_encoder(index, is_last=False) for index in range(count)]
        self._last = self._column_encoder(count - 1, is_last=True)
        self.encode: Callable[[Sequence[Any]], Key] = self._make_encoder()

    def _column_encoder(self, index: int, *, is_last: bool) -> ValueEncoder:
        return column_encoder(
            self.types[index],
            is_descending=self.descending[index],
            nulls_first=self.nulls_first[index],
            is_last=is_last,
        )

    def _make_encoder(self) -> Callable[[Sequence[Any]], Key]:
        """A closure over what the form needs: this is the hot path of every lookup and insert (bench/btree.py)."""
        if self.is_integer:
            if self.descending[0]:
                return lambda values: None if values[0] is None else ~values[0]
            return lambda values: values[0]
        if len(self.types) == 1:
            last = self._last
            return lambda values: last(values[0])
        encoders = (*self._closed[:-1], self._last)
        return lambda values: b"".join(
            [encode(value) for encode, value in zip(encoders, values, strict=True)]
        )

    def entry(self, key: Key, address: int) -> Position:
        """The pair that the tree stores: a NULL of the integer form gets its place outside the values."""
        if key is not None:
            return key, address
        if self.nulls_first[0]:
            return KEY_MIN, address - _AFTER_VALUES
        return KEY_MAX, address + _AFTER_VALUES

    # Ranges

    def key_range(self, key: Key) -> KeyRange:
        """The entries with exactly this key."""
        if key is None:
            if self.nulls_first[0]:
                return KeyRange((KEY_MIN, ADDRESS_MIN), (KEY_MIN, 0))
            return KeyRange((KEY_MAX, _AFTER_VALUES), (KEY_MAX, ADDRESS_MAX))
        if self.is_integer:
            return KeyRange((key, 0), (key, _AFTER_VALUES))
        return KeyRange((key, ADDRESS_MIN), (key, ADDRESS_MAX))

    def range(
        self, equals: Sequence[Any] = (), lower: Bound | None = None, upper: Bound | None = None
    ) -> KeyRange:
        """The entries whose leading columns equal `equals` (None: IS NULL) and whose next column is within the bounds.

        A bound leaves out the NULLs of its column; without one they are in. Bounds are in the order of the values, whichever
        way the column is stored.
        """
        column = len(equals)
        if lower is None and upper is None and column == 0:
            return WHOLE_RANGE
        if column < len(self.types) and self.descending[column]:
            lower, upper = upper, lower
        if self.is_integer:
            return self._integer_range(equals, lower, upper)
        return self._byte_range(equals, lower, upper)

    def _integer_range(
        self, equals: Sequence[Any], lower: Bound | None, upper: Bound | None
    ) -> KeyRange:
        if equals:
            return self.key_range(self.encode(equals))
        low, high = (KEY_MIN, 0), (KEY_MAX, _AFTER_VALUES)
        if lower is not None:
            low = (self._integer(lower.value), 0 if lower.is_inclusive else _AFTER_VALUES)
        if upper is not None:
            high = (self._integer(upper.value), _AFTER_VALUES if upper.is_inclusive else 0)
        return KeyRange(low, high)

    def _integer(self, value: int) -> int:
        return ~value if self.descending[0] else value

    def _byte_range(
        self, equals: Sequence[Any], lower: Bound | None, upper: Bound | None
    ) -> KeyRange:
        column = len(equals)
        if column == len(self.types):
            return self.key_range(self.encode(equals))
        prefix = b"".join(
            [encode(value) for encode, value in zip(self._closed, equals, strict=False)]
        )
        if lower is None and upper is None:
            return KeyRange((prefix, ADDRESS_MIN), (prefix + AFTER_PREFIX, ADDRESS_MIN))
        low: Position = (prefix + NOT_NULL, ADDRESS_MIN)
        high: Position = (prefix + NULL_LAST, ADDRESS_MIN)
        if lower is not None:
            low = self._edge(prefix, column, lower.value, is_after=not lower.is_inclusive)
        if upper is not None:
            high = self._edge(prefix, column, upper.value, is_after=upper.is_inclusive)
        return KeyRange(low, high)

    def _edge(self, prefix: bytes, column: int, value: Any, *, is_after: bool) -> Position:
        """The place before or after all entries that have this value in the column."""
        if column == len(self.types) - 1:
            return prefix + self._last(value), ADDRESS_MAX if is_after else ADDRESS_MIN
        key = prefix + self._closed[column](value)
        return key + AFTER_PREFIX if is_after else key, ADDRESS_MIN


def is_integer_kind(kind: TypeKind) -> bool:
    """Whether a single column of this kind has the integer form."""
    return kind in INTEGER_WIDTHS or kind is TypeKind.BOOLEAN
