"""The pages of one relation in memory: fetched, loaded, allocated and changed under the relation's latch.

Terms: a page is *dirty* when memory has a newer version than `PageStore.read` would give; *frozen* when its version at the last
freeze is still to be written into the image being built; it may be both, then as two versions.

Invariants (all state here is looked at and changed only under `latch`):
1. `frames` has at most one frame of a page, and it holds the page's newest version. A page without a frame has its newest version
   in the page store.
2. A frame's `data` is changed in place only while its `epoch` is the relation's: then nobody else has this bytearray. Whenever
   somebody may read it outside the latch (the checkpoint, an early write) the frame's epoch is another one, and `writable` leaves that
   bytearray to the reader and goes on with a copy.
3. A frame is in `dirty` if and only if it has changes that are neither frozen nor written early. `frozen` has the pages whose version
   at the freeze is still to be written: the frame, if that holds it still, else the bytearray that `writable` left behind.
4. A frame in `dirty` or `frozen` does not leave `frames` before its data was written.
5. No I/O is done and nothing is waited for under the latch.
6. An exception that comes from outside (KeyboardInterrupt) between any two steps leaves 1 to 4 true, but for a page more in
   memory or a copy too many: each method first makes what it needs, and then does what counts in an order that allows it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from lungfish.errors import InternalError
from lungfish.storage.ids import LSN, PageId, RelationId
from lungfish.storage.image import RelationKind
from lungfish.storage.image_builder import ImageBuilder
from lungfish.storage.page_store import PageStore

# The epoch of a frame that `writable` must look at first: clean, or read by somebody outside the latch.
_NOT_WRITABLE = 0


class PageMiss(Exception):
    """The page is not in memory. Let go of all latches, call `load`, begin the operation again."""

    def __init__(self, pages: RelationPages, page_id: PageId) -> None:
        super().__init__(pages, page_id)
        self.pages = pages
        self.page_id = page_id

    def load(self) -> None:
        """Bring the page into memory. Requires: no latch is held."""
        self.pages.load(self.page_id)


class Frame:
    """One page in memory. Guarded by its relation's latch."""

    __slots__ = (
        "cache",
        "data",
        "epoch",
        "first_dirty_lsn",
        "is_writing",
        "newest_lsn",
        "page_id",
        "relation",
        "touches",
        "written",
    )

    def __init__(self, relation: RelationPages, page_id: PageId, data: bytearray) -> None:
        self.relation = relation
        self.page_id = page_id
        self.data = data
        # A decoded form of the page that its owner keeps with it; cleared whenever `data` becomes another bytearray.
        self.cache: object = None
        # Of the changes since the page was last written: the LSN that `writable` was told first. 0: none. And the highest one ever.
        self.first_dirty_lsn = LSN(0)
        self.newest_lsn = LSN(0)
        # See invariant 2.
        self.epoch = _NOT_WRITABLE
        # How often it was fetched since the clock's hand last came by.
        self.touches = 0
        # An early write of `data`, or of what was `data` before a copy, is under way or waits to be finished.
        self.is_writing = False
        # The early write is over and waits to be finished.
        self.written: EarlyWrite | None = None

    @property
    def is_dirty(self) -> bool:
        """Whether the page has changes that are not written, frozen ones too."""
        return self.relation.has_changes(self)


@dataclass(frozen=True, slots=True)
class EarlyWrite:
    """A write that eviction needs before the frame may go."""

    data: bytearray
    # The image that gets it, for a frozen version; else it is only written early.
    builder: ImageBuilder | None
    # The page store's `freeze_count` when the version was taken.
    taken_at: int


@dataclass(frozen=True, slots=True)
class RelationFigures:
    """What a system view shows of a relation's pages in memory."""

    relation_id: RelationId
    kind: RelationKind
    page_count: int
    resident_pages: int
    dirty_pages: int
    frozen_pages: int
    hits: int
    misses: int
    evictions: int
    early_writes: int
    # Of the changes since the last freeze; 0: none.
    oldest_lsn: LSN
    newest_lsn: LSN


@dataclass(frozen=True, slots=True)
class FrozenRelation:
    """What was true of a relation when it was frozen."""

    relation_id: RelationId
    page_count: int
    frozen_pages: int
    # Of the changes since the freeze before; 0: none.
    oldest_lsn: LSN
    newest_lsn: LSN


class RelationPages:
    """The pages of one relation."""

    # Those that compiled code looks at each time (native_frames.pyx), and all others.
    __slots__ = (
        "__dict__",
        "__weakref__",
        "_epoch",
        "frames",
        "hits",
        "is_dropped",
        "newest_lsn",
        "page_count",
    )

    def __init__(
        self,
        store: PageStore,
        relation_id: RelationId,
        *,
        ring: deque[Frame],
        relieve: Callable[[], None],
    ) -> None:
        self.relation_id = relation_id
        self.kind = store.kind(relation_id)
        self.page_count = store.page_count(relation_id)
        self.latch = threading.Lock()
        # By page number.
        self.frames: dict[int, Frame] = {}
        self.dirty: dict[PageId, Frame] = {}
        self.frozen: dict[PageId, Frame | bytearray] = {}
        # Where frozen pages go; None while no image is being built.
        self.builder: ImageBuilder | None = None
        # The frozen page that the checkpoint is writing just now: eviction leaves it alone.
        self.frozen_in_hand: PageId | None = None
        self.is_dropped = False
        self.hits = 0
        self.misses = 0
        self.evictions = 0
        self.early_writes = 0
        self.oldest_lsn = LSN(0)
        self.newest_lsn = LSN(0)
        self._store = store
        self._page_size = store.page_size_bytes
        self._ring = ring
        self._relieve = relieve
        self._epoch = _NOT_WRITABLE + 1

    # --- For the relation's owner ---

    def fetch(self, page_id: PageId) -> Frame:
        """The frame of a page. Under the latch; raises PageMiss if the page is not in memory."""
        frame = self.frames.get(page_id)
        if frame is None:
            raise PageMiss(self, page_id)
        frame.touches += 1
        self.hits += 1
        return frame

    def load(self, page_id: PageId) -> None:
        """Read a page into memory, verified. Without any latch. Raises CorruptPage, IoError."""
        self._relieve()
        store = self._store
        while True:
            page, version = store.read_version(self.relation_id, page_id)
            with self.latch:
                if self.is_dropped:
                    raise InternalError(f"relation {self.relation_id} was dropped")
                if page_id in self.frames:
                    return
                # While we read, others may have loaded the page, changed it and written it early: then ours is an old version.
                if store.version(self.relation_id, page_id) == version:
                    self._add(Frame(self, page_id, page))
                    self.misses += 1
                    return

    def allocate(self, data: bytearray | None = None) -> Frame:
        """Add a page of zeros, or with this content, at the end: dirty, so `writable` may be asked at once. Under the latch."""
        page_id = PageId(self.page_count)
        frame = Frame(self, page_id, bytearray(self._page_size) if data is None else data)
        self.dirty[page_id] = frame
        self._add(frame)
        self.page_count = page_id + 1
        return frame

    def writable(self, frame: Frame, lsn: LSN) -> bytearray:
        """The page's bytes, to be changed in place. Under the latch, before any change; `lsn` is the change's.

        `frame.data` may be another bytearray afterwards: whatever was made from the old one is to be made anew.
        """
        if lsn > frame.newest_lsn:
            frame.newest_lsn = self.newest_lsn = lsn
        if frame.epoch == self._epoch:
            return frame.data
        return self._make_writable(frame, lsn)

    def figures(self) -> RelationFigures:
        with self.latch:
            return RelationFigures(
                relation_id=self.relation_id,
                kind=self.kind,
                page_count=self.page_count,
                resident_pages=len(self.frames),
                dirty_pages=len(self.dirty),
                frozen_pages=len(self.frozen),
                hits=self.hits,
                misses=self.misses,
                evictions=self.evictions,
                early_writes=self.early_writes,
                oldest_lsn=self.oldest_lsn,
                newest_lsn=self.newest_lsn,
            )

    def dirty_list(self) -> list[tuple[PageId, LSN, LSN, bool]]:
        """See `BufferPool.dirty_list`; a page that was changed again since the freeze is listed once, as what it is now."""
        with self.latch:
            found = {page_id: (frame, False) for page_id, frame in self.dirty.items()}
            for page_id, version in self.frozen.items():
                if isinstance(version, Frame):
                    found.setdefault(page_id, (version, True))
            return [
                (page_id, frame.first_dirty_lsn, frame.newest_lsn, is_frozen)
                for page_id, (frame, is_frozen) in sorted(found.items())
            ]

    def sample_dirty(self, count: int) -> list[bytes]:
        """Copies of some dirty pages, from all over the relation."""
        with self.latch:
            frames = list(self.dirty.values())
            step = max(1, len(frames) // count)
            return [bytes(frame.data) for frame in frames[::step][:count]]

    # --- For the checkpoint ---

    def freeze(self) -> FrozenRelation:
        """Let all that is dirty now belong to the image about to be built. Requires: the fence is closed."""
        with self.latch:
            assert not self.frozen, "an image is being built already"
            self._epoch += 1
            # The same dict goes on: `dirty` has frames only, `frozen` may get bytearrays too.
            self.frozen, self.dirty = cast("dict[PageId, Frame | bytearray]", self.dirty), {}
            facts = FrozenRelation(
                self.relation_id,
                self.page_count,
                len(self.frozen),
                self.oldest_lsn,
                self.newest_lsn,
            )
            self.oldest_lsn = LSN(0)
        return facts

    def begin_image(self, builder: ImageBuilder) -> None:
        """Say where frozen pages go: from now on eviction may write them there."""
        with self.latch:
            self.builder = builder

    def frozen_page_ids(self) -> list[PageId]:
        """The pages that the image has not got yet, in order."""
        with self.latch:
            return sorted(self.frozen)

    def take_frozen(self, page_id: PageId) -> bytearray | None:
        """The version of a page that the image gets, unless it has it already. It does not change until `mark_written`."""
        with self.latch:
            version = self._frozen_version(page_id)
            self.frozen_in_hand = None if version is None else page_id
            return version

    def mark_written(self, page_id: PageId) -> None:
        """The image has the page: the frame is clean, unless it was changed since the freeze."""
        with self.latch:
            self.frozen_in_hand = None
            self.frozen.pop(page_id, None)

    def end_image(self) -> None:
        """The image is published."""
        with self.latch:
            assert not self.frozen, "a page is not in the image"
            self.builder = None

    def unfreeze(self, oldest_lsn: LSN) -> None:
        """The image is given up: what it has not got is dirty again. `oldest_lsn` is what `freeze` said."""
        with self.latch:
            for page_id, version in self.frozen.items():
                # Of a version left behind there is a newer one, in memory or in the page store.
                if isinstance(version, Frame) and not self.is_dropped:
                    self.dirty[page_id] = version
            self.frozen = {}
            self.frozen_in_hand = None
            self.builder = None
            if oldest_lsn and (not self.oldest_lsn or oldest_lsn < self.oldest_lsn):
                self.oldest_lsn = oldest_lsn

    # --- For eviction ---

    def begin_eviction(self, frame: Frame) -> EarlyWrite | None:
        """Take a frame out of memory if it is clean; else answer what must be written first. Under the latch.

        None: nothing can be written now; `is_resident` tells whether the frame is gone.
        """
        if frame.written is not None:
            self._finish(frame, frame.written)
            return None
        if frame.is_writing or not self.is_resident(frame):
            return None
        builder = None
        if self.dirty.get(frame.page_id) is not frame:
            if self._frozen_version(frame.page_id) is not frame.data:
                self._evict(frame)
                return None
            builder = self.builder
            if builder is None or frame.page_id == self.frozen_in_hand:
                return None
        frame.is_writing = True
        frame.epoch = _NOT_WRITABLE
        return EarlyWrite(frame.data, builder, self._store.freeze_count)

    def finish_eviction(self, frame: Frame, write: EarlyWrite) -> None:
        """After the write was done: let the frame go if it has not changed since.

        Never waits for the latch: if it is held, the frame is finished when the clock's hand comes by again.
        """
        frame.written = write
        if self.latch.acquire(blocking=False):
            try:
                self._finish(frame, write)
            finally:
                self.latch.release()

    def fail_eviction(self, frame: Frame) -> None:
        """After the write failed: the frame stays as it is. Another bytearray is made if it is changed before it is written."""
        frame.is_writing = False

    def has_changes(self, frame: Frame) -> bool:
        """Whether the frame holds changes that are not written. Under the latch."""
        page_id = frame.page_id
        return self.dirty.get(page_id) is frame or self._frozen_version(page_id) is frame.data

    def is_resident(self, frame: Frame) -> bool:
        """Whether the frame is in memory. Under the latch."""
        return self.frames.get(frame.page_id) is frame

    def drop(self) -> None:
        """Forget all pages. What is frozen stays for the checkpoint, whose image still has the relation."""
        with self.latch:
            self.is_dropped = True
            self.frames = {}
            self.dirty = {}

    # --- Helpers, under the latch ---

    def _add(self, frame: Frame) -> None:
        self.frames[frame.page_id] = frame
        self._ring.append(frame)

    def _make_writable(self, frame: Frame, lsn: LSN) -> bytearray:
        page_id, data = frame.page_id, frame.data
        if self.dirty.get(page_id) is not frame or not frame.first_dirty_lsn:
            frame.first_dirty_lsn = lsn
            self.dirty[page_id] = frame
        is_frozen = self._frozen_version(page_id) is data
        if is_frozen or frame.is_writing:
            copy = bytearray(data)
            frame.cache = None
            if is_frozen:
                self.frozen[page_id] = data
            frame.data = copy
        if not self.oldest_lsn:
            self.oldest_lsn = lsn
        frame.epoch = self._epoch
        return frame.data

    def _finish(self, frame: Frame, write: EarlyWrite) -> None:
        page_id = frame.page_id
        if write.builder is not None and self._frozen_version(page_id) is write.data:
            del self.frozen[page_id]
        if frame.data is write.data and self.dirty.get(page_id) is frame:
            # Written early; or into an image that was given up since, which comes to the same.
            del self.dirty[page_id]
        frame.is_writing = False
        frame.written = None
        if self.is_resident(frame) and not self.has_changes(frame):
            self._evict(frame)

    def _frozen_version(self, page_id: PageId) -> bytearray | None:
        version = self.frozen.get(page_id)
        return version.data if isinstance(version, Frame) else version

    def _evict(self, frame: Frame) -> None:
        del self.frames[frame.page_id]
        self.evictions += 1
