"""Key columns to dense codes: equal keys have equal codes, whatever the type.

Grouping, hash joins, DISTINCT and set operations all ask the same question, which rows have equal keys. Here it is answered once:
`RowCodes` numbers the distinct keys 0, 1, 2, ... as they come, batch after batch, and can look up keys without adding them. After
that everything is NumPy on integers.

A column of numbers is coded by `IntegerCodes`. Other columns are dictionary-encoded by Arrow first, so that only a batch's distinct
values become Python objects; these are told apart by `comparison_key`, which knows that 1.0 = 1.00 and that NaN = NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from lungfish.executor.integer_codes import UNKNOWN, Codes, IntegerCodes, PairCodes, first_places
from lungfish.types.compare import comparison_key
from lungfish.types.compute import pc
from lungfish.types.sql_type import SqlType, TypeKind
from lungfish.types.vectors import integer_view, to_values

__all__ = ["UNKNOWN", "Codes", "RowCodes", "first_places"]

INTEGER_KINDS = frozenset(
    {
        TypeKind.BOOLEAN, TypeKind.SMALLINT, TypeKind.INTEGER, TypeKind.BIGINT, TypeKind.OID, TypeKind.REGISTERED,
        TypeKind.DATE, TypeKind.TIME, TypeKind.TIMESTAMP, TypeKind.TIMESTAMPTZ,
    }
)  # fmt: skip


class RowCodes:
    """Codes of rows of key columns."""

    def __init__(self, types: Sequence[SqlType], null_equals: Sequence[bool] | None = None) -> None:
        """`null_equals[i]`: nulls of column i are a value like others; else a row with one has the code UNKNOWN."""
        if null_equals is None:
            null_equals = [True] * len(types)
        self._columns = [
            _column_codes(sql_type, is_value)
            for sql_type, is_value in zip(types, null_equals, strict=True)
        ]
        self._pairs = [PairCodes() for _ in self._columns[1:]]

    @property
    def count(self) -> int:
        """How many distinct keys have been met."""
        if not self._columns:
            return 1
        return self._pairs[-1].count if self._pairs else self._columns[0].count

    @property
    def size_bytes(self) -> int:
        """About how much memory the codes take."""
        return sum(part.size_bytes for part in (*self._columns, *self._pairs))

    def encode(self, vectors: Sequence[pa.Array], row_count: int) -> Codes:
        """The code of each row; keys not met before get new ones."""
        if not self._columns:
            return np.zeros(row_count, np.int64)
        codes = self._columns[0].encode(vectors[0])
        for column, pair, vector in zip(self._columns[1:], self._pairs, vectors[1:], strict=True):
            codes = pair.encode(codes, column.encode(vector))
        return codes

    def lookup(self, vectors: Sequence[pa.Array], row_count: int) -> Codes:
        """The code of each row, UNKNOWN for keys not met."""
        if not self._columns:
            return np.zeros(row_count, np.int64)
        codes = self._columns[0].lookup(vectors[0])
        for column, pair, vector in zip(self._columns[1:], self._pairs, vectors[1:], strict=True):
            codes = pair.lookup(codes, column.lookup(vector))
        return codes


def _column_codes(sql_type: SqlType, null_is_value: bool) -> _IntegerColumn | _DictionaryColumn:
    if sql_type.kind in INTEGER_KINDS:
        return _IntegerColumn(null_is_value)
    return _DictionaryColumn(sql_type, null_is_value)


class _IntegerColumn:
    """Codes of a column whose values are integers. The null, if it is a value, has a code that shifts those above it."""

    def __init__(self, null_is_value: bool) -> None:
        self._integers = IntegerCodes()
        self._null_is_value = null_is_value
        # Code of the null; codes of integers that were given out later are one higher.
        self._null_code: int | None = None

    @property
    def count(self) -> int:
        return self._integers.count + (self._null_code is not None)

    @property
    def size_bytes(self) -> int:
        return self._integers.size_bytes

    def encode(self, vector: pa.Array) -> Codes:
        return self._codes(vector, self._integers.encode, adds=True)

    def lookup(self, vector: pa.Array) -> Codes:
        return self._codes(vector, self._integers.lookup, adds=False)

    def _codes(self, vector: pa.Array, find: Callable[[Codes], Codes], *, adds: bool) -> Codes:
        integers = integer_view(vector)
        if not vector.null_count:
            return self._shifted(find(as_int64(integers)))
        valid = np.asarray(pc.is_valid(vector))
        codes = np.full(len(vector), UNKNOWN, np.int64)
        codes[valid] = self._shifted(find(as_int64(integers.drop_null())))
        if self._null_is_value:
            if self._null_code is None and adds:
                self._null_code = self._integers.count
            if self._null_code is not None:
                codes[~valid] = self._null_code
        return codes

    def _shifted(self, codes: Codes) -> Codes:
        if self._null_code is not None:
            codes[codes >= self._null_code] += 1
        return codes


def as_int64(vector: pa.Array) -> Codes:
    """A vector of integers or booleans without nulls as a NumPy array."""
    if pa.types.is_boolean(vector.type):
        vector = vector.cast(pa.int8())
    integers: Codes = vector.to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
    return integers


class _DictionaryColumn:
    """Codes of a column of any other type, by way of each batch's dictionary."""

    def __init__(self, sql_type: SqlType, null_is_value: bool) -> None:
        self._type = sql_type
        self._key = comparison_key(sql_type)
        self._null_is_value = null_is_value
        self._known: dict[Any, int] = {}
        # Of the values in `_known`.
        self._value_bytes = 0

    @property
    def count(self) -> int:
        return len(self._known)

    @property
    def size_bytes(self) -> int:
        return 160 * len(self._known) + self._value_bytes

    def encode(self, vector: pa.Array) -> Codes:
        known = self._known
        encoded = vector.dictionary_encode()
        dictionary, before = encoded.dictionary, len(known)
        numbers = [known.setdefault(key, len(known)) for key in self._keys(dictionary)]
        if len(known) > before:
            self._value_bytes += dictionary.nbytes * (len(known) - before) // len(dictionary)
        null = (
            known.setdefault(None, len(known))
            if self._null_is_value and vector.null_count
            else UNKNOWN
        )
        return _gather(encoded.indices, numbers, null)

    def lookup(self, vector: pa.Array) -> Codes:
        get = self._known.get
        encoded = vector.dictionary_encode()
        numbers = [get(key, UNKNOWN) for key in self._keys(encoded.dictionary)]
        null = get(None, UNKNOWN) if self._null_is_value else UNKNOWN
        return _gather(encoded.indices, numbers, null)

    def _keys(self, dictionary: pa.Array) -> list[Any]:
        values = to_values(dictionary, self._type)
        return values if self._key is None else [self._key(value) for value in values]


def _gather(indices: pa.Array, numbers: list[int], null: int) -> Codes:
    """`numbers` at the dictionary indices, `null` where they are null."""
    table = np.array([*numbers, null], np.int64)
    if indices.null_count:
        indices = indices.fill_null(len(numbers))
    codes: Codes = table[indices.to_numpy()]
    return codes
