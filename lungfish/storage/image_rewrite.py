"""The pages of an image being built that nobody changed: which they are, and writing them again, to fresh slots.

For checkpoints of TYPE FULL. Requires throughout that every frozen page is in the image already: then no page of the image changes any
more, and whoever writes one writes the same bytes (an eviction may still be at it).
"""

from __future__ import annotations

from collections.abc import Iterator

from lungfish.storage.ids import PageId, RelationId
from lungfish.storage.image_builder import ImageBuilder
from lungfish.storage.page_slots import PageSlots
from lungfish.storage.page_table import unit_count_of


class ImageRewrite:
    """Reads and writes pages of one image being built."""

    def __init__(self, slots: PageSlots, builder: ImageBuilder) -> None:
        self._slots = slots
        self._builder = builder

    def stored_units(self, relation_id: RelationId) -> dict[PageId, int]:
        """The pages of a relation that have content, with the units that they take."""
        with self._slots.lock:
            table = self._builder.table(relation_id)
            locations = [table.location(PageId(each)) for each in range(table.page_count)]
        return {
            PageId(page_id): unit_count_of(location)
            for page_id, location in enumerate(locations)
            if location
        }

    def shared_pages(self) -> Iterator[tuple[RelationId, PageId]]:
        """The pages that the image has from the one before."""
        current = self._slots.images[-1]
        for relation_id in self._builder.relation_ids:
            before = current.relations.get(relation_id)
            if before is None:
                continue
            with self._slots.lock:
                table = self._builder.table(relation_id)
                shared = [
                    PageId(page_id)
                    for page_id in range(table.page_count)
                    if (location := table.location(PageId(page_id)))
                    and location == before.table.location(PageId(page_id))
                ]
            for page_id in shared:
                yield relation_id, page_id

    def rewrite(self, relation_id: RelationId, page_id: PageId) -> int:
        """Write a page again; answers how many bytes that took. Raises CorruptPage if it is not what was written, DiskFull, IoError."""
        return self._builder.write(relation_id, page_id, self.read(relation_id, page_id))

    def read(self, relation_id: RelationId, page_id: PageId) -> bytearray:
        """A page as the image has it, verified. Raises CorruptPage, IoError."""
        slots = self._slots
        while True:
            location, expected = self._entry(relation_id, page_id)
            page = slots.read_page(location, expected)
            if page is not None:
                return page
            if self._entry(relation_id, page_id) == (location, expected):
                raise slots.corrupt_page(relation_id, page_id, location)

    def verify_new_pages(self) -> int:
        """Read back all that the image does not share with the one before; answers how many pages that were. Raises CorruptPage."""
        count = 0
        shared = set(self.shared_pages())
        for relation_id in self._builder.relation_ids:
            for page_id in self.stored_units(relation_id):
                if (relation_id, page_id) not in shared:
                    self.read(relation_id, page_id)
                    count += 1
        return count

    def _entry(self, relation_id: RelationId, page_id: PageId) -> tuple[int, int]:
        with self._slots.lock:
            return self._builder.table(relation_id).entry(page_id)
