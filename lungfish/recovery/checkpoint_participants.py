"""The parties to a checkpoint beside the pages: maps of free space, transactions with what they owe, sequences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from lungfish.recovery.checkpoint_contract import CheckpointContext, Forecast, Prepared
from lungfish.recovery.checkpoint_facts import Facts
from lungfish.recovery.index_marks import IndexCheckpointRegistry
from lungfish.recovery.relation_state import (
    COMMITTED,
    RelationState,
    decode_relation_state,
    encode_relation_state,
)
from lungfish.storage.ids import RelationId, TransactionId, TupleId
from lungfish.storage.image import RelationKind
from lungfish.storage.page_store import PageStore
from lungfish.storage.table import TableStore
from lungfish.storage.table_rows import TableRows
from lungfish.storage.transactions import (
    Transaction,
    TransactionManager,
    TransactionState,
    UndoEntry,
)
from lungfish.storage.undo_runs import InsertRun
from lungfish.storage.versions import put_retained

FREE_SPACE = "fsm"
TRANSACTIONS = "txn_allocator"
SEQUENCES = "sequences"
# So many rows are encoded before commits are let through.
_STRETCH = 64


class FreeSpaceParticipant:
    """The maps of free space of the tables that are open; the image keeps them with each relation's state."""

    name = FREE_SPACE

    def __init__(self, tables: Callable[[], Iterable[TableStore]]) -> None:
        self._tables = tables

    def begin(self, context: CheckpointContext) -> Forecast:
        return Forecast()

    def prepare(self, context: CheckpointContext) -> Prepared:
        maps = context.free_space
        for table in self._tables():
            heap = table.heap
            maps[heap.pages.relation_id] = heap.free_space.encode()
            maps[heap.overflow.pages.relation_id] = heap.overflow.free_space.encode()
        return Prepared()

    def commit(self, context: CheckpointContext) -> None:
        context.free_space = {}

    def abort(self, context: CheckpointContext) -> None:
        context.free_space = {}


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
        settled: Callable[[], set[RelationId]],
        indexes: IndexCheckpointRegistry,
    ) -> None:
        self._store = store
        self._transactions = transactions
        self._indexes = indexes
        # The relations of the committed catalog.
        self._settled = settled
        # Indexes that were not among them at the fence.
        self._unsettled: set[RelationId] = set()
        self._held: list[HeldUndo] = []
        # The undo lists of committed transactions, held still by the purge queue.
        self._owed: dict[TransactionId, list[UndoEntry]] = {}

    def begin(self, context: CheckpointContext) -> Forecast:
        return Forecast()

    def prepare(self, context: CheckpointContext) -> Prepared:
        self._held = self._hold_undo_lists()
        settled = self._settled()
        self._unsettled = {
            relation_id
            for relation_id, kind in self._store.kinds().items()
            if kind is RelationKind.INDEX and relation_id not in settled
        }
        return Prepared(facts={"next_id": self._transactions.next_id}, write=self._write)

    def commit(self, context: CheckpointContext) -> None:
        self._let_go()

    def abort(self, context: CheckpointContext) -> None:
        self._let_go()

    def _write(self, context: CheckpointContext) -> None:
        image, give_way = context.image, context.give_way
        retained = self._retained(give_way)
        for relation_id in image.relation_ids:
            give_way()
            free_space = context.free_space.get(relation_id)
            if free_space is None:
                # Nobody has opened it since the restart, so its map is as it was.
                free_space = self._free_space_before(relation_id)
            state = RelationState(
                free_space,
                b"".join(retained.pop(relation_id, ())),
                relation_id in self._unsettled,
            )
            # A relation that nobody changed is complete up to the redo LSN too.
            image.set_relation(
                relation_id, mark_lsn=context.redo_lsn, payload=encode_relation_state(state)
            )
        self._indexes.describe(image, context.left_out)

    def _hold_undo_lists(self) -> list[HeldUndo]:
        """The undo lists that matter; COMMITTED for whose purge is owed. Inside the closed fence.

        Lists may be very long, and of committed transactions there may be very many while somebody holds an old snapshot: none is copied, nor
        looked through. One that is committing may become committed at this very moment, and its list move on to the purge queue: so the queue is
        looked at last, and no list is taken twice.
        """
        transactions = self._transactions
        running = transactions.running()
        found = [HeldUndo.of(each) for each in running]
        self._owed = transactions.purge_queue.hold()
        for each in running:
            self._owed.pop(each.id, None)
        return found

    def _retained(self, give_way: Callable[[], None]) -> dict[RelationId, list[bytes]]:
        """What the images of heaps must carry, encoded, in parts."""
        retained: defaultdict[RelationId, list[bytes]] = defaultdict(list)
        for held in self._held:
            held.encode(retained, give_way)
        owed = self._owed
        for number, transaction_id in enumerate(sorted(owed)):
            if not number % _STRETCH:
                give_way()
            encode_owed(retained, owed[transaction_id], give_way)
        return retained

    def _let_go(self) -> None:
        self._held, self._owed = [], {}
        self._transactions.purge_queue.let_go()

    def _free_space_before(self, relation_id: RelationId) -> bytes:
        before = self._store.image.relations.get(relation_id)
        return b"" if before is None else decode_relation_state(before.payload).free_space


@dataclass(frozen=True, slots=True)
class HeldUndo:
    """The undo list of a transaction that had not ended, as it was at the fence, however long: it is neither copied nor looked through then.

    It may grow behind `count`; whoever takes entries off goes on with a copy (`Transaction.own_undo`).
    """

    # COMMITTED if only purges are owed.
    transaction_id: TransactionId
    entries: list[UndoEntry]
    count: int

    @staticmethod
    def of(transaction: Transaction) -> HeldUndo:
        """Hold a list still. Inside the closed fence."""
        is_running = transaction.state is TransactionState.RUNNING
        transaction.is_undo_held = True
        undo = transaction.undo
        return HeldUndo(transaction.id if is_running else COMMITTED, undo, len(undo))

    def encode(
        self, retained: defaultdict[RelationId, list[bytes]], give_way: Callable[[], None]
    ) -> None:
        """Add what the images of heaps must carry, oldest first."""
        entries = islice(self.entries, self.count)
        if self.transaction_id == COMMITTED:
            encode_owed(retained, entries, give_way)
            return
        for index, (store, address, before) in enumerate(entries):
            if not index % _STRETCH:
                give_way()
            if isinstance(store, InsertRun):
                parts = retained[store.rows.relation_id]
                for offset in range(store.row_count):
                    if not offset % _STRETCH:
                        give_way()
                    put_retained(parts, self.transaction_id, TupleId(address + offset), None)
            elif isinstance(store, TableRows):
                put_retained(retained[store.relation_id], self.transaction_id, address, before)


def encode_owed(
    retained: defaultdict[RelationId, list[bytes]],
    entries: Iterable[UndoEntry],
    give_way: Callable[[], None],
) -> None:
    """Add the versions whose purge a committed transaction owes. For the rows that it inserted it owes nothing."""
    for index, (store, address, before) in enumerate(entries, 1):
        if not index % _STRETCH:
            give_way()
        if before is not None and isinstance(store, TableRows):
            put_retained(retained[store.relation_id], COMMITTED, address, before)


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
