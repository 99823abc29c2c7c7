"""What one table promises its users: scans, batches, index builds, and wholeness when something fails."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from table_world import FIRST_INDEX, World, begin, committed_rows, contents, lock

from lungfish import errors
from lungfish.storage import table_build, table_scan
from lungfish.storage.ids import LSN, RelationId, TransactionId, TupleId
from lungfish.storage.keys import Bound
from lungfish.storage.table import TableStore, UniqueConflict
from lungfish.storage.table_build import build_index, check_index
from lungfish.storage.transactions import IsolationLevel
from lungfish.types.sql_type import BIGINT, BYTEA, DOUBLE, INTEGER, TEXT
from lungfish.types.vectors import build_vector

TYPES = (INTEGER, TEXT)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def table(world: World) -> TableStore:
    return world.table(TYPES, ("unique", 0), (1,))


# Reading and batches


def test_a_range_of_an_index_comes_in_order_and_backwards(world: World, table: TableStore) -> None:
    committed_rows(world, table, [(n * 7 % 100, str(n)) for n in range(100)])
    transaction = begin(world)
    snapshot = transaction.statement_snapshot()
    index = table.indexes[0]
    key_range = index.btree.codec.range((), Bound(10, True), Bound(20, False))
    for is_backward in (False, True):
        chunks = table.index_scan(snapshot, index, key_range, is_backward=is_backward)
        keys = [values[0] for chunk in chunks for _, values in chunk]
        assert keys == sorted(range(10, 20), reverse=is_backward)


def test_a_scan_of_no_columns_still_counts(world: World, table: TableStore) -> None:
    committed_rows(world, table, [(n, None) for n in range(70)])
    transaction = begin(world)
    batches = list(table.scan(transaction.statement_snapshot(), []))
    assert sum(batch.row_count for batch in batches) == 70
    assert all(batch.columns == () for batch in batches)


def test_a_scan_can_be_stopped_at_every_page_and_every_overflowed_value(world: World) -> None:
    table = world.table(TYPES, (0,))
    long_rows = [(n, f"{n:020000}") for n in range(5)]
    committed_rows(world, table, [*long_rows, *((n, None) for n in range(5, 2000))])
    snapshot = begin(world).statement_snapshot()
    place_count = table.heap.pages.page_count + len(long_rows)

    def stop_at(place: int) -> Callable[[], None]:
        left = iter(range(place))

        def check() -> None:
            if next(left, None) is None:
                raise errors.QueryCanceled("enough")

        return check

    for place in range(place_count):
        with pytest.raises(errors.QueryCanceled):
            list(table.scan(snapshot, check=stop_at(place)))
    batches = table.scan(snapshot, check=stop_at(place_count))
    assert sum(batch.row_count for batch in batches) == 2000


def test_a_scan_of_a_range_comes_up_for_air_though_no_row_of_it_is_seen(
    world: World, table: TableStore
) -> None:
    snapshot = begin(world, isolation=IsolationLevel.REPEATABLE_READ).statement_snapshot()
    committed_rows(world, table, [(n, None) for n in range(1000)])
    index = table.indexes[0]
    chunks = list(table.index_scan(snapshot, index, index.btree.codec.range(())))
    assert len(chunks) >= 1000 // 64
    assert not any(chunks)


def test_a_scan_gives_addresses_that_get_finds(world: World, table: TableStore) -> None:
    addresses = committed_rows(world, table, [(n, f"row {n}") for n in range(300)])
    transaction = begin(world)
    snapshot = transaction.statement_snapshot()
    (batch,) = table.scan(snapshot, [1], with_tuple_id=True)
    assert batch.columns[1].to_pylist() == addresses
    assert table.get(snapshot, addresses[9]) == (9, "row 9")
    assert table.get(snapshot, TupleId(addresses[-1] + 5)) is None


def test_a_batch_of_columns_is_the_same_as_its_rows(world: World) -> None:
    types = (INTEGER, TEXT, DOUBLE, BYTEA, BIGINT)
    table = world.table(types, ("unique", 0), (1, 4))
    rows = [
        (n, None if n % 5 == 0 else f"name {n} " * (n % 4), n / 3, bytes([n % 256]) * (n % 30), n)
        for n in range(700)
    ]
    columns = [
        build_vector([row[position] for row in rows], sql_type)
        for position, sql_type in enumerate(types)
    ]
    transaction = begin(world)
    addresses = table.insert_batch(transaction, columns, len(rows))
    transaction.commit()
    assert len(set(addresses)) == len(rows)
    assert contents(world, table) == sorted(rows, key=repr)


def test_a_failed_batch_is_not_there_at_all(world: World, table: TableStore) -> None:
    committed_rows(world, table, [(500, "taken")])
    transaction = begin(world)
    with pytest.raises(UniqueConflict):
        table.insert_many(transaction, [(n, f"name {n}") for n in range(600)])
    transaction.commit()
    assert contents(world, table) == [(500, "taken")]


def test_huge_values_do_not_gather_in_one_batch(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_scan, "BATCH_BYTES", 100_000)
    table = world.table((INTEGER, TEXT))
    rows = [(n, "v" * (40_000 if n % 3 == 0 else 5)) for n in range(20)]
    addresses = committed_rows(world, table, rows)
    transaction = begin(world)
    batches = list(table.scan(transaction.statement_snapshot(), with_tuple_id=True))
    assert len(batches) == 4
    columns = [[column.to_pylist() for column in batch.columns] for batch in batches]
    found = [row for batch in columns for row in zip(*batch, strict=True)]
    assert found == [(*row, address) for row, address in zip(rows, addresses, strict=True)]


# Building and checking indexes


def test_an_index_built_later_has_old_versions_too(world: World, table: TableStore) -> None:
    addresses = committed_rows(world, table, [(n, f"row {n}") for n in range(50)])
    reader = begin(world, isolation=IsolationLevel.REPEATABLE_READ)
    snapshot = reader.statement_snapshot()
    writer = begin(world)
    for address in addresses[:10]:
        lock(table, writer, address)
        table.update(writer, address, (None, "new"))
    for address in addresses[10:15]:
        lock(table, writer, address)
        table.delete(writer, address)
    writer.commit()
    index = world.index(TYPES, (1, 0), RelationId(FIRST_INDEX + 9))
    table.build_index(index)
    table.set_indexes((*table.indexes, index))
    check_index(table.rows, index)
    chunks = table.index_scan(snapshot, index, index.btree.codec.range(("row 3",)))
    assert [values for chunk in chunks for _, values in chunk] == [(3, "row 3")]
    reader.commit()
    contents(world, table)


def test_the_build_of_an_index_tells_how_far_it_is(
    world: World, table: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_build, "CHECK_INTERVAL", 100)
    committed_rows(world, table, [(n, f"row {n}") for n in range(950)])
    told: list[tuple[str, int, int]] = []
    index = world.index(TYPES, (1, 0), RelationId(FIRST_INDEX + 9))
    table.build_index(index, lambda *each: told.append(each))
    reading = [each for each in told if each[0] == "reading rows for"]
    assert [done for _, done, _ in reading] == list(range(0, 950, 100))
    # The pages are about equally full, so half way the estimate is good.
    assert 700 < reading[5][2] < 1200
    assert told[len(reading)] == ("writing", 950, 950)


def test_versions_purged_while_an_index_is_built_leave_no_entries(
    world: World, table: TableStore
) -> None:
    one, two = committed_rows(world, table, [(1, "one"), (2, "two")])
    reader = begin(world, isolation=IsolationLevel.REPEATABLE_READ)
    reader.statement_snapshot()
    writer = begin(world)
    lock(table, writer, one)
    table.update(writer, one, (1, "uno"))
    lock(table, writer, two)
    table.delete(writer, two)
    writer.commit()
    index = world.index(TYPES, (1, 0), RelationId(FIRST_INDEX + 9))
    table.build_index(index)
    reader.commit()
    assert not len(table.rows.chains)
    table.set_indexes((*table.indexes, index))
    assert contents(world, table) == [(1, "uno")]


def test_purge_passes_over_a_table_that_was_dropped(world: World, table: TableStore) -> None:
    (address,) = committed_rows(world, table, [(1, "one")])
    reader = begin(world, isolation=IsolationLevel.REPEATABLE_READ)
    reader.statement_snapshot()
    writer = begin(world)
    lock(table, writer, address)
    table.update(writer, address, (2, "two"))
    writer.commit()
    world.pool.drop_relation(table.relation_id)
    reader.commit()
    assert world.transactions.purge_queue.error is None
    assert not world.transactions.purge_queue.owed()


def test_a_unique_index_cannot_be_built_over_duplicates(world: World) -> None:
    table = world.table(TYPES)
    addresses = committed_rows(
        world, table, [(1, "a"), (2, "b"), (1, "c"), (None, "d"), (None, "e")]
    )
    index = world.index(TYPES, ("unique", 0), RelationId(FIRST_INDEX + 9))
    with pytest.raises(UniqueConflict) as caught:
        build_index(table.rows, index)
    assert caught.value.address == addresses[0]
    assert caught.value.key_values == (1,)


def test_the_check_finds_an_entry_too_many_and_one_too_few(world: World, table: TableStore) -> None:
    (address,) = committed_rows(world, table, [(1, "one")])
    index = table.indexes[0]
    key = index.key((1, "one"))
    assert key is not None
    index.remove(key, address, LSN(1))
    with pytest.raises(errors.IndexCorrupted):
        check_index(table.rows, index)
    index.add(key, address, LSN(1))
    index.add(key, TupleId(address + 1), LSN(1))
    with pytest.raises(errors.IndexCorrupted):
        check_index(table.rows, index)


# Rollback


def test_a_row_comes_back_although_its_room_was_taken(world: World, table: TableStore) -> None:
    table.set_indexes(table.indexes[:1])
    (address,) = committed_rows(world, table, [(1, "w" * 1000)])
    committed_rows(world, table, [(n, "x" * 100) for n in range(2, 15)])
    first, second = begin(world), begin(world)
    lock(table, first, address)
    table.update(first, address, (1, "short"))
    while True:
        other = table.insert(second, (100 + len(second.undo), "y" * 100))
        if other >> 16 != address >> 16:
            break
    second.commit()
    first.rollback()
    transaction = begin(world)
    assert table.get(transaction.statement_snapshot(), address) == (1, "w" * 1000)
    transaction.commit()
    contents(world, table)


# When something fails


def test_a_change_that_never_reached_the_page_leaves_long_values_alone(
    world: World, table: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.set_indexes(table.indexes[:1])
    (address,) = committed_rows(world, table, [(1, "z" * 9000)])
    transaction = begin(world)
    lock(table, transaction, address)
    place = table.heap.place
    calls: list[TupleId] = []

    def fail_once(address: TupleId, stored: bytes, lsn: LSN) -> None:
        calls.append(address)
        if len(calls) == 1:
            raise MemoryError
        place(address, stored, lsn)

    monkeypatch.setattr(table.heap, "place", fail_once)
    with pytest.raises(MemoryError):
        table.update(transaction, address, (1, "short"))
    transaction.commit()
    assert contents(world, table) == [(1, "z" * 9000)]


def test_a_change_that_the_log_refuses_is_not_there(
    world: World, table: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (address,) = committed_rows(world, table, [(1, "one")])
    transaction = begin(world)
    lock(table, transaction, address)
    calls = []

    def refuse_once(
        transaction_id: TransactionId,
        relation_id: RelationId,
        address: TupleId,
        before: bytes | None,
        after: bytes | None,
    ) -> LSN:
        calls.append(address)
        if len(calls) == 1:
            raise errors.DiskFull("no room for the log")
        return LSN(1)

    monkeypatch.setattr(world.log, "append_row", refuse_once)
    actions: list[Callable[[], object]] = [
        lambda: table.insert(transaction, (2, "two")),
        lambda: table.update(transaction, address, (3, "three")),
        lambda: table.delete(transaction, address),
    ]
    for action in actions:
        calls.clear()
        with pytest.raises(errors.DiskFull):
            action()
        assert not transaction.undo
        for index in table.indexes:
            check_index(table.rows, index)
    transaction.commit()
    assert contents(world, table) == [(1, "one")]
