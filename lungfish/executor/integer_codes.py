"""Integers to dense codes 0, 1, 2, ...: the hash table beneath grouping, joining and DISTINCT.

Two forms, changed over by itself. While the values lie close together, a table indexed by the value itself
(value - base -> code): one NumPy gather for a batch, no hashing. Once they spread too far, a dict, fed with each batch's distinct
values only, which Arrow finds.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Codes = npt.NDArray[np.int64]

UNKNOWN = -1
# A table may have this many entries in any case (256 KiB), and up to the second figure if it is filled well enough.
_TABLE_FREE_ENTRIES = 1 << 16
_TABLE_ENTRIES_MAX = 1 << 23
_TABLE_ENTRIES_PER_VALUE = 16


class IntegerCodes:
    """Codes of 64-bit integers, given out in the order in which values are first met (within a batch: ascending)."""

    def __init__(self) -> None:
        self.count = 0
        self._base = 0
        self._table: npt.NDArray[np.int32] | None = np.full(0, UNKNOWN, np.int32)
        self._dict: dict[int, int] = {}

    @property
    def size_bytes(self) -> int:
        """About how much memory the codes take."""
        return self._table.nbytes if self._table is not None else 100 * len(self._dict)

    def encode(self, values: Codes) -> Codes:
        """The code of each value; values not met before get new ones."""
        if not len(values):
            return np.empty(0, np.int64)
        if self._table is not None and not self._make_room(values):
            self._leave_table()
        if self._table is None:
            return self._encode_by_dict(values)
        places = values - self._base
        codes = self._table[places].astype(np.int64)
        if codes.min() == UNKNOWN:
            fresh = np.unique(places[codes == UNKNOWN])
            self._table[fresh] = np.arange(self.count, self.count + len(fresh))
            self.count += len(fresh)
            codes = self._table[places].astype(np.int64)
        return codes

    def register(self, values: Codes) -> None:
        """Give new codes to `values`, in their order. Requires: all are new, and each stands there once."""
        if not len(values):
            return
        if self._table is not None and not self._make_room(values):
            self._leave_table()
        numbers = np.arange(self.count, self.count + len(values))
        if self._table is None:
            self._dict.update(zip(values.tolist(), numbers.tolist(), strict=True))
        else:
            self._table[values - self._base] = numbers
        self.count += len(values)

    def lookup(self, values: Codes) -> Codes:
        """The code of each value, UNKNOWN for those not met."""
        if not len(values):
            return np.empty(0, np.int64)
        table = self._table
        if table is None:
            return self._lookup_by_dict(values)
        if not len(table):
            return np.full(len(values), UNKNOWN, np.int64)
        places = values - self._base
        # A difference that wrapped around is outside too: it is seen as a huge unsigned number.
        outside = places.view(np.uint64) >= len(table)
        if outside.any():
            places[outside] = 0
            codes = table[places].astype(np.int64)
            codes[outside] = UNKNOWN
            return codes
        return table[places].astype(np.int64)

    def _make_room(self, values: Codes) -> bool:
        """Let the table reach from the least to the greatest value; False if it would be too large for that."""
        table = self._table
        assert table is not None, "only while there is a table"
        base, end = self._base, self._base + len(table)
        low, high = int(values.min()), int(values.max())
        if len(table):
            if low >= base and high < end:
                return True
            low, high = min(low, base), max(high, end - 1)
        size = high - low + 1
        allowed = _TABLE_ENTRIES_PER_VALUE * (self.count + len(values))
        if size > max(_TABLE_FREE_ENTRIES, min(allowed, _TABLE_ENTRIES_MAX)):
            return False
        # Twice the size, with the room to spare on the side towards which the values move.
        roomy = max(size, min(2 * len(table), _TABLE_ENTRIES_MAX))
        new_base = max(high + 1 - roomy, -(2**63)) if len(table) and low < base else low
        larger = np.full(roomy, UNKNOWN, np.int32)
        larger[base - new_base : end - new_base] = table
        self._table, self._base = larger, new_base
        return True

    def _leave_table(self) -> None:
        table = self._table
        assert table is not None, "only while there is a table"
        used = np.flatnonzero(table != UNKNOWN)
        keys = (used + self._base).tolist()
        self._dict = dict(zip(keys, table[used].tolist(), strict=True))
        self._table = None

    def _encode_by_dict(self, values: Codes) -> Codes:
        encoded = pa.array(values).dictionary_encode()
        known = self._dict
        numbers = []
        for value in encoded.dictionary.to_numpy().tolist():
            number = known.get(value)
            if number is None:
                number = known[value] = self.count
                self.count += 1
            numbers.append(number)
        return _spread(numbers, encoded.indices)

    def _lookup_by_dict(self, values: Codes) -> Codes:
        encoded = pa.array(values).dictionary_encode()
        get = self._dict.get
        numbers = [get(value, UNKNOWN) for value in encoded.dictionary.to_numpy().tolist()]
        return _spread(numbers, encoded.indices)


def _spread(numbers: list[int], indices: pa.Array) -> Codes:
    """The code of each row, from those of a dictionary's entries."""
    codes: Codes = np.array(numbers, np.int64)[indices.to_numpy()]
    return codes


class PairCodes:
    """Codes of pairs of codes, so that keys of many columns become one integer: ((a, b), c), ..."""

    def __init__(self) -> None:
        self._integers = IntegerCodes()
        # A pair is the integer first * stride + second; the stride is a power of two above all second codes.
        self._stride = 256
        self._firsts: list[Codes] = []
        self._seconds: list[Codes] = []

    @property
    def count(self) -> int:
        """How many pairs have been met."""
        return self._integers.count

    @property
    def size_bytes(self) -> int:
        """About how much memory the codes take."""
        return self._integers.size_bytes + 16 * self.count

    def encode(self, first: Codes, second: Codes) -> Codes:
        """The code of each pair, UNKNOWN where one of the two is."""
        if len(second) and int(second.max()) >= self._stride:
            self._widen(int(second.max()))
        is_known = (first >= 0) & (second >= 0)
        if is_known.all():
            return self._encode_known(first, second)
        codes = np.full(len(first), UNKNOWN, np.int64)
        codes[is_known] = self._encode_known(first[is_known], second[is_known])
        return codes

    def lookup(self, first: Codes, second: Codes) -> Codes:
        """The code of each pair, UNKNOWN for those not met."""
        is_known = (first >= 0) & (second >= 0) & (second < self._stride)
        codes = self._integers.lookup(first * self._stride + second)
        codes[~is_known] = UNKNOWN
        return codes

    def _encode_known(self, first: Codes, second: Codes) -> Codes:
        before = self._integers.count
        codes = self._integers.encode(first * self._stride + second)
        added = self._integers.count - before
        if added:
            places = first_places(codes, before, added)
            self._firsts.append(first[places])
            self._seconds.append(second[places])
        return codes

    def _widen(self, second_max: int) -> None:
        self._stride = 1 << max(8, second_max.bit_length() + 1)
        integers = IntegerCodes()
        if self._firsts:
            firsts, seconds = np.concatenate(self._firsts), np.concatenate(self._seconds)
            self._firsts, self._seconds = [firsts], [seconds]
            integers.register(firsts * self._stride + seconds)
        self._integers = integers


def first_places(codes: Codes, start: int, count: int) -> Codes:
    """The first place of each of the codes `start`, `start` + 1, ... (`count` of them) in `codes`."""
    places = np.flatnonzero(codes >= start)
    first = np.empty(count, np.int64)
    # Of several writes to one element the last one stays, so go backwards.
    first[codes[places[::-1]] - start] = places[::-1]
    return first
