r"""The superblock: what makes the file a Lungfish database, and which manifest is the newest.

    offset size
      0    16   magic "Lungfish\r\n\x1a\n\0\0\0\0"  (a transfer that mangles line ends or stops at ^Z is noticed)
     16     4   format version
     20     4   page size in bytes
     24     4   unit size in bytes (4096)
     28     4   checksum algorithm (1: xxh3-64)
     32    16   UUID of the database
     48     8   generation: counts the images published
     56     8   manifest: first unit
     64     8   manifest: length in bytes
     72     8   manifest: checksum
     80   424   zeros
    504     8   checksum of the bytes before
    512     8   "LFLOGNOW": the log note, in the sector behind; zeros if there is none
    520     8   generation of a life of the log that has segments
    528    16   UUID of the database
    544     8   checksum of the 32 bytes before

All numbers are little-endian. There are two, in units 0 and 1; generation g is in unit g mod 2. Invariants:
1. A superblock lies within one sector of 512 bytes, so a crash leaves the old one or the new one.
2. It is written only after all that its manifest leads to is durable.
3. The other superblock, and all that its image needs, stays untouched until this one is durable.
4. A log note is written into the older superblock's unit, so no sector near the current superblock is touched. It is durable before
   the first record of the life that it names: a log that was there and is gone is missed.
"""

from __future__ import annotations

import struct
import uuid
from dataclasses import dataclass

from lungfish.errors import CorruptDatabase, FeatureNotSupported, WrongObjectType
from lungfish.storage.checksum import CHECKSUM_XXH3_64, checksum
from lungfish.storage.page_table import UNIT_SIZE

MAGIC = b"Lungfish\r\n\x1a\n\0\0\0\0"
FORMAT_VERSION = 2
SUPERBLOCK_SIZE = 512
SUPERBLOCK_COUNT = 2
PAGE_SIZE_MIN = UNIT_SIZE
# A page's units are counted in 8 bits.
PAGE_SIZE_MAX = 128 * UNIT_SIZE

_FIELDS = struct.Struct("<16sIIII16sQQQQ")
_CHECKSUM = struct.Struct("<Q")
LOG_NOTE_OFFSET = SUPERBLOCK_SIZE
_LOG_NOTE_MAGIC = b"LFLOGNOW"
_LOG_NOTE = struct.Struct("<8sQ16s")
LOG_NOTE_SIZE = _LOG_NOTE.size + _CHECKSUM.size
_BODY_SIZE = SUPERBLOCK_SIZE - _CHECKSUM.size
assert _FIELDS.size == 80
assert len(MAGIC) == 16


@dataclass(frozen=True, slots=True)
class ManifestAddress:
    """Where a manifest is in the file."""

    first_unit: int
    length: int
    checksum: int

    @property
    def unit_count(self) -> int:
        return -(-self.length // UNIT_SIZE)


@dataclass(frozen=True, slots=True)
class Superblock:
    """One of the two heads of the file."""

    uuid: uuid.UUID
    page_size_bytes: int
    generation: int
    manifest: ManifestAddress

    @property
    def unit(self) -> int:
        return self.generation % SUPERBLOCK_COUNT

    def encode(self) -> bytes:
        body = _FIELDS.pack(
            MAGIC,
            FORMAT_VERSION,
            self.page_size_bytes,
            UNIT_SIZE,
            CHECKSUM_XXH3_64,
            self.uuid.bytes,
            self.generation,
            self.manifest.first_unit,
            self.manifest.length,
            self.manifest.checksum,
        ).ljust(_BODY_SIZE, b"\0")
        return body + _CHECKSUM.pack(checksum(body))

    @staticmethod
    def decode(data: bytes, path: str) -> Superblock:
        """Read one. Raises WrongObjectType (no database), FeatureNotSupported (another version), CorruptDatabase."""
        if data[: len(MAGIC)] != MAGIC:
            raise WrongObjectType(f'file "{path}" is not a Lungfish database')
        if len(data) < SUPERBLOCK_SIZE:
            raise CorruptDatabase(f'the head of database "{path}" is cut off')
        (_, version, page_size, unit_size, algorithm, identity, generation, unit, length, sum_) = (
            _FIELDS.unpack_from(data)
        )
        if version != FORMAT_VERSION:
            raise FeatureNotSupported(
                f'database "{path}" has file format {version}',
                hint=f"This version of Lungfish reads and writes format {FORMAT_VERSION}.",
            )
        if _CHECKSUM.unpack_from(data, _BODY_SIZE)[0] != checksum(data[:_BODY_SIZE]):
            raise CorruptDatabase(f'a superblock of database "{path}" does not match its checksum')
        if unit_size != UNIT_SIZE or algorithm != CHECKSUM_XXH3_64 or not is_page_size(page_size):
            raise CorruptDatabase(f'a superblock of database "{path}" has impossible sizes')
        return Superblock(
            uuid=uuid.UUID(bytes=identity),
            page_size_bytes=page_size,
            generation=generation,
            manifest=ManifestAddress(unit, length, sum_),
        )


def encode_log_note(generation: int, identity: uuid.UUID) -> bytes:
    """The note that a life of the log has segments."""
    body = _LOG_NOTE.pack(_LOG_NOTE_MAGIC, generation, identity.bytes)
    return body + _CHECKSUM.pack(checksum(body))


def decode_log_note(data: bytes, identity: uuid.UUID) -> int:
    """The life that a note names; 0 for what is no note of this database: a torn one says nothing either."""
    if len(data) < LOG_NOTE_SIZE:
        return 0
    magic, generation, found = _LOG_NOTE.unpack_from(data)
    (stored,) = _CHECKSUM.unpack_from(data, _LOG_NOTE.size)
    if magic != _LOG_NOTE_MAGIC or found != identity.bytes:
        return 0
    return int(generation) if stored == checksum(data[: _LOG_NOTE.size]) else 0


def is_page_size(size: int) -> bool:
    """Whether pages may have this size: a power of two within the bounds."""
    return PAGE_SIZE_MIN <= size <= PAGE_SIZE_MAX and size & (size - 1) == 0
