"""High-water marks of indexes: a checkpoint may capture tables and leave indexes for a later one.

    image            heap: complete to R2          index: as of R1, an earlier image's pages
    log      ───────────R1────────────────────────R2──────────────────> end
                        └ kept from here for the index (`wal_retention`, index_mark)
    restart          heap: redone from R2          index: replayed from R1 (`restart_marks.py`)

The index's image is that of the checkpoint that captured it last, page by page; its live pages stay dirty for the next one. What it owed
then goes with it: at R1 some rows had older versions whose entries were still in the index, and they are in no record past R1. They are
the rows that the image of its table retained at R1.

Invariants:
1. An index that is left out keeps mark, pages and page count of one and the same image.
2. Its payload has the retained rows of its table as of its mark.
3. An index of which neither is known is not relied on: it is built again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from lungfish.recovery.relation_state import (
    RelationState,
    decode_relation_state,
    encode_relation_state,
)
from lungfish.storage.ids import LSN, RelationId
from lungfish.storage.image import Image, RelationKind
from lungfish.storage.image_builder import ImageBuilder
from lungfish.storage.page_store import PageStore


class IndexCheckpointRegistry:
    """Up to where each index's image is complete, and what goes into the next image for those that are left out of it."""

    def __init__(
        self, store: PageStore, heaps: Callable[[], Mapping[RelationId, RelationId]]
    ) -> None:
        self._store = store
        # The heap of each index of the committed catalog.
        self._heaps = heaps

    def marks(self) -> dict[RelationId, LSN]:
        """The mark of each index of the current image."""
        return {
            relation_id: each.mark_lsn
            for relation_id, each in self._store.image.relations.items()
            if each.kind is RelationKind.INDEX
        }

    def describe(self, builder: ImageBuilder, left_out: Iterable[RelationId]) -> None:
        """Put the marks and debts of indexes that were left out into the image being built (invariants 1 and 2)."""
        heaps = self._heaps()
        before = self._store.image
        for relation_id in left_out:
            image = before.relations.get(relation_id)
            if image is not None:
                payload = encode_relation_state(_debt(before, relation_id, heaps.get(relation_id)))
                builder.set_relation(relation_id, mark_lsn=image.mark_lsn, payload=payload)


def _debt(before: Image, index: RelationId, heap: RelationId | None) -> RelationState:
    """What the index owes at its mark."""
    image = before.relations[index]
    own = decode_relation_state(image.payload)
    of_heap = None if heap is None else before.relations.get(heap)
    if of_heap is None or of_heap.mark_lsn < image.mark_lsn:
        return replace(own, is_unsettled=True)
    if image.mark_lsn < of_heap.mark_lsn:
        # It had been left out before: what it owes has not changed.
        return own
    return replace(own, retained_bytes=decode_relation_state(of_heap.payload).retained_bytes)


def lagging_indexes(image: Image, redo_lsn: LSN) -> list[tuple[RelationId, LSN]]:
    """The indexes that an image of that redo LSN has as of an earlier moment, with their marks."""
    return [
        (relation_id, each.mark_lsn)
        for relation_id, each in image.relations.items()
        if each.kind is RelationKind.INDEX and each.mark_lsn < redo_lsn
    ]
