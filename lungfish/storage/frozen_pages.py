"""The pages that a checkpoint has to write: all that were dirty in memory when the fence was closed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lungfish.errors import InternalError
from lungfish.storage.ids import PageId, RelationId
from lungfish.storage.image_builder import ImageBuilder, PublishReport
from lungfish.storage.relation_pages import FrozenRelation, RelationPages


class FrozenPage(NamedTuple):
    """One page as the image is to have it. The bytes do not change until `mark_written`."""

    relation_id: RelationId
    page_id: PageId
    data: bytearray


class FrozenPages:
    """The frozen pages of one checkpoint, and the image that they go to. One thread uses it.

        for page in frozen:
            frozen.write(page)          # or: frozen.builder.write(*page); frozen.mark_written(page)
        frozen.builder.set_relation(...)
        report = frozen.publish()       # or, at any point: frozen.abort()

    Eviction may write some of the pages into the image meanwhile; they are then no longer met by the iteration. Iterating
    again meets what is still left.
    """

    def __init__(
        self,
        builder: ImageBuilder,
        frozen: list[tuple[RelationPages, FrozenRelation]],
    ) -> None:
        self.builder = builder
        # What was true of each relation at the freeze.
        self.relations = {facts.relation_id: facts for _, facts in frozen}
        self._pages = {pages.relation_id: pages for pages, _ in frozen}
        self._is_finished = False

    @property
    def page_count(self) -> int:
        """How many pages were frozen."""
        return sum(facts.frozen_pages for facts in self.relations.values())

    @property
    def pages_left(self) -> int:
        """How many of them the image has not got yet."""
        return sum(len(pages.frozen) for pages in self._pages.values())

    @property
    def is_finished(self) -> bool:
        """Published or aborted."""
        return self._is_finished or self.builder.report is not None

    def __iter__(self) -> Iterator[FrozenPage]:
        for relation_id in self._pages:
            yield from self.of(relation_id)

    def of(self, relation_id: RelationId) -> Iterator[FrozenPage]:
        """One relation's pages that are still left; none of a relation that was never opened."""
        pages = self._pages.get(relation_id)
        if pages is None:
            return
        # In the order of their numbers, so that they lie so in the file too.
        for page_id in pages.frozen_page_ids():
            data = pages.take_frozen(page_id)
            if data is not None:
                yield FrozenPage(relation_id, page_id, data)

    def write(self, page: FrozenPage) -> int:
        """Write a page into the image; answers how many bytes that took. Raises DiskFull, IoError: then it is still left."""
        size = self.builder.write(page.relation_id, page.page_id, page.data)
        self.mark_written(page)
        return size

    def mark_written(self, page: FrozenPage) -> None:
        """The image has this page."""
        self._pages[page.relation_id].mark_written(page.page_id)

    def leave_out(self, relation_id: RelationId) -> None:
        """Leave a relation for a later image: this one has it as the one before; what was frozen of it is dirty again."""
        pages = self._pages.pop(relation_id, None)
        if pages is not None:
            pages.unfreeze(self.relations[relation_id].oldest_lsn)
        self.builder.leave_out(relation_id)

    def publish(self) -> PublishReport:
        """Make the image current. Requires: every page was written. See `ImageBuilder.publish` for what a failure means."""
        if self.pages_left:
            raise InternalError(f"{self.pages_left} pages of the image are not written")
        try:
            return self.builder.publish()
        finally:
            if self.builder.report is not None:
                for pages in self._pages.values():
                    pages.end_image()

    def abort(self) -> None:
        """Give the image up: what it has not got is dirty again, nothing is lost. Harmless after publish, and twice."""
        if self.is_finished:
            return
        for relation_id, pages in self._pages.items():
            pages.unfreeze(self.relations[relation_id].oldest_lsn)
        self.builder.abort()
        self._is_finished = True
