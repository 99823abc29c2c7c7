"""Rows as bytes: one schema gives the `struct.Struct` of a single row and the `numpy.dtype` of a page of them.

    offset 0      8      9              9+n                     stride
           +------+------+--------------+-----------------------+ - - - - - - - - - - -+
           |writer|flags | null bits(n) | fields, each aligned  | long values (a tail) |
           +------+------+--------------+-----------------------+ - - - - - - - - - - -+

The part up to `stride` is the same length for every row of a relation; fields come in the order of the schema, each at a
multiple of its alignment. A *packed* row is this part followed by its *tail*: the values that do not fit their views, one
after the other in the order of the fields. Packed rows are what the log carries and what version chains keep.

Terms: a value is *inline* in its view (up to 12 bytes), *long* in the tail, or *overflowed* to pages of its own.

Invariants:
1. A view of a long value has buffer 0; its position is counted from the start of the buffer that holds the row: the packed
   row itself, or the page.
2. HAS_TAIL is set if and only if some view has a long value; HAS_OVERFLOW if and only if some view has an overflowed one.
3. A NULL's field is all zeros, so its view is an empty inline one.
4. The long values of one row are contiguous: its tail starts at the smallest position of its long views.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lungfish.errors import CorruptPage, ProgramLimitExceeded
from lungfish.storage.ids import TransactionId
from lungfish.storage.native import native_row_format
from lungfish.storage.row_codec import (
    EMPTY_VIEW,
    INLINE_SIZE_MAX,
    INLINE_VIEW,
    LONG_VIEW,
    PLACE,
    PLACE_OFFSET,
    PREFIX_SIZE,
    VIEW_SIZE,
    FieldCodec,
    field_codec,
)
from lungfish.storage.row_functions import DAMAGE, make_row_functions
from lungfish.types.sql_type import SqlType

# Flags of a row. A slot whose flags are 0 is free.
LIVE = 1
# The row was deleted by its writer; the slot waits for purge.
DELETED = 2
HAS_TAIL = 4
HAS_OVERFLOW = 8

WRITER_OFFSET = 0
FLAGS_OFFSET = 8
NULLS_OFFSET = 9
# Writer and flags alone, to stamp a row.
STAMP = struct.Struct("<QB")
_WRITER = struct.Struct("<Q")

Values = tuple[Any, ...]
# The fixed parts of some rows, of a `RowLayout.dtype`.
RowArray = npt.NDArray[np.void]
# The parts of a view, for whole columns.
VIEW_DTYPE = np.dtype(
    {
        "names": ["size", "prefix", "number", "position"],
        "formats": ["<u4", "<u4", "<u4", "<u4"],
        "offsets": [0, 4, 8, 12],
        "itemsize": VIEW_SIZE,
    }
)


class OverflowPointer(NamedTuple):
    """Where an overflowed value begins: `size` bytes in chunks, the first at `slot` of overflow page `page_id`."""

    size: int
    page_id: int
    slot: int


# Reads an overflowed value.
OverflowReader = Callable[[OverflowPointer], bytes]


class RowLayout:
    """The byte layout of a relation's rows. One relation has one layout for ever."""

    def __init__(self, stored_types: Sequence[SqlType]) -> None:
        self.types = tuple(stored_types)
        # Says where the row at an offset of a buffer is kept, for errors; whoever keeps rows of this layout sets it.
        self.place_of: Callable[[bytes | bytearray, int], str] | None = None
        self.codecs: tuple[FieldCodec, ...] = tuple(field_codec(each) for each in stored_types)
        self.null_byte_count = (len(self.types) + 7) // 8
        self.offsets, self.stride, formats = _place_fields(self.codecs, self.null_byte_count)
        if self.stride > 0xFFFF:
            raise ProgramLimitExceeded(f"row is too big: its fixed part takes {self.stride} bytes")
        # `pack(values, writer=0)`: the packed row of internal values, stamped with its writer. `unpack(buffer, offset=0, overflow=None)`:
        # the values of the row at `offset` of `buffer`, a packed row (offset 0) or a page; `overflow` is needed where the row may have
        # overflowed values. Raises CorruptPage if the row is damaged. Hot paths: see bench/rows.py.
        self.pack: Callable[..., bytes]
        self.unpack: Callable[..., Values]
        self.pack, self.unpack = make_row_functions(
            self.codecs,
            fields_format=formats,
            stride=self.stride,
            flags=(LIVE, LIVE | HAS_TAIL),
            long_value=_long_value,
            damaged=self._damaged,
        )
        self.dtype = self._numpy_dtype()
        # Both of them in C, where that is built.
        self.native = native_row_format(self, self.pack, self.unpack)
        if self.native is not None:
            self.pack, self.unpack = self.native.pack, self.native.unpack
        # (position, offset in the row) of every view.
        self.views = tuple((i, self.offsets[i]) for i, c in enumerate(self.codecs) if c.is_view)
        self._single = tuple(struct.Struct("<" + c.struct_format) for c in self.codecs)

    def _numpy_dtype(self) -> np.dtype[np.void]:
        names = ["writer", "flags", "nulls", *(f"f{i}" for i in range(len(self.codecs)))]
        formats = ["<i8", "u1", f"({self.null_byte_count},)u1"]
        formats += [codec.numpy_format for codec in self.codecs]
        offsets = [WRITER_OFFSET, FLAGS_OFFSET, NULLS_OFFSET, *self.offsets]
        if not self.codecs:
            names, formats, offsets = names[:2], formats[:2], offsets[:2]
        return np.dtype(
            {"names": names, "formats": formats, "offsets": offsets, "itemsize": self.stride}
        )

    def unpack_fields(
        self,
        buffer: bytes | bytearray,
        positions: Sequence[int],
        offset: int = 0,
        overflow: OverflowReader | None = None,
    ) -> Values:
        """The values at `positions` only. Raises CorruptPage, as `unpack` does."""
        try:
            fields = [self._raw_field(buffer, each, offset, overflow) for each in positions]
            for index, position in enumerate(positions):
                decode = self.codecs[position].decode
                if decode is not None and fields[index] is not None:
                    fields[index] = decode(fields[index])
            return tuple(fields)
        except DAMAGE as mistake:
            raise self._damaged(buffer, offset, mistake) from mistake

    def raw_fields(
        self, packed: bytes, positions: Sequence[int], overflow: OverflowReader
    ) -> list[Any]:
        """What the values at `positions` were encoded to: of a damaged row too, as long as it is there. Raises CorruptPage."""
        try:
            return [self._raw_field(packed, each, 0, overflow) for each in positions]
        except DAMAGE as mistake:
            raise self._damaged(packed, 0, mistake) from mistake

    def _damaged(self, buffer: bytes | bytearray, offset: int, mistake: Exception) -> CorruptPage:
        """The error for a row that does not hold what a row of this layout does."""
        return CorruptPage(
            f"a stored row is damaged: {mistake}",
            detail=None if self.place_of is None else self.place_of(buffer, offset),
            hint='"lungfish check" tells what else of the file is; take the row from a backup, or delete it.',
        )

    def _raw_field(
        self,
        buffer: bytes | bytearray,
        position: int,
        offset: int,
        overflow: OverflowReader | None,
    ) -> Any:
        if buffer[offset + NULLS_OFFSET + (position >> 3)] >> (position & 7) & 1:
            return None
        codec = self.codecs[position]
        (field,) = self._single[position].unpack_from(buffer, offset + self.offsets[position])
        if codec.is_view:
            size, raw = INLINE_VIEW.unpack(field)
            if size <= INLINE_SIZE_MAX:
                field = raw[:size]
            else:
                field = _long_value(size, raw, buffer, overflow)
        return field

    def long_views(
        self, buffer: bytes | bytearray, offset: int = 0
    ) -> Iterator[tuple[int, int, int, int]]:
        """(offset of the view in the row, size, buffer number, position) of each value that is not inline."""
        unpack = LONG_VIEW.unpack_from
        for _, view_offset in self.views:
            size, _, number, position = unpack(buffer, offset + view_offset)
            if size > INLINE_SIZE_MAX:
                yield view_offset, size, number, position

    def with_long_values(
        self, packed: bytes, changes: Mapping[int, bytes | OverflowPointer]
    ) -> bytes:
        """The packed row with other long values: by the offset of their view, the value for the tail or where it overflowed to.

        The values must be what they were: only their places change.
        """
        row = bytearray(packed[: self.stride])
        tail: list[bytes] = []
        place = self.stride
        flags = row[FLAGS_OFFSET] & ~(HAS_TAIL | HAS_OVERFLOW)
        for view_offset, size, number, position in self.long_views(packed):
            change = changes.get(view_offset)
            if isinstance(change, OverflowPointer):
                number, position = change.page_id + 1, change.slot
            elif change is not None or not number:
                raw = packed[position : position + size] if change is None else change
                tail.append(raw)
                number, position = 0, place
                place += size
            flags |= HAS_OVERFLOW if number else HAS_TAIL
            PLACE.pack_into(row, view_offset + PLACE_OFFSET, number, position)
        row[FLAGS_OFFSET] = flags
        return bytes(row) + b"".join(tail)

    def overflow_pointers(
        self, buffer: bytes | bytearray, offset: int = 0
    ) -> list[OverflowPointer]:
        """Where the row's overflowed values begin."""
        if not buffer[offset + FLAGS_OFFSET] & HAS_OVERFLOW:
            return []
        return [
            OverflowPointer(size, number - 1, position)
            for _, size, number, position in self.long_views(buffer, offset)
            if number
        ]


def writer_of(packed: bytes | bytearray, offset: int = 0) -> TransactionId:
    """The transaction that wrote a row. Hot: every look at a row."""
    writer: TransactionId = _WRITER.unpack_from(packed, offset)[0]
    return writer


def _long_value(
    size: int, place: bytes, buffer: bytes | bytearray, overflow: OverflowReader | None
) -> bytes:
    """A value that is not inline; `place` is its view but for the length."""
    number, position = PLACE.unpack_from(place, PREFIX_SIZE)
    if number == 0:
        value = bytes(buffer[position : position + size])
        if len(value) != size:
            raise ValueError(f"a value of {size} bytes at {position} reaches beyond its page")
        return value
    if overflow is None:
        raise ValueError(f"a value is on overflow page {number - 1}, of a row that has none there")
    return overflow(OverflowPointer(size, number - 1, position))


def _place_fields(
    codecs: Sequence[FieldCodec], null_byte_count: int
) -> tuple[tuple[int, ...], int, str]:
    """The fields' offsets, the stride, and the struct format of all fields with their padding, views in two parts."""
    offsets = []
    formats = []
    end = NULLS_OFFSET + null_byte_count
    for codec in codecs:
        padding = -end % codec.alignment
        if padding:
            formats.append(f"{padding}x")
        offsets.append(end + padding)
        formats.append("I12s" if codec.is_view else codec.struct_format)
        end += padding + codec.size
    padding = -end % 8
    if padding:
        formats.append(f"{padding}x")
    return tuple(offsets), end + padding, "".join(formats)


assert LONG_VIEW.size == INLINE_VIEW.size == len(EMPTY_VIEW)
assert STAMP.size == NULLS_OFFSET
