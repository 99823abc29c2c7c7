"""The checkpoint's contract, and the built-in parties to it.

The coordinator calls each participant in this order; a participant may be asked to abort after any of them:

    begin      writers go on: say what is dirty and what it will cost
    prepare    inside the closed fence: hold still what belongs to the image, copy nothing large
    write      (`Prepared.write`) writers go on: bring what was held still into the image
    commit     the image is durable: let go of what only the one before needed

Invariants:
1. `prepare` does no I/O and takes time by the number of its objects, not of their bytes.
2. What `prepare` answers is of one moment: the fence is closed, so pages, undo lists, sequences and the log's end agree.
3. `abort` loses nothing: the next checkpoint captures what this one would have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from lungfish.recovery.checkpoint_facts import Facts
from lungfish.recovery.checkpoint_request import CheckpointRequest
from lungfish.recovery.relation_state import (
    COMMITTED,
    RelationState,
    decode_relation_state,
    encode_relation_state,
)
from lungfish.storage.buffer_pool import BufferPool
from lungfish.storage.frozen_pages import FrozenPages
from lungfish.storage.ids import LSN, RelationId, TransactionId, TupleId
from lungfish.storage.image import RelationKind
from lungfish.storage.image_builder import ImageBuilder
from lungfish.storage.page_slots import stored_units
from lungfish.storage.page_store import PageStore
from lungfish.storage.page_table import UNIT_SIZE
from lungfish.storage.table import TableStore
from lungfish.storage.table_rows import InsertRun, TableRows
from lungfish.storage.transactions import TransactionManager, TransactionState, UndoEntry
from lungfish.storage.versions import RetainedRow

TRANSACTIONS = "transactions"
SEQUENCES = "sequences"

_NO_LSN = LSN(0)


@dataclass(slots=True)
class CheckpointContext:
    """One checkpoint under way, as its participants see it."""

    checkpoint_id: int
    request: CheckpointRequest
    # Set inside the fence, before the first `prepare`.
    redo_lsn: LSN = _NO_LSN
    # Set by the pages' own `prepare`; the image takes what others have to keep with a relation.
    builder: ImageBuilder | None = None

    @property
    def image(self) -> ImageBuilder:
        """The image being built. Requires: the write phase."""
        assert self.builder is not None, "there is an image from `prepare` on"
        return self.builder


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a participant would have to write now."""

    pages: int = 0
    bytes: int = 0


def _write_nothing(context: CheckpointContext) -> None:
    """For a participant whose facts are all it has."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a participant holds still for the image."""

    pages: int = 0
    # JSON values kept with the image under the participant's name, for restart.
    facts: Facts = field(default_factory=dict)
    # Called in the write phase, outside the fence.
    write: Callable[[CheckpointContext], None] = _write_nothing


class CheckpointParticipant(Protocol):
    """A party to every checkpoint; see the module's text for when each method is called."""

    @property
    def name(self) -> str:
        """Under which its facts are kept."""

    def begin(self, context: CheckpointContext) -> Forecast: ...

    def prepare(self, context: CheckpointContext) -> Prepared: ...

    def commit(self, context: CheckpointContext) -> None: ...

    def abort(self, context: CheckpointContext) -> None: ...


def _do_not_wait(size: int) -> None:
    """Write on at once."""


class PagesParticipant:
    """The dirty pages of all relations: catalog, heaps, indexes, overflow."""

    name = "pages"

    def __init__(self, pool: BufferPool) -> None:
        self._pool = pool
        self._frozen: FrozenPages | None = None
        # Called after each page with its bytes, while writers go on: where an I/O budget holds the checkpoint back.
        self.pace: Callable[[int], None] = _do_not_wait
        # What the last image was given, for the status view.
        self.pages_total = 0
        self.pages_done = 0
        self.bytes_done = 0

    def begin(self, context: CheckpointContext) -> Forecast:
        dirty = self._pool.figures().dirty_pages
        return Forecast(dirty, dirty * self._pool.store.page_size_bytes)

    def prepare(self, context: CheckpointContext) -> Prepared:
        frozen = self._frozen = self._pool.freeze()
        context.builder = frozen.builder
        self.pages_total, self.pages_done, self.bytes_done = frozen.page_count, 0, 0
        return Prepared(pages=frozen.page_count, write=self._write)

    def commit(self, context: CheckpointContext) -> None:
        self._frozen = None

    def abort(self, context: CheckpointContext) -> None:
        frozen, self._frozen = self._frozen, None
        if frozen is not None:
            frozen.abort()

    @property
    def frozen(self) -> FrozenPages:
        """What the image is to get. Requires: between `prepare` and `commit`."""
        assert self._frozen is not None, "frozen at `prepare`"
        return self._frozen

    def stored_bytes(self) -> int:
        """What the frozen pages will take in the file: for a dry run, which writes none of them."""
        return sum(sum(stored_units(page.data)) * UNIT_SIZE for page in self.frozen)

    def _write(self, context: CheckpointContext) -> None:
        frozen = self.frozen
        for page in frozen:
            size = frozen.write(page)
            self.bytes_done += size
            self.pages_done += 1
            self.pace(size)
        self.pages_done = self.pages_total


class TransactionsParticipant:
    """The next transaction id, and what the images of tables must carry of transactions: old versions and owed purges.

    A transaction that is committing counts as committed: its record lies before the redo LSN, up to which the log is synced before
    the image is published (invariant 3 of `storage/transactions.py`).
    """

    name = TRANSACTIONS

    def __init__(
        self,
        store: PageStore,
        transactions: TransactionManager,
        tables: Callable[[], Iterable[TableStore]],
        settled: Callable[[], set[RelationId]],
    ) -> None:
        self._store = store
        self._transactions = transactions
        # The relations of the committed catalog.
        self._settled = settled
        # Indexes that were not among them at the fence.
        self._unsettled: set[RelationId] = set()
        # The tables that are open.
        self._tables = tables
        self._held: list[HeldUndo] = []
        # Maps of free space by relation, of heaps and overflow pages.
        self._free_space: dict[RelationId, bytes] = {}

    def begin(self, context: CheckpointContext) -> Forecast:
        return Forecast()

    def prepare(self, context: CheckpointContext) -> Prepared:
        self._held = [HeldUndo.of(*each) for each in self._undo_lists()]
        self._unsettled = {
            relation_id
            for relation_id in set(self._store.relations()) - self._settled()
            if self._store.kind(relation_id) is RelationKind.INDEX
        }
        self._free_space = {}
        for table in self._tables():
            heap = table.heap
            self._free_space[heap.pages.relation_id] = heap.free_space.encode()
            self._free_space[heap.overflow.pages.relation_id] = heap.overflow.free_space.encode()
        return Prepared(facts={"next_id": self._transactions.next_id}, write=self._write)

    def commit(self, context: CheckpointContext) -> None:
        self._held = []
        self._free_space = {}

    def abort(self, context: CheckpointContext) -> None:
        self.commit(context)

    def _write(self, context: CheckpointContext) -> None:
        image = context.image
        by_relation: dict[RelationId, list[RetainedRow]] = {}
        for held in self._held:
            for relation_id, row in held.rows():
                by_relation.setdefault(relation_id, []).append(row)
        for relation_id in image.relation_ids:
            retained = tuple(by_relation.get(relation_id, ()))
            free_space = self._free_space.get(relation_id)
            if free_space is None:
                # Nobody has opened it since the restart, so its map is as it was.
                free_space = self._free_space_before(relation_id)
            state = RelationState(free_space, retained, relation_id in self._unsettled)
            # A relation that nobody changed is complete up to the redo LSN too.
            image.set_relation(
                relation_id, mark_lsn=context.redo_lsn, payload=encode_relation_state(state)
            )

    def _undo_lists(self) -> list[tuple[TransactionId, list[UndoEntry]]]:
        """The undo lists that matter; COMMITTED for whose purge is owed. Inside the closed fence.

        A transaction that is committing may become committed at this very moment, and its list move on to the purge queue: so the queue is
        looked at last, and no list is taken twice.
        """
        found = []
        seen = set()
        for each in self._transactions.running():
            is_running = each.state is TransactionState.RUNNING
            found.append((each.id if is_running else COMMITTED, each.undo))
            seen.add(id(each.undo))
        for _, undo in self._transactions.purge_queue.owed():
            if id(undo) not in seen:
                found.append((COMMITTED, undo))
        return found

    def _free_space_before(self, relation_id: RelationId) -> bytes:
        before = self._store.image.relations.get(relation_id)
        return b"" if before is None else decode_relation_state(before.payload).free_space


@dataclass(frozen=True, slots=True)
class HeldUndo:
    """An undo list as it was at the fence. Taking it costs a copy of the list; what is in it is looked at later."""

    # COMMITTED if only purges are owed.
    transaction_id: TransactionId
    entries: list[UndoEntry]
    # How many rows each run of inserts still had: rollback takes them off one by one.
    run_counts: dict[int, int]

    @staticmethod
    def of(transaction_id: TransactionId, undo: list[UndoEntry]) -> HeldUndo:
        """Hold a list still. Inside the closed fence."""
        if transaction_id == COMMITTED:
            # Of a committed transaction nothing is owed for the rows it inserted.
            return HeldUndo(transaction_id, [entry for entry in undo if entry[2] is not None], {})
        run_counts = {
            index: entry[0].count
            for index, entry in enumerate(undo)
            if isinstance(entry[0], InsertRun)
        }
        return HeldUndo(transaction_id, undo.copy(), run_counts)

    def rows(self) -> Iterator[tuple[RelationId, RetainedRow]]:
        """What the images of heaps must carry, oldest first."""
        for index, (store, address, before) in enumerate(self.entries):
            if isinstance(store, InsertRun):
                for offset in range(self.run_counts[index]):
                    inserted = TupleId(address + offset)
                    yield store.rows.relation_id, RetainedRow(self.transaction_id, inserted, None)
            elif isinstance(store, TableRows):
                yield store.relation_id, RetainedRow(self.transaction_id, address, before)


class FactsParticipant:
    """A participant that only has facts to keep: running values of sequences, next ids."""

    def __init__(self, name: str, read: Callable[[], Facts]) -> None:
        self._name = name
        # Called inside the closed fence.
        self._read = read

    @property
    def name(self) -> str:
        return self._name

    def begin(self, context: CheckpointContext) -> Forecast:
        return Forecast()

    def prepare(self, context: CheckpointContext) -> Prepared:
        return Prepared(facts=self._read())

    def commit(self, context: CheckpointContext) -> None:
        return

    def abort(self, context: CheckpointContext) -> None:
        return
