"""All entries of an index at once: to build one over rows that are there, and to check one against them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

from lungfish.errors import CorruptPage, IndexCorrupted
from lungfish.storage.btree_build import build_btree, sort_entries, store_entries
from lungfish.storage.ids import PageId, TupleId, tuple_id
from lungfish.storage.keys import WHOLE_RANGE, Key
from lungfish.storage.overflow import run_with_pages
from lungfish.storage.relation_pages import PageMiss
from lungfish.storage.rows import DELETED, FLAGS_OFFSET
from lungfish.storage.table_index import IndexKey, TableIndex, UniqueConflict
from lungfish.storage.table_rows import TableRows

# How many rows are read between two looks whether to go on.
CHECK_INTERVAL = 1024

# Told how far a build is: the step, the rows that are done, and about how many there are. It may raise to give up.
TellBuild: TypeAlias = Callable[[str, int, int], None]


def build_index(rows: TableRows, index: TableIndex, tell: TellBuild | None = None) -> None:
    """Fill an empty index with the entries of all retained versions of a table's rows.

    `tell` is called every CHECK_INTERVAL rows, outside all latches. How many rows there are is judged by the pages behind it.

    Requires: nobody writes to the table meanwhile (a SHARE lock), or restart. Old versions may be purged meanwhile: `set_indexes`
    looks after their entries. Raises UniqueConflict if two rows have one key.
    """
    owners: dict[Key, TupleId] = {}
    entries: list[tuple[Key, TupleId]] = []
    count, page_count = 0, rows.heap.pages.page_count
    for count, (address, keys, live) in enumerate(_keys_of_rows(rows, index), 1):
        if tell is not None and count % CHECK_INTERVAL == 1:
            tell("reading rows for", count - 1, count * page_count // ((address >> 16) + 1))
        if live is not None and live.is_exclusive:
            owner = owners.setdefault(live.key, address)
            if owner != address:
                raise UniqueConflict(index, owner, _key_values(rows, index, address))
        entries += [(key, address) for key in keys]
        index.unsettled += [(key, address) for key in keys if live is None or key != live.key]
    look = _nothing if tell is None else partial(tell, "writing", count, count)
    look()
    keys_and_addresses = store_entries(index.btree.codec, entries, look)
    del entries, owners
    sorted_entries = sort_entries(*keys_and_addresses, look)
    build_btree(index.btree, *sorted_entries, rows.log.end_lsn(), trim=look)


def _nothing() -> None:
    return


def check_index(
    rows: TableRows, index: TableIndex, look: Callable[[], None] = lambda: None
) -> None:
    """Raise IndexCorrupted (XX002) unless the index has exactly the entries of the table's retained versions.

    `look` is called every so many rows, and may raise to give up. Requires: nobody writes to the table meanwhile.
    """
    entry_of = index.btree.codec.entry
    expected = set()
    for count, (address, keys, _) in enumerate(_keys_of_rows(rows, index)):
        if not count % CHECK_INTERVAL:
            look()
        expected.update([entry_of(key, address) for key in keys])
    found = 0
    for chunk in index.entries(WHOLE_RANGE, is_backward=False):
        look()
        for entry in chunk:
            if entry not in expected:
                raise IndexCorrupted(
                    f'index {index.relation_id} of table "{rows.name}" has an entry without a row: {entry}'
                )
        found += len(chunk)
    if found != len(expected):
        raise IndexCorrupted(
            f'index {index.relation_id} of table "{rows.name}" has {found} entries,'
            f" its rows ask for {len(expected)}"
        )


def check_heap(rows: TableRows, look: Callable[[], None] = lambda: None) -> int:
    """Check every page, row and long value; answers how many live rows there are. Raises CorruptPage.

    `look` is called before each page, and may raise to give up.
    """
    live_count = 0
    for page_id in range(rows.heap.pages.page_count):
        look()
        run_with_pages(partial(_check_page, rows, PageId(page_id)))
        for address, stored in _rows_of_page(rows, PageId(page_id)):
            if stored[FLAGS_OFFSET] & DELETED:
                continue
            try:
                rows.heap.values(stored)
            except (ValueError, ArithmeticError) as error:
                raise CorruptPage(
                    f'row {address} of table "{rows.name}" cannot be read: {error}'
                ) from error
            live_count += 1
    for page_id in range(rows.heap.overflow.pages.page_count):
        look()
        run_with_pages(partial(_check_overflow_page, rows, PageId(page_id)))
    return live_count


def _check_page(rows: TableRows, page_id: PageId) -> None:
    with rows.latch:
        frame = rows.heap.frame_of(tuple_id(page_id, 0))
        if frame is not None and rows.heap.format.is_initialized(frame.data):
            rows.heap.format.check_header(frame.data)
            rows.heap.format.check_rows(frame.data)


def _check_overflow_page(rows: TableRows, page_id: PageId) -> None:
    overflow = rows.heap.overflow
    with overflow.pages.latch:
        for _ in overflow.check_page(page_id):
            pass


def _keys_of_rows(
    rows: TableRows, index: TableIndex
) -> Iterator[tuple[TupleId, set[Key], IndexKey | None]]:
    """For each row: its address, the keys of all retained versions, and the key of the newest unless that is deleted."""
    for page_id in range(rows.heap.pages.page_count):
        while True:
            try:
                found = _keys_of_page(rows, index, PageId(page_id))
                break
            except PageMiss as miss:
                miss.load()
        yield from found


def _keys_of_page(
    rows: TableRows, index: TableIndex, page_id: PageId
) -> list[tuple[TupleId, set[Key], IndexKey | None]]:
    """`_keys_of_rows` for one page. Raises PageMiss."""
    layout, read = rows.layout, rows.heap.overflow.read_resident
    found = []
    with rows.latch:
        for address, stored in _used_rows(rows, page_id):
            live = None
            if not stored[FLAGS_OFFSET] & DELETED:
                live = index.stored_key(layout, stored, read)
            keys = {live.key} if live is not None else set()
            for version in rows.chains.of(address):
                old = index.stored_key(layout, version, read)
                if old is not None:
                    keys.add(old.key)
            found.append((address, keys, live))
    return found


def _rows_of_page(rows: TableRows, page_id: PageId) -> list[tuple[TupleId, bytes]]:
    while True:
        try:
            with rows.latch:
                return list(_used_rows(rows, page_id))
        except PageMiss as miss:
            miss.load()


def _used_rows(rows: TableRows, page_id: PageId) -> Iterator[tuple[TupleId, bytes]]:
    """The stored rows of a page, deleted ones too. Under the latch; raises PageMiss."""
    heap = rows.heap
    frame = heap.frame_of(tuple_id(page_id, 0))
    if frame is None:
        return
    for slot in range(heap.format.slot_count(frame.data)):
        stored = heap.format.extract(frame.data, slot)
        if stored is not None:
            yield tuple_id(page_id, slot), stored


def _key_values(rows: TableRows, index: TableIndex, address: TupleId) -> tuple[object, ...]:
    for each, stored in _rows_of_page(rows, PageId(address >> 16)):
        if each == address:
            return index.key_of(rows.heap.values(stored))
    raise AssertionError("the row was there a moment ago")
