"""The parties that bring pages into the image: the catalog, heaps, and B+trees, one participant each.

They share one `ImagePages`: the first to prepare freezes the whole pool at once, as pages of all relations must be of one
moment; each then writes the pages of its own relations.

TYPE FULL also writes the pages that nobody changed, to fresh slots, once all frozen ones are in the image: from then on no page of the image
changes any more, so reading one and writing it again cannot lose anything. A slot that went bad unread is found by that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from lungfish import errors
from lungfish.recovery.checkpoint_contract import CheckpointContext, Forecast, Prepared
from lungfish.recovery.checkpoint_request import CheckpointKind
from lungfish.storage.buffer_pool import BufferPool
from lungfish.storage.frozen_pages import FrozenPages
from lungfish.storage.ids import LSN, RelationId
from lungfish.storage.image import RelationKind
from lungfish.storage.image_builder import PublishReport
from lungfish.storage.image_rewrite import ImageRewrite
from lungfish.storage.page_slots import stored_units
from lungfish.storage.page_table import UNIT_SIZE

CATALOG = "catalog"
HEAP = "heap"
BTREE = "btree"
# So many dirty pages of each relation are looked at to say how much all of them will take.
_SAMPLE_SIZE = 32
_KINDS = {RelationKind.HEAP: HEAP, RelationKind.OVERFLOW: HEAP, RelationKind.INDEX: BTREE}


def _do_not_wait(size: int) -> None:
    """Write on at once."""


@dataclass(slots=True)
class _Share:
    """What one participant has of the frozen pages."""

    relation_ids: list[RelationId] = field(default_factory=list)
    # They may be left for a later checkpoint.
    may_wait: bool = False
    pages: int = 0
    oldest_lsn: LSN | None = None
    newest_lsn: LSN | None = None


class ImagePages:
    """All pages of one checkpoint at a time, and how far their writing has got."""

    def __init__(self, pool: BufferPool, catalog: Callable[[], Iterable[RelationId]]) -> None:
        self._pool = pool
        # The relations of the catalog itself.
        self._catalog = catalog
        self._frozen: FrozenPages | None = None
        self._rewrite: ImageRewrite | None = None
        self._shares: dict[str, _Share] = {}
        # Called after each page with its bytes, while writers go on: where an I/O budget holds the checkpoint back.
        self.pace: Callable[[int], None] = _do_not_wait
        # What the last image was given, for the status view.
        self.pages_total = 0
        self.pages_done = 0
        self.bytes_done = 0

    def participants(self) -> list[PagesParticipant]:
        """The parties, in the order in which they write."""
        return [PagesParticipant(self, name) for name in (CATALOG, HEAP, BTREE)]

    def begin(self, name: str, kind: CheckpointKind) -> Forecast:
        """The dirty pages of one party's relations; for a full checkpoint all their pages."""
        catalog = set(self._catalog())
        if kind is CheckpointKind.FULL:
            own = [
                image
                for relation_id, image in self._pool.store.image.relations.items()
                if _party_of(relation_id, image.kind, catalog) == name
            ]
            pages = sum(image.page_count for image in own)
            return Forecast(pages, sum(image.table.unit_count for image in own) * UNIT_SIZE)
        pages, units = 0, 0.0
        for figures in self._pool.relation_figures():
            if (
                figures.dirty_pages
                and _party_of(figures.relation_id, figures.kind, catalog) == name
            ):
                pages += figures.dirty_pages
                # Only what a page has content for is stored: a few pages tell of all.
                sample = self._pool.sample_dirty(figures.relation_id, _SAMPLE_SIZE)
                taken = sum(sum(stored_units(data)) for data in sample)
                units += figures.dirty_pages * taken / max(1, len(sample))
        return Forecast(pages, round(units * UNIT_SIZE))

    def prepare(self, context: CheckpointContext, name: str) -> Prepared:
        """Freeze the pool, unless another party of this checkpoint has; answers this party's share."""
        if self._frozen is None:
            self._freeze(context)
        context.builder = self.frozen.builder
        context.builder.give_way = context.give_way
        context.builder.is_alone = context.is_alone
        share = self._shares.get(name, _Share())
        return Prepared(
            pages=share.pages,
            write=lambda context: self._write(context, share),
            rehearse=lambda context: self._rehearse(context, share),
            min_rec_lsn=share.oldest_lsn,
            high_water_lsn=share.newest_lsn,
        )

    def progress(self) -> float:
        """The part of the pages that is written."""
        return self.pages_done / self.pages_total if self.pages_total else 1.0

    def end(self) -> None:
        """The image is published."""
        self._frozen = None
        self._shares = {}

    def abort(self) -> None:
        """Nothing that was frozen is lost. Twice is harmless."""
        frozen = self._frozen
        if frozen is not None:
            frozen.abort()
        self.end()

    @property
    def frozen(self) -> FrozenPages:
        """What the image is to get. Requires: between `prepare` and `commit`."""
        assert self._frozen is not None, "frozen at `prepare`"
        return self._frozen

    @property
    def rewrite(self) -> ImageRewrite:
        """Reads the image being built. Requires: as `frozen`."""
        assert self._rewrite is not None, "frozen at `prepare`"
        return self._rewrite

    @property
    def published(self) -> PublishReport | None:
        """What the image cost that is current now, even if an exception from outside came then; None: it is not."""
        return None if self._frozen is None else self._frozen.builder.report

    def verify(self) -> None:
        """Read back every page that this image does not share with the one before.

        Raises CorruptPage, and poisons the file: what was written is no longer in memory for certain, but the image before and the
        log have it, so reopening recovers. (The system may answer from its cache: a disk that lies is not found by this.)
        """
        try:
            self.rewrite.verify_new_pages()
        except errors.CorruptPage as error:
            self._pool.store.slots.poison(error)
            raise

    def publish(self) -> PublishReport:
        """Make the image current. Requires: all is written. Raises IoError, DiskFull."""
        return self.frozen.publish()

    def _freeze(self, context: CheckpointContext) -> None:
        frozen = self._frozen = self._pool.freeze()
        self._rewrite = ImageRewrite(self._pool.store.slots, frozen.builder)
        catalog = set(self._catalog())
        kinds = self._pool.store.kinds()
        shares: dict[str, _Share] = {}
        for relation_id in frozen.builder.relation_ids:
            kind = kinds.get(relation_id)
            # A relation that was dropped in this very moment: whoever takes it may leave it out of the next image.
            party = HEAP if kind is None else _party_of(relation_id, kind, catalog)
            share = shares.setdefault(party, _Share(may_wait=party == BTREE))
            share.relation_ids.append(relation_id)
            facts = frozen.relations.get(relation_id)
            if facts is not None and facts.frozen_pages:
                share.pages += facts.frozen_pages
                share.oldest_lsn = _lower(share.oldest_lsn, facts.oldest_lsn)
                share.newest_lsn = max(share.newest_lsn or facts.newest_lsn, facts.newest_lsn)
        self._shares = shares
        self.pages_total, self.pages_done, self.bytes_done = frozen.page_count, 0, 0

    def _write(self, context: CheckpointContext, share: _Share) -> None:
        for relation_id in share.relation_ids:
            self._write_relation(context, relation_id, may_wait=share.may_wait)
        frozen = self.frozen
        if not frozen.pages_left:
            if context.request.kind is CheckpointKind.FULL:
                self._write_unchanged(context)
            self.pages_done = self.pages_total

    def _write_relation(
        self, context: CheckpointContext, relation_id: RelationId, *, may_wait: bool
    ) -> None:
        """Write a relation's frozen pages; an index is left out once the checkpoint's time is over."""
        context.may_be_partial = may_wait and context.request.kind is CheckpointKind.INCREMENTAL
        for page in self.frozen.of(relation_id):
            if context.may_be_partial and context.is_late():
                self.frozen.leave_out(relation_id)
                context.left_out.append(relation_id)
                return
            context.check()
            self._count(context, self.frozen.write(page))

    def _write_unchanged(self, context: CheckpointContext) -> None:
        """Write every page again that this image shares with the one before."""
        shared = list(self.rewrite.shared_pages())
        self.pages_total += len(shared)
        for relation_id, page_id in shared:
            context.check()
            self._count(context, self.rewrite.rewrite(relation_id, page_id))

    def _count(self, context: CheckpointContext, size: int) -> None:
        self.bytes_done += size
        self.pages_done += 1
        context.image.sync_behind(size)
        context.give_way()
        self.pace(size)

    def _rehearse(self, context: CheckpointContext, share: _Share) -> Forecast:
        """What `_write` would write: the same way through the pages, without the file."""
        pages = size = 0
        for relation_id in share.relation_ids:
            dirty = {}
            for page in self.frozen.of(relation_id):
                context.check()
                context.give_way()
                dirty[page.page_id] = sum(stored_units(page.data))
            if context.request.kind is CheckpointKind.FULL:
                dirty = {**self.rewrite.stored_units(relation_id), **dirty}
            pages += len(dirty)
            size += sum(dirty.values()) * UNIT_SIZE
        return Forecast(pages, size)


class PagesParticipant:
    """One of the parties that share `ImagePages`."""

    def __init__(self, pages: ImagePages, name: str) -> None:
        self.name = name
        self._pages = pages

    def begin(self, context: CheckpointContext) -> Forecast:
        return self._pages.begin(self.name, context.request.kind)

    def prepare(self, context: CheckpointContext) -> Prepared:
        return self._pages.prepare(context, self.name)

    def commit(self, context: CheckpointContext) -> None:
        self._pages.end()

    def abort(self, context: CheckpointContext) -> None:
        self._pages.abort()


def _party_of(relation_id: RelationId, kind: RelationKind, catalog: set[RelationId]) -> str:
    return CATALOG if relation_id in catalog else _KINDS[kind]


def _lower(first: LSN | None, second: LSN) -> LSN | None:
    if not second:
        return first
    return second if first is None else min(first, second)
