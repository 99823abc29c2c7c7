"""A table with two indexes, several transactions, savepoints and snapshots, against dicts.

The model: `committed` is what a new snapshot sees; each transaction has the dict its snapshot saw (or, at READ COMMITTED, looks at
`committed` itself) and its own changes on top. One thread plays all transactions, so whoever would have to wait has a lock timeout of
nought and gets LockNotAvailable instead; the model says when that must happen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    precondition,
    rule,
)
from table_world import World

from lungfish import errors
from lungfish.storage.ids import PageId, TupleId
from lungfish.storage.keys import WHOLE_RANGE
from lungfish.storage.table import LockStatus, UniqueConflict
from lungfish.storage.table_build import check_heap, check_index
from lungfish.storage.transactions import IsolationLevel, Transaction
from lungfish.types.sql_type import INTEGER, TEXT

Row = tuple[Any, ...]
Versioned = tuple[int, Row]

KEYS = st.integers(0, 8) | st.none()
NAMES = st.sampled_from(["a", "b", "a name of some length", "l" * 900, None])
LONG, VERY_LONG = "o" * 900, "p" * 6000
NOTES = st.sampled_from(["", "short", "n" * 40, LONG, VERY_LONG])
# Which of the rows in sight: mostly one of the first few, so that transactions meet.
PICKS = st.integers(0, 3) | st.integers(0, 40)
ROWS = st.tuples(KEYS, NAMES, NOTES)


@dataclass(eq=False)
class Client:
    """A transaction with what the model knows of it."""

    transaction: Transaction
    # What its snapshot saw; None at READ COMMITTED.
    base: dict[TupleId, Versioned] | None
    changes: dict[TupleId, Row | None] = field(default_factory=dict)
    # Every row that it has changed or locked, in order; inserted ones are not locked.
    locked: list[TupleId] = field(default_factory=list)
    # The keys that its rows have had on the way: a savepoint might bring any of them back.
    past_keys: list[int | None] = field(default_factory=list)
    savepoints: list[tuple[dict[TupleId, Row | None], int, int]] = field(default_factory=list)

    def change(self, address: TupleId, row: Row | None) -> None:
        self.changes[address] = row
        if row is not None:
            self.past_keys.append(row[0])


class TableMachine(RuleBasedStateMachine):
    clients = Bundle("clients")

    def __init__(self) -> None:
        super().__init__()
        self.world = World(page_size=4096, budget_bytes=0)
        self.table = self.world.table([INTEGER, TEXT, TEXT], ("unique", 0), (1, 0))
        self.committed: dict[TupleId, Versioned] = {}
        self.version = 0
        self.open: list[Client] = []

    # The model

    def view(self, client: Client) -> dict[TupleId, Row]:
        base = self.committed if client.base is None else client.base
        seen = {address: row for address, (_, row) in base.items()}
        for address, row in client.changes.items():
            if row is None:
                seen.pop(address, None)
            else:
                seen[address] = row
        return seen

    def owner_of_key(self, client: Client, key: int, own: TupleId | None) -> str:
        """What stands in the way of a row with this key: "", "conflict" or "wait"."""
        for other in self.open:
            if other is not client:
                befores = [self.committed.get(address) for address in other.changes]
                if key in other.past_keys or any(row[1][0] == key for row in befores if row):
                    return "wait"
        newest = {address: row for address, (_, row) in self.committed.items()}
        newest.update(client.changes)
        for address, row in newest.items():
            if row is not None and address != own and row[0] == key:
                return "conflict"
        return ""

    def is_locked_by_other(self, client: Client, address: TupleId) -> bool:
        return any(address in other.locked for other in self.open if other is not client)

    # Transactions

    @rule(target=clients, is_repeatable=st.booleans())
    def begin(self, is_repeatable: bool) -> Client:
        level = IsolationLevel.REPEATABLE_READ if is_repeatable else IsolationLevel.READ_COMMITTED
        owner = self.world.transactions.locks.new_owner(timeout_s=0)
        transaction = self.world.transactions.begin(level, lock_owner=owner)
        if is_repeatable:
            transaction.statement_snapshot()
        client = Client(transaction, dict(self.committed) if is_repeatable else None)
        self.open.append(client)
        return client

    @rule(client=consumes(clients), is_commit=st.booleans())
    def end(self, client: Client, is_commit: bool) -> None:
        self.open.remove(client)
        if not is_commit:
            client.transaction.rollback()
            return
        client.transaction.commit()
        for address, row in client.changes.items():
            self.version += 1
            if row is None:
                self.committed.pop(address, None)
            else:
                self.committed[address] = (self.version, row)

    @rule(client=clients)
    def savepoint(self, client: Client) -> None:
        client.transaction.savepoint(f"s{len(client.savepoints)}")
        client.savepoints.append((dict(client.changes), len(client.locked), len(client.past_keys)))

    @precondition(lambda self: any(client.savepoints for client in self.open))
    @rule(client=clients, data=st.data())
    def rollback_to(self, client: Client, data: st.DataObject) -> None:
        if client.savepoints:
            index = data.draw(st.integers(0, len(client.savepoints) - 1))
            client.transaction.rollback_to(f"s{index}")
            changes, lock_count, key_count = client.savepoints[index]
            client.changes = dict(changes)
            del client.locked[lock_count:], client.past_keys[key_count:]
            del client.savepoints[index + 1 :]

    # Rows

    @initialize(target=clients, count=st.integers(0, 6))
    def begin_with_rows(self, count: int) -> Client:
        first = self.begin(is_repeatable=False)
        self.insert_many(first, [(key, "a", "b" * key) for key in range(count)])
        self.end(first, is_commit=True)
        return self.begin(is_repeatable=False)

    @rule(client=clients, row=ROWS)
    def insert(self, client: Client, row: Row) -> None:
        way = "" if row[0] is None else self.owner_of_key(client, row[0], None)
        if way == "wait":
            with pytest.raises(errors.LockNotAvailable):
                self.table.insert(client.transaction, row)
        elif way == "conflict":
            with pytest.raises(UniqueConflict):
                self.table.insert(client.transaction, row)
        else:
            address = self.table.insert(client.transaction, row)
            assert address not in self.view(client)
            client.change(address, row)

    @rule(client=clients, rows=st.lists(ROWS, max_size=30))
    def insert_many(self, client: Client, rows: list[Row]) -> None:
        keys = [row[0] for row in rows if row[0] is not None]
        is_free = len(keys) == len(set(keys)) and not any(
            self.owner_of_key(client, key, None) for key in keys
        )
        if is_free:
            addresses = self.table.insert_many(client.transaction, rows)
            for address, row in zip(addresses, rows, strict=True):
                client.change(address, row)
        else:
            before = len(client.transaction.undo)
            with pytest.raises((UniqueConflict, errors.LockNotAvailable)):
                self.table.insert_many(client.transaction, rows)
            assert len(client.transaction.undo) == before

    def lock(self, client: Client, address: TupleId) -> bool:
        """Lock a row that the client sees; whether it may be changed now."""
        transaction = client.transaction
        snapshot = transaction.statement_snapshot()
        if self.is_locked_by_other(client, address):
            with pytest.raises(errors.LockNotAvailable):
                self.table.lock(transaction, snapshot, address)
            return False
        if (
            address not in client.changes
            and client.base is not None
            and client.base[address] != self.committed.get(address)
        ):
            with pytest.raises(errors.SerializationFailure):
                self.table.lock(transaction, snapshot, address)
            client.locked.append(address)
            return False
        found = self.table.lock(transaction, snapshot, address)
        if address not in client.locked:
            client.locked.append(address)
        assert found.status is LockStatus.SAME
        assert found.values == self.view(client)[address]
        return True

    @rule(
        client=clients,
        rows=st.lists(st.tuples(ROWS, st.booleans()), min_size=1, max_size=4),
        pick=PICKS,
    )
    def update(self, client: Client, rows: list[tuple[Row, bool]], pick: int) -> None:
        """Update one row several times."""
        seen = self.view(client)
        if not seen:
            return
        address = sorted(seen)[pick % len(seen)]
        for row, keeps_key in rows:
            if self.lock(client, address):
                old = self.view(client)[address]
                self.update_locked(client, address, (*old[:2], row[2]) if keeps_key else row)

    def update_locked(self, client: Client, address: TupleId, row: Row) -> None:
        way = ""
        if row[0] is not None and row[0] != self.view(client)[address][0]:
            way = self.owner_of_key(client, row[0], address)
        if way:
            with pytest.raises((UniqueConflict, errors.LockNotAvailable)):
                self.table.update(client.transaction, address, row)
        else:
            self.table.update(client.transaction, address, row)
            client.change(address, row)

    @rule(client=clients, pick=PICKS)
    def delete(self, client: Client, pick: int) -> None:
        seen = self.view(client)
        if seen:
            address = sorted(seen)[pick % len(seen)]
            if self.lock(client, address):
                self.table.delete(client.transaction, address)
                client.change(address, None)

    @rule()
    def evict(self) -> None:
        self.world.evict_everything()

    # Checks

    @rule(client=clients)
    def every_way_of_reading_agrees(self, client: Client) -> None:
        seen = self.view(client)
        snapshot = client.transaction.statement_snapshot()
        found: dict[TupleId, Row] = {}
        for batch in self.table.scan(snapshot, with_tuple_id=True):
            columns = [column.to_pylist() for column in batch.columns]
            found.update({row[-1]: row[:-1] for row in zip(*columns, strict=True)})
        assert found == seen
        for address, row in seen.items():
            assert self.table.get(snapshot, address) == row
        for index in self.table.indexes:
            for is_backward in (False, True):
                chunks = self.table.index_scan(
                    snapshot, index, WHOLE_RANGE, is_backward=is_backward
                )
                rows = [pair for chunk in chunks for pair in chunk]
                assert len(rows) == len(seen)
                assert dict(rows) == seen
        self.world.pool.trim()

    @rule(client=clients, key=st.integers(0, 8))
    def a_lookup_by_key_finds_what_is_seen(self, client: Client, key: int) -> None:
        index = self.table.indexes[0]
        snapshot = client.transaction.statement_snapshot()
        chunks = self.table.index_scan(snapshot, index, index.btree.codec.range((key,)))
        found = dict(pair for chunk in chunks for pair in chunk)
        assert found == {a: row for a, row in self.view(client).items() if row[0] == key}

    @invariant()
    def heap_and_indexes_agree(self) -> None:
        rows = self.table.rows
        for index in self.table.indexes:
            check_index(rows, index)
        check_heap(rows)
        self.world.pool.trim()

    @invariant()
    def no_version_outlives_its_use(self) -> None:
        if not self.open:
            assert not len(self.table.rows.chains)
            assert not self.table.rows.stale

    @invariant()
    def overflow_pages_hold_what_versions_point_to(self) -> None:
        rows = self.table.rows
        heap = rows.heap
        self.world.load_all(heap.pages, heap.overflow.pages)
        versions: list[bytes] = []
        with rows.latch:
            for page_id in range(heap.pages.page_count):
                data = heap.pages.fetch(PageId(page_id)).data
                for slot in range(heap.format.slot_count(data)):
                    row = heap.format.extract(data, slot)
                    if row is not None and not row[8] & 2:
                        versions.append(row)
            for address in rows.chains.addresses():
                versions += rows.chains.of(address)
        pointed = sum(
            pointer.size for row in versions for pointer in rows.layout.overflow_pointers(row)
        )
        with heap.overflow.pages.latch:
            kept = sum(
                size
                for page_id in range(heap.overflow.pages.page_count)
                for _, size in heap.overflow.check_page(PageId(page_id))
            )
        assert kept == pointed
        self.world.shrink()


TestTable = pytest.mark.slow(TableMachine.TestCase)
TestTable.settings = settings(
    max_examples=40,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
