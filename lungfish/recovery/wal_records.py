"""The records of the write-ahead log: how each kind is packed, and how it is taken apart again.

    record   | body length u32 | checksum u32 | LSN u64 | body ... |        little-endian, multiples of 8 bytes
    body     | type u8 | ... fixed part of the type ... | payload | zeros up to a multiple of 8 |

    type        fixed part after the type byte                                       payload
    ROW         3x  relation u32  transaction u64  address i64  before u32 after u32 packed row before, packed row after
    ROWS        3x  relation u32  transaction u64  count u32  4x                     addresses i64 each, lengths u32 each, rows
    COMMIT      7x  transaction u64  wall clock i64 (microseconds since 1970, UTC)  first LSN u64
    ABORT       7x  transaction u64  wall clock i64
    SEQUENCE    is_called u8  6x  sequence u64  value i64
    NOTE        kind u8  2x  length u32                                              what a checkpoint or a restart did
    MARK        7x  LSN u64: everything before it had been synced when this was written

`before` and `after` of a ROW are lengths; ABSENT stands for "there is no such row" (an insert, a delete).

Invariants:
1. A record lies at the LSN that it names. What a reused segment still holds of older records is thereby never taken for new.
2. The checksum is the low half of xxh3-64 over the body, seeded with the database's UUID and the log's generation
   (`record_seed`): a record of another database, or of a life before the last restart, never checks out.
3. Lengths are multiples of 8, so records begin at multiples of 8 and damage can be searched through with one vectorised compare.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import numpy as np
from xxhash import xxh3_64_intdigest

from lungfish import errors
from lungfish.storage.ids import LSN, RelationId, TransactionId, TupleId

ALIGNMENT = 8
HEADER = struct.Struct("<IIQ")
# What ROW and ROWS begin with: type, relation, transaction.
ROW_PREFIX = struct.Struct("<B3xIQ")
ROW = struct.Struct("<B3xIQqII")
ROWS = struct.Struct("<B3xIQI4x")
END_OF_TRANSACTION = struct.Struct("<B7xQq")
# An END_OF_TRANSACTION, then where the log ended when the transaction got its id: all its records lie from there on.
COMMIT = struct.Struct("<B7xQqQ")
SEQUENCE = struct.Struct("<BB6xQq")
NOTE = struct.Struct("<BB2xI")
MARK = struct.Struct("<B7xQ")

# A COMMIT with its header.
COMMIT_SIZE = HEADER.size + COMMIT.size

ABSENT = 0xFFFF_FFFF
CHECKSUM_MASK = 0xFFFF_FFFF
# No body is longer: the length is 32 bits, and a batch of rows is cut well before that.
BODY_SIZE_MAX = 1 << 31
PADDING = tuple(bytes(count) for count in range(ALIGNMENT))

assert HEADER.size == 16
assert ROW.size == 32
assert all(each.size % ALIGNMENT == 0 for each in (HEADER, ROW, ROWS, END_OF_TRANSACTION))
assert all(each.size % ALIGNMENT == 0 for each in (COMMIT, SEQUENCE, NOTE, MARK))


class RecordType(enum.IntEnum):
    """What a record says. The numbers are part of the file format."""

    ROW = 1
    ROWS = 2
    COMMIT = 3
    ABORT = 4
    SEQUENCE = 5
    NOTE = 6
    MARK = 7


class NoteKind(enum.IntEnum):
    """What a NOTE tells. The numbers are part of the file format."""

    CHECKPOINT = 1
    RECOVERY = 2
    # The payload is a name in UTF-8: a place to restore to.
    RESTORE_POINT = 3
    # Something was found wrong with the files: a row of the events.
    EVENT = 4
    # What ALTER SYSTEM SET has kept so far.
    SETTINGS = 5
    # What ANALYZE has learned of a table.
    STATISTICS = 6


class Record(NamedTuple):
    """A record as it lies in the log; `body` is a view into what was read."""

    lsn: LSN
    end: LSN
    body: memoryview

    @property
    def type(self) -> RecordType:
        """The record's type. Raises CorruptLog for a number this version does not know."""
        try:
            return RecordType(self.body[0])
        except ValueError:
            raise errors.CorruptLog(
                f"unknown record type {self.body[0]} in the write-ahead log at {format_lsn(self.lsn)}"
            ) from None


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row's change, taken apart."""

    transaction_id: TransactionId
    relation_id: RelationId
    address: TupleId
    before: bytes | None
    after: bytes | None


def format_lsn(lsn: int) -> str:
    """PostgreSQL's way of writing a pg_lsn."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFF_FFFF:X}"


def parse_lsn(text: str) -> LSN:
    """The inverse of `format_lsn`. Raises InvalidTextRepresentation."""
    high, slash, low = text.strip().partition("/")
    try:
        if slash:
            return LSN((int(high, 16) << 32) + int(low, 16))
    except ValueError:
        pass
    raise errors.InvalidTextRepresentation(f'invalid input syntax for type pg_lsn: "{text}"')


def record_seed(uuid: UUID, generation: int) -> int:
    """What the checksums of one database's log are seeded with during one life (from an open to the next)."""
    return int(xxh3_64_intdigest(uuid.bytes + generation.to_bytes(8, "little")))


def checksum(body: bytes | memoryview, seed: int) -> int:
    """The checksum of a record's body."""
    return int(xxh3_64_intdigest(body, seed)) & CHECKSUM_MASK


def padded(parts: Sequence[bytes]) -> bytes:
    """The parts as one body, filled up with zeros."""
    length = sum(map(len, parts))
    return b"".join((*parts, PADDING[-length & 7]))


def encode_row(change: RowChange) -> bytes:
    """The body of a ROW; `WriteAheadLog.append_row` does the same in line."""
    before, after = change.before, change.after
    head = ROW.pack(
        RecordType.ROW,
        change.relation_id,
        change.transaction_id,
        change.address,
        ABSENT if before is None else len(before),
        ABSENT if after is None else len(after),
    )
    return padded((head, before or b"", after or b""))


def encode_rows(
    transaction_id: TransactionId,
    relation_id: RelationId,
    addresses: Sequence[TupleId],
    rows: Sequence[bytes],
) -> bytes:
    """The body of a ROWS: a batch of inserts."""
    assert len(addresses) == len(rows)
    head = ROWS.pack(RecordType.ROWS, relation_id, transaction_id, len(rows))
    places = np.array(addresses, "<i8").tobytes()
    lengths = np.fromiter(map(len, rows), "<u4", len(rows)).tobytes()
    return padded((head, places, lengths, *rows))


def decode_row(body: memoryview) -> RowChange:
    """Take a ROW apart. Raises CorruptLog if its lengths do not fit."""
    # It checks the lengths.
    _, after = decode_row_after(body)
    _, relation_id, transaction_id, address, before_size, _ = ROW.unpack_from(body)
    return RowChange(
        TransactionId(transaction_id),
        RelationId(relation_id),
        TupleId(address),
        None if before_size == ABSENT else bytes(body[ROW.size : ROW.size + before_size]),
        after,
    )


def decode_row_after(body: memoryview) -> tuple[TupleId, bytes | None]:
    """The address and the row after, all that redo needs of a ROW. Raises CorruptLog if its lengths do not fit."""
    if len(body) < ROW.size:
        raise errors.CorruptLog(f"a row record of {len(body)} bytes is cut off")
    _, _, _, address, before_size, after_size = ROW.unpack_from(body)
    start = ROW.size if before_size == ABSENT else ROW.size + before_size
    end = start if after_size == ABSENT else start + after_size
    if end > len(body):
        raise errors.CorruptLog(f"a row record of {len(body)} bytes claims {end}")
    return TupleId(address), None if after_size == ABSENT else bytes(body[start:end])


def decode_rows(body: memoryview) -> tuple[list[int], list[bytes]]:
    """The addresses and packed rows of a ROWS. Raises CorruptLog if its lengths do not fit."""
    if len(body) < ROWS.size:
        raise errors.CorruptLog(f"a batch record of {len(body)} bytes is cut off")
    _, _, _, count = ROWS.unpack_from(body)
    places_end = ROWS.size + 8 * count
    start = places_end + 4 * count
    if start > len(body):
        raise errors.CorruptLog(f"a batch record of {len(body)} bytes claims {count} rows")
    addresses: list[int] = np.frombuffer(body, "<i8", count, ROWS.size).tolist()
    lengths: list[int] = np.frombuffer(body, "<u4", count, places_end).tolist()
    if start + sum(lengths) > len(body):
        raise errors.CorruptLog(f"a batch record of {len(body)} bytes is too short for its rows")
    rows = []
    for length in lengths:
        end = start + length
        rows.append(bytes(body[start:end]))
        start = end
    return addresses, rows


def encode_note(kind: NoteKind, payload: bytes) -> bytes:
    """The body of a NOTE."""
    return padded((NOTE.pack(RecordType.NOTE, kind, len(payload)), payload))


def decode_note(body: memoryview) -> tuple[int, bytes]:
    """The kind and payload of a NOTE. Raises CorruptLog if its length does not fit."""
    if len(body) < NOTE.size:
        raise errors.CorruptLog(f"a note of {len(body)} bytes is cut off")
    _, kind, length = NOTE.unpack_from(body)
    if NOTE.size + length > len(body):
        raise errors.CorruptLog(f"a note of {len(body)} bytes claims {length}")
    return kind, bytes(body[NOTE.size : NOTE.size + length])
