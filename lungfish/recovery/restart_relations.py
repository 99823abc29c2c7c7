"""The tables that a restart works on: their relations, what the image has of them, and which of their indexes are built at the end.

An index is built anew, from the rows, when it has no image to rely on, or when the log changes so much of its table that adding and
removing entries one by one would take longer than reading the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from lungfish.recovery.relation_state import (
    RelationState,
    decode_relation_state,
    restore_free_space,
)
from lungfish.recovery.restart_changes import RowRecords
from lungfish.recovery.restart_indexes import build_missing
from lungfish.recovery.restart_log import LogFacts
from lungfish.recovery.restart_marks import IndexReplay, can_replay
from lungfish.storage.buffer_pool import BufferPool
from lungfish.storage.heap import Heap
from lungfish.storage.ids import LSN, RelationId
from lungfish.storage.image import RelationKind
from lungfish.storage.page_store import PageStore
from lungfish.storage.table import TableStore
from lungfish.storage.table_rows import TableRows

# From so many changed rows on, building a table's indexes beats adding one entry after the other: if there were no rows before,
BULK_ROW_COUNT = 512
# or if the log's share of the table is at least this (an entry takes about a hundred times as long to add as to build).
_REBUILD_SHARE = 64


@dataclass(frozen=True, slots=True)
class TableRelations:
    """The relations of one table."""

    heap: RelationId
    overflow: RelationId
    indexes: tuple[RelationId, ...] = ()

    def all(self) -> tuple[RelationId, ...]:
        """Heap, overflow, indexes."""
        return (self.heap, self.overflow, *self.indexes)


class RestartCatalog(Protocol):
    """What restart asks of the catalog; `database` implements it. Relations exist when a table is asked for, perhaps without a page."""

    def catalog_tables(self) -> Sequence[TableRelations]:
        """The tables in which the catalog itself is kept: their layout is fixed."""

    def load(self) -> None:
        """The catalog's tables hold their committed rows: read them."""

    def tables(self) -> Sequence[TableRelations]:
        """Every other table that the catalog knows. Called after `load`."""

    def table(self, heap: RelationId) -> TableStore:
        """One of these tables, open. An index without pages is made anew, empty."""


def is_mostly_from_log(*, rows: int, log_bytes: int, image_bytes: int) -> bool:
    """Whether the log changes so much of a table that its indexes are built anew."""
    return rows >= BULK_ROW_COUNT and log_bytes * _REBUILD_SHARE >= image_bytes


class RestartTables:
    """The tables of one round: the catalog's own, or all others."""

    def __init__(
        self,
        store: PageStore,
        pool: BufferPool,
        catalog: RestartCatalog,
        tables: Sequence[TableRelations],
        log_facts: LogFacts,
    ) -> None:
        self.pool = pool
        self.heaps = {table.heap: table for table in tables}
        self._store = store
        self._catalog = catalog
        self._log_facts = log_facts
        self._images = store.image.relations
        self._open: dict[RelationId, TableReplay] = {}
        self._index_replays: dict[RelationId, IndexReplay] = {}

    def make_missing(self) -> None:
        """Make the relations that came after the image, and those of indexes that are to be built again, empty."""
        there = set(self._store.relations())
        for table in self.heaps.values():
            wanted = [(table.heap, RelationKind.HEAP), (table.overflow, RelationKind.OVERFLOW)]
            wanted += [(each, RelationKind.INDEX) for each in table.indexes]
            unbuilt = self.unbuilt(table.heap)
            for relation_id, kind in wanted:
                if relation_id in there and relation_id in unbuilt:
                    self.pool.drop_relation(relation_id)
                    there.remove(relation_id)
                if relation_id not in there:
                    self.pool.create_relation(relation_id, kind)

    def unbuilt(self, heap: RelationId) -> set[RelationId]:
        """A table's indexes that are built at the end."""
        indexes = self.heaps[heap].indexes
        if self._is_mostly_from_log(heap):
            return set(indexes)
        return {
            each
            for each in indexes
            if each not in self._images
            or self.state(each).is_unsettled
            or (self._is_lagging(each, heap) and not self._can_replay(each))
        }

    def _is_lagging(self, index: RelationId, heap: RelationId) -> bool:
        return index in self._images and self._images[index].mark_lsn < self.mark(heap)

    def _can_replay(self, index: RelationId) -> bool:
        """Whether a lagging index can be brought up to its table by what the log has."""
        facts = self._log_facts
        return self._images[index].mark_lsn >= facts.start and can_replay(
            self.state(index), facts.committed
        )

    def _index_replay(self, heap: RelationId) -> IndexReplay:
        """The indexes of a table that are replayed from marks of their own."""
        found = self._index_replays.get(heap)
        if found is None:
            unbuilt = self.unbuilt(heap)
            lagging = [
                each
                for each in self.heaps[heap].indexes
                if self._is_lagging(each, heap) and each not in unbuilt
            ]
            found = self._index_replays[heap] = IndexReplay(
                {each: self._images[each].mark_lsn for each in lagging},
                {each: self.state(each) for each in lagging},
            )
        return found

    def note(self, heap: RelationId, parts: Iterable[RowRecords]) -> None:
        """Let the indexes of a table that have marks of their own see a part of the log."""
        replay = self._index_replay(heap)
        if replay.marks:
            replay.note(parts, heap)

    def _is_mostly_from_log(self, heap: RelationId) -> bool:
        """Whether building a table's indexes anew beats changing them."""
        facts, image = self._log_facts, self._images.get(heap)
        image_bytes = 0 if image is None else image.page_count * self._store.page_size_bytes
        return is_mostly_from_log(
            rows=facts.rows.get(heap, 0),
            log_bytes=facts.row_bytes.get(heap, 0),
            image_bytes=image_bytes,
        )

    def state(self, relation_id: RelationId) -> RelationState:
        """What the image has of a relation beside its pages."""
        image = self._images.get(relation_id)
        return RelationState() if image is None else decode_relation_state(image.payload)

    def mark(self, heap: RelationId) -> LSN:
        """Up to where the image of a heap is complete."""
        image = self._images.get(heap)
        return LSN(0) if image is None else image.mark_lsn

    def with_retained_rows(self) -> list[RelationId]:
        """The heaps whose images have something to put back or to purge."""
        return [heap for heap in self.heaps if self.state(heap).retained_bytes]

    def open(self, heap: RelationId) -> TableReplay:
        """A table at work."""
        replay = self._open.get(heap)
        if replay is None:
            table = self._catalog.table(heap)
            restore_free_space(self._store, table)
            missing = self.unbuilt(heap)
            # A small table without an image begins empty, and so do its indexes: they go along.
            if heap not in self._images and not self._is_mostly_from_log(heap):
                missing = set()
            replay = self._open[heap] = TableReplay(table.rows, missing, self._index_replay(heap))
        return replay

    def opened(self) -> list[Heap]:
        """The heaps at work."""
        return [replay.rows.heap for replay in self._open.values()]

    def built_at_the_end(self) -> set[RelationId]:
        """The indexes that do not follow redo."""
        return {
            each
            for heap in self.heaps
            for each in (
                *(self._open[heap].missing if heap in self._open else self.unbuilt(heap)),
                *self._index_replay(heap).marks,
            )
        }

    def finish(self) -> int:
        """Build what indexes are to be built, also of tables that the log does not speak of; answers how many."""
        for heap in self.heaps:
            if heap in self._images and (self.unbuilt(heap) or self._index_replay(heap).marks):
                self.open(heap)
        return sum(replay.finish(self.pool.trim) for replay in self._open.values())

    @property
    def indexes_replayed(self) -> int:
        """How many indexes were brought up from marks of their own."""
        return sum(replay.indexes_replayed for replay in self._open.values())


class TableReplay:
    """A table under undo and redo: which of its indexes go along, which (`missing`) are built at the end, which replayed then."""

    def __init__(
        self, rows: TableRows, missing: set[RelationId], index_replay: IndexReplay
    ) -> None:
        self.rows = rows
        self.missing = missing
        self.index_replay = index_replay
        self.indexes_replayed = 0
        self._all = rows.indexes
        if missing or index_replay.marks:
            rows.set_indexes(
                each
                for each in rows.indexes
                if each.relation_id not in missing and each.relation_id not in index_replay.marks
            )

    def finish(self, trim: Callable[[], None]) -> int:
        """Build, with all indexes in place again; answers how many were built."""
        if not self.missing and not self.index_replay.marks:
            return 0
        self.rows.set_indexes(self._all)
        self.indexes_replayed = self.index_replay.apply(self.rows, trim)
        return build_missing(self.rows, self.missing, trim)
