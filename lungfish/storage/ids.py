"""The kinds of number in storage, each a type of its own so that they are not mixed up."""

from __future__ import annotations

from typing import NewType

# A relation's pages are numbered from 0 without gaps.
PageId = NewType("PageId", int)
# A row's place on its page, from 0.
SlotIndex = NewType("SlotIndex", int)
# Handed out in order, from 1, never reused; 0 means "long ago, committed".
TransactionId = NewType("TransactionId", int)
# A byte position in the write-ahead log since the database was made.
LSN = NewType("LSN", int)
# Anything with pages: a heap, an index, the overflow pages of a heap. Never reused.
RelationId = NewType("RelationId", int)
# A row's stable address: page << 16 | slot. Fits 63 bits, so it can be a BIGINT.
TupleId = NewType("TupleId", int)

SLOT_BITS = 16
SLOT_MASK = (1 << SLOT_BITS) - 1


def tuple_id(page_id: int, slot: int) -> TupleId:
    """Pack a row's address."""
    return TupleId(page_id << SLOT_BITS | slot)


def page_of(address: TupleId) -> PageId:
    """The page of a row's address."""
    return PageId(address >> SLOT_BITS)


def slot_of(address: TupleId) -> SlotIndex:
    """The slot of a row's address."""
    return SlotIndex(address & SLOT_MASK)
