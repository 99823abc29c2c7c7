"""Restart of a table: from any image, the log's committed records give what was committed, heap and indexes alike."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule
from table_world import FIRST_INDEX, HEAP, OVERFLOW, World
from test_table_model import Row, TableMachine

from lungfish.recovery.checkpoint_participants import HeldUndo
from lungfish.recovery.relation_state import RelationState
from lungfish.recovery.restart_tables import redo_rows, settle_image
from lungfish.storage.ids import LSN, PageId, RelationId, TupleId
from lungfish.storage.row_states import GONE, RowStates
from lungfish.storage.table import TableStore
from lungfish.storage.table_build import build_index, check_heap, check_index
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
        retained: defaultdict[RelationId, list[bytes]] = defaultdict(list)
        for transaction in transactions.running():
            HeldUndo.of(transaction).encode(retained, lambda: None)
        for transaction_id, undo in transactions.purge_queue.owed():
            held = HeldUndo(transaction_id, undo, len(undo))
            held.encode(retained, lambda: None)
        self.images.append(
            TableImage(
                {relation: self.world.pages_of(relation) for relation in RELATIONS},
                b"".join(retained[HEAP]),
                self.table.heap.free_space.encode(),
                self.world.log.end_lsn(),
            )
        )

    @rule(number=st.integers(0, 20), rebuilds=st.booleans())
    def restart(self, number: int, rebuilds: bool) -> None:
        """From any of the images; the second index from its own pages, or built anew."""
        image = self.images[number % len(self.images)]
        world = World(page_size=4096, budget_bytes=0)
        table = world.table(TYPES, ("unique", 0), (1, 0))
        for relation in RELATIONS[: 3 if rebuilds else 4]:
            world.set_pages(relation, image.pages[relation])
        second = table.indexes[1]
        if rebuilds:
            table.set_indexes(table.indexes[:1])
        table.heap.free_space.decode(image.free_space)
        log = self.world.log
        state = RelationState(retained_bytes=image.retained)
        settle_image(table.rows, state, log.committed, world.pool.trim)
        changes = {
            record.address: record.after
            for record in log.records[image.mark :]
            if record.transaction_id in log.committed
        }
        if changes:
            redo_rows(table.rows, row_states(changes), world.pool.trim)
        if rebuilds:
            build_index(table.rows, second)
            table.set_indexes((*table.indexes, second))
        self.check(world, table)

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


def row_states(changes: dict[TupleId, bytes | None]) -> RowStates:
    """What the log says of these rows at last: their packed form, None if they are gone."""
    rows = sorted(changes.items())
    lengths = [GONE if packed is None else len(packed) for _, packed in rows]
    data = b"".join(packed or b"" for _, packed in rows)
    starts = np.cumsum([0, *(max(length, 0) for length in lengths)])[:-1]
    return RowStates(
        np.array([address for address, _ in rows], np.int64),
        [LSN(1)],
        [np.frombuffer(data, np.uint8)],
        np.zeros(len(rows), np.int64),
        starts.astype(np.int64),
        np.array(lengths, np.int64),
    )


def test_a_row_that_had_its_key_back_keeps_its_entry() -> None:
    machine = RestartMachine()
    setup = machine.begin(is_repeatable=False)
    machine.insert(setup, (1, "a", ""))
    machine.end(setup, is_commit=True)
    lost = machine.begin(is_repeatable=False)
    machine.update(lost, [((2, "b", ""), False), ((1, "a", ""), False)], pick=0)
    machine.take_image()
    machine.restart(number=len(machine.images) - 1, rebuilds=False)


TestRestart = pytest.mark.slow(RestartMachine.TestCase)
TestRestart.settings = settings(
    max_examples=40,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
