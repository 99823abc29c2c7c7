"""The buffer pool: which pages are in memory, within a budget of bytes.

Replacement is the clock algorithm (Corbató, 1969; a second chance for what was used again), with one addition: a page
fetched only once since it was loaded gets no second chance, so a scan does not push out the pages that everyone uses.
All frames stand in one ring; the hand is its left end. A dirty page is written early, to a fresh slot, and a frozen one into the
image being built, on the checkpoint's behalf; neither is in danger, see the invariants of `relation_pages.py`.

Invariants:
1. `trim` takes a latch only if it is free, and does no I/O under it: it can neither deadlock nor hold anyone up.
2. A page that cannot be written (the disk is full) stays in memory, dirty; the budget is then exceeded rather than a change lost.
3. The budget counts frames. Versions that writers leave to a checkpoint (at most one for each frozen page, each until it is
   written) come on top.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from lungfish.errors import DiskFull, Error, InternalError, IoError
from lungfish.storage.frozen_pages import FrozenPages
from lungfish.storage.ids import LSN, PageId, RelationId
from lungfish.storage.image import RelationKind
from lungfish.storage.image_builder import ImageFinished
from lungfish.storage.page_store import PageStore
from lungfish.storage.relation_pages import EarlyWrite, Frame, RelationFigures, RelationPages

# An operation needs several pages at once, so fewer frames than this would let it push out its own.
FRAME_COUNT_MIN = 16
BUDGET_BYTES_DEFAULT = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class PoolFigures:
    """What a system view shows of the pool; the counts since it was opened."""

    budget_bytes: int
    used_bytes: int
    resident_pages: int
    dirty_pages: int
    frozen_pages: int
    hits: int
    misses: int
    evictions: int
    early_writes: int
    early_write_failures: int


class BufferPool:
    """The pages in memory of all relations of one page store."""

    def __init__(self, store: PageStore, budget_bytes: int = BUDGET_BYTES_DEFAULT) -> None:
        self.store = store
        self.early_write_failures = 0
        # Why a page could not be written early the last time; None once one could again.
        self.early_write_error: Error | None = None
        # Guards the map of relations and `_frozen`.
        self._lock = threading.Lock()
        self._relations: dict[RelationId, RelationPages] = {}
        self._dropped = _Totals()
        self._frozen: FrozenPages | None = None
        # Every frame in memory, and for a while some that are not any more. Its methods are atomic.
        self._ring: deque[Frame] = deque()
        self.set_budget(budget_bytes)

    def set_budget(self, budget_bytes: int) -> None:
        """Change the budget; the next `trim` goes by it."""
        self.budget_bytes = budget_bytes
        self._frame_limit = max(FRAME_COUNT_MIN, budget_bytes // self.store.page_size_bytes)
        # Whoever never calls `trim` meets it in `load`, above this limit.
        self._relief_step = max(FRAME_COUNT_MIN, self._frame_limit // 8)
        self._relief_limit = self._frame_limit + self._relief_step

    # --- Relations ---

    def create_relation(self, relation_id: RelationId, kind: RelationKind) -> RelationPages:
        """Add a relation without pages."""
        self.store.create_relation(relation_id, kind)
        return self.open_relation(relation_id)

    def open_relation(self, relation_id: RelationId) -> RelationPages:
        """The pages of a relation that the store has: the same object at every call."""
        with self._lock:
            pages = self._relations.get(relation_id)
            if pages is None:
                pages = self._relations[relation_id] = RelationPages(
                    self.store, relation_id, ring=self._ring, relieve=self._relieve
                )
            return pages

    def drop_relation(self, relation_id: RelationId) -> None:
        """Remove a relation with its pages. Requires: nobody uses it any more."""
        with self._lock:
            pages = self._relations.pop(relation_id, None)
        if pages is not None:
            pages.drop()
            self._dropped.add(pages.figures())
            self._forget_frames(pages)
        self.store.drop_relation(relation_id)

    # --- Memory ---

    def trim(self) -> None:
        """Evict down to the budget. Outside all latches, at the end of an operation; by any number of threads at once."""
        if len(self._ring) > self._frame_limit:
            self._relief_limit = self._frame_limit + self._relief_step
            self._trim()

    def _trim(self) -> None:
        ring = self._ring
        limit = self._frame_limit
        # Twice round: once to take away second chances, once to find that nothing can go.
        attempts = 2 * len(ring)
        may_write = True
        failures_before = self.early_write_failures
        while len(ring) > limit and attempts > 0:
            attempts -= 1
            try:
                frame = ring.popleft()
            except IndexError:
                return
            stays = True
            try:
                if frame.touches > 1:
                    frame.touches = 1
                else:
                    stays = not self._evict(frame, may_write=may_write)
                    # An error of an earlier time says nothing: there may be room again.
                    may_write = self.early_write_failures == failures_before
            finally:
                if stays:
                    ring.append(frame)

    def _evict(self, frame: Frame, *, may_write: bool) -> bool:
        """Try to take a frame out of memory, writing it first if need be; says whether it is out."""
        pages = frame.relation
        if not pages.latch.acquire(blocking=False):
            return False
        try:
            if frame.is_dirty and not may_write and frame.written is None:
                return False
            write = pages.begin_eviction(frame)
            if write is None:
                return not pages.is_resident(frame)
        finally:
            pages.latch.release()
        self._write_early(pages, frame, write)
        return not pages.is_resident(frame)

    def _write_early(self, pages: RelationPages, frame: Frame, write: EarlyWrite) -> None:
        relation_id, page_id, data = pages.relation_id, frame.page_id, write.data
        is_done = False
        try:
            if write.builder is None:
                is_done = self.store.write(relation_id, page_id, data, taken_at=write.taken_at)
            else:
                write.builder.write(relation_id, page_id, data)
                is_done = True
            self.early_write_error = None
        except ImageFinished:
            # The checkpoint wrote the page itself, or was given up: another time.
            pass
        except (DiskFull, IoError) as error:
            # Invariant 2. Whoever trims need not be the one who filled the disk: `check_room` tells writers.
            self.early_write_failures += 1
            self.early_write_error = error
        finally:
            if is_done:
                pages.early_writes += 1
                pages.finish_eviction(frame, write)
            else:
                pages.fail_eviction(frame)

    def check_room(self) -> None:
        """Raise if memory is over its budget because pages cannot be written. For writers, before they begin a change."""
        error = self.early_write_error
        if error is not None and len(self._ring) > self._frame_limit + self._relief_step:
            raise error

    # --- Checkpoint ---

    def freeze(self) -> FrozenPages:
        """Begin the next image: every page that is dirty now belongs to it, and a later change goes to a copy.

        Requires: the fence is closed, so no page changes meanwhile. Takes time by the number of relations, not of pages.
        """
        with self._lock:
            if self._frozen is not None and not self._frozen.is_finished:
                raise InternalError("another image is being built")
            relations = list(self._relations.values())
            builder = None
            try:
                facts = [pages.freeze() for pages in relations]
                # After the pages: an early write that comes in between is in the image's tables, and the page is frozen too.
                builder = self.store.freeze()
                in_image = set(builder.relation_ids)
                frozen = []
                for pages, each in zip(relations, facts, strict=True):
                    if each.relation_id in in_image:
                        builder.set_page_count(each.relation_id, each.page_count)
                        pages.begin_image(builder)
                        frozen.append((pages, each))
                    else:
                        # Dropped in this moment.
                        pages.unfreeze(each.oldest_lsn)
                self._frozen = FrozenPages(builder, frozen)
            except BaseException:
                for pages in relations:
                    pages.unfreeze(LSN(0))
                if builder is not None:
                    builder.abort()
                raise
            return self._frozen

    # --- Figures ---

    def figures(self) -> PoolFigures:
        """The pool's figures, over all relations."""
        total = _Totals()
        total.add_totals(self._dropped)
        each_relation = self.relation_figures()
        for figures in each_relation:
            total.add(figures)
        resident = sum(figures.resident_pages for figures in each_relation)
        return PoolFigures(
            budget_bytes=self.budget_bytes,
            used_bytes=resident * self.store.page_size_bytes,
            resident_pages=resident,
            dirty_pages=sum(figures.dirty_pages for figures in each_relation),
            frozen_pages=sum(figures.frozen_pages for figures in each_relation),
            hits=total.hits,
            misses=total.misses,
            evictions=total.evictions,
            early_writes=total.early_writes,
            early_write_failures=self.early_write_failures,
        )

    def relation_figures(self) -> list[RelationFigures]:
        """The figures of each relation that was opened."""
        with self._lock:
            relations = list(self._relations.values())
        return [pages.figures() for pages in relations]

    def dirty_list(self, relation_id: RelationId) -> list[tuple[PageId, LSN, LSN, bool]]:
        """A relation's dirty pages: number, the first change since it was written, the newest, and whether a checkpoint is at it."""
        with self._lock:
            pages = self._relations.get(relation_id)
        return [] if pages is None else pages.dirty_list()

    def sample_dirty(self, relation_id: RelationId, count: int) -> list[bytes]:
        """Copies of some of a relation's dirty pages; none if it was dropped meanwhile."""
        with self._lock:
            pages = self._relations.get(relation_id)
        return [] if pages is None else pages.sample_dirty(count)

    # --- Helpers ---

    def _relieve(self) -> None:
        """Evict in the middle of an operation, which has become far too large or forgets to call `trim`.

        The limit rises each time until the next `trim`: an operation that needs more pages at once than there is room for would
        otherwise push out its own pages, begin again and never end.
        """
        if len(self._ring) > self._relief_limit:
            self._relief_limit += self._relief_step
            self._trim()

    def _forget_frames(self, pages: RelationPages) -> None:
        """Take a dropped relation's frames out of the ring."""
        ring = self._ring
        for _ in range(len(ring)):
            try:
                frame = ring.popleft()
            except IndexError:
                return
            if frame.relation is not pages:
                ring.append(frame)


@dataclass(slots=True)
class _Totals:
    """Counts of relations that may be gone since."""

    hits: int = 0
    misses: int = 0
    evictions: int = 0
    early_writes: int = 0

    def add(self, figures: RelationFigures) -> None:
        self.hits += figures.hits
        self.misses += figures.misses
        self.evictions += figures.evictions
        self.early_writes += figures.early_writes

    def add_totals(self, other: _Totals) -> None:
        self.hits += other.hits
        self.misses += other.misses
        self.evictions += other.evictions
        self.early_writes += other.early_writes
