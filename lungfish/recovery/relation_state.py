"""What a relation's image carries beside its pages: the relation's payload in the manifest.

    version u32 | flags u32 | size of the map u32 | free-space map ... | retained rows (`storage/versions.py`) ...

*Unsettled* (flag 1): an index of which the committed catalog did not know when the image was taken, so it may have been under construction.
Building is not logged: should its transaction have committed later, the index is built again.

*Retained rows*: the old versions of rows that transactions then running had changed, each with that transaction's id, and those of
committed transactions whose purge is owed, with COMMITTED in its place. With them an image needs no log to be made consistent.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from lungfish import errors
from lungfish.storage.ids import TransactionId
from lungfish.storage.page_store import PageStore
from lungfish.storage.table import TableStore
from lungfish.storage.versions import RetainedRow, decode_retained

# The writer of a retained row whose purge is owed: whoever it was, it has committed.
COMMITTED = TransactionId(0)
VERSION = 1
_HEAD = struct.Struct("<III")
_UNSETTLED = 1


@dataclass(frozen=True, slots=True)
class RelationState:
    """A relation beside its pages."""

    # As `FreeSpace.encode` gives it; empty: not known.
    free_space: bytes = b""
    # As `encode_retained` gives them, oldest first within a transaction.
    retained_bytes: bytes = b""
    is_unsettled: bool = False

    @property
    def retained(self) -> list[RetainedRow]:
        """The retained rows. Raises CorruptPage."""
        return list(decode_retained(self.retained_bytes))


def encode_relation_state(state: RelationState) -> bytes:
    """The state as a relation's payload."""
    flags = _UNSETTLED if state.is_unsettled else 0
    head = _HEAD.pack(VERSION, flags, len(state.free_space))
    return b"".join((head, state.free_space, state.retained_bytes))


def decode_relation_state(payload: bytes) -> RelationState:
    """The inverse of `encode_relation_state`; the empty payload is that of a relation of which nothing is known.

    Raises CorruptDatabase, and FeatureNotSupported for a version that this program does not know.
    """
    if not payload:
        return RelationState()
    if len(payload) < _HEAD.size:
        raise errors.CorruptDatabase("the state of a relation is cut off")
    version, flags, map_size = _HEAD.unpack_from(payload)
    if version != VERSION:
        raise errors.FeatureNotSupported(
            f"relation state of format version {version}; this program reads version {VERSION}"
        )
    map_end = _HEAD.size + map_size
    if map_end > len(payload):
        raise errors.CorruptDatabase("the free-space map of a relation is cut off")
    return RelationState(payload[_HEAD.size : map_end], payload[map_end:], bool(flags & _UNSETTLED))


def restore_free_space(store: PageStore, table: TableStore) -> None:
    """Give a table that was just opened its maps of free space from the current image. Requires: it was not changed yet."""
    for pages, free_space in (
        (table.heap.pages, table.heap.free_space),
        (table.heap.overflow.pages, table.heap.overflow.free_space),
    ):
        image = store.image.relations.get(pages.relation_id)
        if image is not None:
            with pages.latch:
                free_space.decode(decode_relation_state(image.payload).free_space)
