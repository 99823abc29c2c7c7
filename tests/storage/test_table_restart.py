"""Restart of a table: from any image, the log's committed records give what was committed, heap and indexes alike."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule
from table_world import FIRST_INDEX, HEAP, OVERFLOW, RecordingLog, World
from test_table_model import Row, TableMachine

from lungfish.storage.ids import LSN, PageId, RelationId, TupleId
from lungfish.storage.table import TableStore
from lungfish.storage.table_build import build_index, check_heap, check_index
from lungfish.storage.table_restart import purge, put_back, redo, replay_entry, retained_of
from lungfish.storage.table_rows import retained_rows
from lungfish.storage.versions import RetainedRow, decode_retained, encode_retained
from lungfish.types.sql_type import INTEGER, TEXT

RELATIONS = (HEAP, OVERFLOW, FIRST_INDEX, RelationId(FIRST_INDEX + 1))
TYPES = (INTEGER, TEXT, TEXT)


@dataclass(frozen=True)
class TableImage:
    """What a checkpoint would keep."""

    pages: dict[RelationId, list[bytes]]
    retained: bytes
    free_space: bytes
    mark: LSN


class RestartMachine(TableMachine):
    """The table model, with images taken at any moment and restarts from any of them."""

    def __init__(self) -> None:
        super().__init__()
        self.images: list[TableImage] = []
        self.take_image()

    @rule()
    def take_image(self) -> None:
        transactions = self.world.transactions
        lists = [(each.id, each.undo) for each in transactions.unfinished()]
        retained: list[RetainedRow] = []
        for transaction_id, undo in [*lists, *transactions.purge_queue.owed()]:
            retained += retained_rows(transaction_id, undo).get(HEAP, [])
        self.images.append(
            TableImage(
                {relation: self.world.pages_of(relation) for relation in RELATIONS},
                encode_retained(retained),
                self.table.heap.free_space.encode(),
                self.world.log.end_lsn(),
            )
        )

    @rule(number=st.integers(0, 20), index_number=st.integers(0, 20))
    def restart(self, number: int, index_number: int) -> None:
        """From an image of the heap and the first index, and another one of the second index."""
        image = self.images[number % len(self.images)]
        later = self.images[index_number % len(self.images)]
        log = self.world.log
        world = World(page_size=4096, budget_bytes=0)
        table = self.restart_heap(world, image, log)
        second = RelationId(FIRST_INDEX + 1)
        if later.mark > image.mark and not later.retained:
            table = self.with_second_index(table, later, log)
        else:
            new = World(page_size=4096)
            rebuilt = new.index(TYPES, (1, 0), second)
            build_index(table.rows, rebuilt)
            table.rows.set_indexes((*table.indexes, rebuilt))
        self.check(world, table)

    def restart_heap(self, world: World, image: TableImage, log: RecordingLog) -> TableStore:
        table = world.table(TYPES, ("unique", 0))
        for relation in RELATIONS[:3]:
            world.set_pages(relation, image.pages[relation])
        table.heap.free_space.decode(image.free_space)
        lost, kept = retained_of(list(decode_retained(image.retained)), log.committed)
        for row in lost:
            put_back(table.rows, row)
        for row in kept:
            purge(table.rows, row)
        last: dict[TupleId, bytes | None] = {}
        for record in log.records[image.mark :]:
            if record.transaction_id in log.committed:
                last[record.address] = record.after
        for address in sorted(last):
            redo(table.rows, address, last[address], LSN(1))
            world.pool.trim()
        return table

    def with_second_index(
        self, table: TableStore, image: TableImage, log: RecordingLog
    ) -> TableStore:
        """Bring the second index up from an image of its own, taken when no transaction was running."""
        world = World(page_size=4096)
        index = world.index(TYPES, (1, 0), RELATIONS[3])
        world.set_pages(RELATIONS[3], image.pages[RELATIONS[3]])
        for record in log.records[image.mark :]:
            if record.transaction_id in log.committed:
                _, address, before, after = record
                replay_entry(table.rows, index, address, before, after, LSN(1))
        table.rows.set_indexes((*table.indexes, index))
        return table

    def check(self, world: World, table: TableStore) -> None:
        transaction = table.rows.transactions.begin()
        snapshot = transaction.statement_snapshot()
        # Every id in the image has ended.
        snapshot.xmin = snapshot.xmax = self.world.transactions.next_id
        found: dict[TupleId, Row] = {}
        for batch in table.scan(snapshot, with_tuple_id=True):
            columns = [column.to_pylist() for column in batch.columns]
            found.update({row[-1]: row[:-1] for row in zip(*columns, strict=True)})
        assert found == {address: row for address, (_, row) in self.committed.items()}
        for index in table.indexes:
            check_index(table.rows, index)
        assert check_heap(table.rows) == len(found)
        pointed = 0
        heap = table.heap
        world.load_all(heap.pages, heap.overflow.pages)
        with heap.pages.latch:
            for page_id in range(heap.pages.page_count):
                data = heap.pages.fetch(PageId(page_id)).data
                _, used, deleted = heap.format.counts(data)
                assert deleted == 0
                assert used == sum(address >> 16 == page_id for address in found)
            for address in found:
                stored = heap.stored(address)
                assert stored is not None
                pointed += sum(each.size for each in heap.layout.overflow_pointers(stored))
        with heap.overflow.pages.latch:
            kept = sum(
                size
                for page_id in range(heap.overflow.pages.page_count)
                for _, size in heap.overflow.check_page(PageId(page_id))
            )
        assert kept == pointed


TestRestart = RestartMachine.TestCase
TestRestart.settings = settings(
    max_examples=40,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
