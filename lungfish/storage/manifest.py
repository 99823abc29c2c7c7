"""The manifest: all of one image but the pages themselves. Written once, contiguous, never changed.

    head:      magic "LFMANIF1", generation u64, UUID 16 bytes, relation count u32, retained image count u32,
               length of the image's name u32, zero u32, length of the checkpoint's payload u64
    name:      UTF-8; empty for an image that is not kept for long
    payload:   the checkpoint's own facts (the recovery room's; opaque here)
    retained:  for each older image that is kept: generation u64, manifest's first unit u64, length u64, checksum u64,
               length of the name u32, name in UTF-8
    relations: for each: id u64, kind u32, flags u32, mark LSN u64, page count u64, entry count u64, payload length u64, payload,
               then its page table:
                 flags bit 0 set:   `entry count` locations (u64), as many checksums (u64)
                 else:              for each 256 entries: unit of the chunk u64, its checksum u64

All numbers are little-endian. The whole is guarded by the checksum in the superblock (or in a later manifest's retained list).
A page table of at most 64 pages is written inline, so a small relation costs no unit and no write of its own.
The manifest has 16 bytes for each 256 pages: 10 KB for 10 GiB in pages of 64 KiB, written at each checkpoint.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from lungfish.errors import CorruptDatabase
from lungfish.storage.ids import LSN, RelationId
from lungfish.storage.superblock import ManifestAddress

MAGIC = b"LFMANIF1"
# Page tables up to this size are written into the manifest.
INLINE_PAGE_COUNT_MAX = 64

_FLAG_INLINE = 1
_HEAD = struct.Struct("<8sQ16sIIIIQ")
_RETAINED = struct.Struct("<QQQQI")
_RELATION = struct.Struct("<QIIQQQQ")


@dataclass(frozen=True, slots=True)
class RelationEntry:
    """One relation of an image, as the manifest has it."""

    kind: int
    mark_lsn: LSN
    page_count: int
    payload: bytes
    # How many pages the page table has; pages behind them (to page_count) were never written.
    entry_count: int
    is_inline: bool
    # Inline: locations, then checksums. Else: unit and checksum of each chunk, in turn.
    table: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RetainedImage:
    """An older image that is kept."""

    generation: int
    name: str
    manifest: ManifestAddress


@dataclass(frozen=True, slots=True)
class Manifest:
    """An image's description."""

    generation: int
    uuid: uuid.UUID
    name: str
    payload: bytes
    relations: Mapping[RelationId, RelationEntry]
    retained: tuple[RetainedImage, ...] = field(default=())

    def encode(self) -> bytes:
        own_name = self.name.encode()
        parts = [
            _HEAD.pack(
                MAGIC,
                self.generation,
                self.uuid.bytes,
                len(self.relations),
                len(self.retained),
                len(own_name),
                0,
                len(self.payload),
            ),
            own_name,
            self.payload,
        ]
        for image in self.retained:
            name = image.name.encode()
            address = image.manifest
            parts += [
                _RETAINED.pack(
                    image.generation,
                    address.first_unit,
                    address.length,
                    address.checksum,
                    len(name),
                ),
                name,
            ]
        for relation_id, entry in self.relations.items():
            parts += [
                _RELATION.pack(
                    relation_id,
                    entry.kind,
                    _FLAG_INLINE if entry.is_inline else 0,
                    entry.mark_lsn,
                    entry.page_count,
                    entry.entry_count,
                    len(entry.payload),
                ),
                entry.payload,
                struct.pack(f"<{len(entry.table)}Q", *entry.table),
            ]
        return b"".join(parts)

    @staticmethod
    def decode(data: bytes) -> Manifest:
        """Read a manifest whose checksum was found right. Raises CorruptDatabase if it still makes no sense."""
        try:
            return _decode(_Reader(data))
        except (struct.error, UnicodeDecodeError) as error:
            raise CorruptDatabase("a manifest ends too early") from error


class _Reader:
    """Takes one thing after another off some bytes; raises struct.error where they end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, layout: struct.Struct) -> tuple[int, ...]:
        values = layout.unpack_from(self._data, self._at)
        self._at += layout.size
        return values

    def take_bytes(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._data):
            raise struct.error("not enough bytes")
        data = self._data[self._at : end]
        self._at = end
        return data

    def is_at_end(self) -> bool:
        return self._at == len(self._data)


def _decode(reader: _Reader) -> Manifest:
    head = _HEAD.unpack(reader.take_bytes(_HEAD.size))
    magic, generation, identity, relation_count, retained_count, length, _, payload_length = head
    if magic != MAGIC:
        raise CorruptDatabase("what should be a manifest is none")
    name = reader.take_bytes(length).decode()
    payload = reader.take_bytes(payload_length)
    retained = []
    for _ in range(retained_count):
        image_generation, unit, length, checksum, name_length = reader.take(_RETAINED)
        image_name = reader.take_bytes(name_length).decode()
        address = ManifestAddress(unit, length, checksum)
        retained.append(RetainedImage(image_generation, image_name, address))
    relations: dict[RelationId, RelationEntry] = {}
    for _ in range(relation_count):
        relation_id, kind, flags, mark, page_count, entry_count, length = reader.take(_RELATION)
        is_inline = bool(flags & _FLAG_INLINE)
        relation_payload = reader.take_bytes(length)
        word_count = 2 * (entry_count if is_inline else -(-entry_count // 256))
        words = struct.unpack(f"<{word_count}Q", reader.take_bytes(8 * word_count))
        relations[RelationId(relation_id)] = RelationEntry(
            kind=kind,
            mark_lsn=LSN(mark),
            page_count=page_count,
            payload=relation_payload,
            entry_count=entry_count,
            is_inline=is_inline,
            table=words,
        )
    if not reader.is_at_end():
        raise CorruptDatabase("a manifest has more bytes than it says")
    return Manifest(
        generation=generation,
        uuid=uuid.UUID(bytes=identity),
        name=name,
        payload=payload,
        relations=relations,
        retained=tuple(retained),
    )
