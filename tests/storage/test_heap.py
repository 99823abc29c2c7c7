"""Heap pages, heaps and overflow pages against simple models."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from table_world import HEAP, World

from lungfish import errors
from lungfish.storage.heap import Heap
from lungfish.storage.heap_page import HEADER, HEADER_SIZE, HeapPageFormat
from lungfish.storage.ids import LSN, PageId, TupleId, page_of, tuple_id
from lungfish.storage.overflow import run_with_pages
from lungfish.storage.rows import DELETED, FLAGS_OFFSET, HAS_OVERFLOW, RowLayout
from lungfish.types.sql_type import BIGINT, INTEGER, TEXT

LAYOUT = RowLayout([INTEGER, TEXT, TEXT])
FORMAT = HeapPageFormat(LAYOUT, 4096)
SMALL = HeapPageFormat(LAYOUT, 8192)

texts = st.integers(0, 200).map(lambda size: "x" * size)
actions = st.one_of(
    st.tuples(st.just("place"), st.integers(0, 30), texts, texts),
    st.tuples(st.just("erase"), st.integers(0, 30)),
    st.tuples(st.just("delete"), st.integers(0, 30)),
)


def check_page(page: HeapPageFormat, data: bytearray, model: dict[int, bytes]) -> None:
    page.check_header(data)
    if page.is_initialized(data):
        page.check_rows(data)
    slots, used, deleted = page.counts(data)
    assert used == len(model)
    assert deleted == sum(row[FLAGS_OFFSET] & DELETED != 0 for row in model.values())
    assert slots == max(model, default=-1) + 1
    for slot in range(slots + 2):
        assert page.extract(data, slot) == model.get(slot)
    start = page.tails_start(data)
    rows_end = HEADER_SIZE + slots * page.stride
    assert not any(data[rows_end:start])
    assert page.slot_for(data, page.stride) not in model


@given(st.lists(actions, max_size=60), st.sampled_from([FORMAT, SMALL]))
@settings(max_examples=200)
def test_a_page_holds_what_a_dict_holds(steps: list[tuple], page: HeapPageFormat) -> None:
    data = bytearray(page.page_size)
    page.initialize(data)
    model: dict[int, bytes] = {}
    for number, step in enumerate(steps, 1):
        slot = step[1]
        if step[0] == "place":
            packed = LAYOUT.pack((number, step[2], step[3]), number)
            if page.tail_room(data, slot) >= len(packed) - LAYOUT.stride:
                page.place(data, slot, packed)
                model[slot] = packed
        elif step[0] == "erase":
            page.erase(data, slot)
            model.pop(slot, None)
        elif slot in model and not model[slot][FLAGS_OFFSET] & DELETED:
            page.mark_deleted(data, slot, number)
            row = bytearray(number.to_bytes(8, "little") + model[slot][8:])
            row[FLAGS_OFFSET] |= DELETED
            model[slot] = bytes(row)
        check_page(page, data, model)
        assert page.newest_writer(data) <= number
    if model:
        assert page.newest_writer(data) >= max(
            int.from_bytes(row[:8], "little") for row in model.values()
        )


def test_a_page_fills_to_the_last_byte() -> None:
    data = bytearray(4096)
    FORMAT.initialize(data)
    packed = LAYOUT.pack((1, "a" * 30, "b"))
    count = 0
    while FORMAT.tail_room(data, count) >= 30:
        FORMAT.place(data, count, packed)
        count += 1
    assert count == (4096 - HEADER_SIZE) // len(packed)


def test_the_gap_between_rows_and_tails_is_zero() -> None:
    page = HeapPageFormat(LAYOUT, 65536)
    data = bytearray(65536)
    page.initialize(data)
    for slot in range(20):
        page.place(data, slot, LAYOUT.pack((slot, "long enough to be in the tail", "x")))
    assert not any(data[4096:-4096])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (0, b"XX"),
        (1, 9),
        (2, 11),
        (3, 5000),
        (4, 60_000),
        (5, 60_000),
        (6, 9),
        (7, 9999),
    ],
)
def test_a_damaged_header_is_found(field: int, value: object) -> None:
    data = bytearray(4096)
    FORMAT.initialize(data)
    for slot in range(3):
        FORMAT.place(data, slot, LAYOUT.pack((slot, "y" * 20, "")))
    fields = list(HEADER.unpack_from(data))
    fields[field] = value
    HEADER.pack_into(data, 0, *fields)
    with pytest.raises(errors.CorruptPage):
        FORMAT.check_header(data)


@pytest.mark.parametrize(
    "damage",
    [
        (HEADER_SIZE + 8, 0),
        (HEADER_SIZE + 8, 7),
        (HEADER_SIZE + LAYOUT.offsets[1] + 13, 1),
        (HEADER_SIZE + 1, 5),
        (16, 3),
    ],
)
def test_rows_that_disagree_with_their_header_are_found(damage: tuple[int, int]) -> None:
    data = bytearray(4096)
    FORMAT.initialize(data)
    FORMAT.place(data, 0, LAYOUT.pack((1, "y" * 20, "")))
    FORMAT.place(data, 1, LAYOUT.pack((1, "", "")))
    FORMAT.check_rows(data)
    place, value = damage
    data[place] = value
    FORMAT.check_header(data)
    with pytest.raises(errors.CorruptPage):
        FORMAT.check_rows(data)


def put(heap: Heap, packed: bytes) -> TupleId:
    def attempt() -> TupleId:
        with heap.pages.latch:
            address = heap.room_for(packed)
            heap.place(address, heap.store(packed, address, LSN(1)), LSN(1))
            return address

    return run_with_pages(attempt)


def take(heap: Heap, address: TupleId) -> bytes | None:
    def attempt() -> bytes | None:
        with heap.pages.latch:
            return heap.stored(address)

    return run_with_pages(attempt)


def apply(heap: Heap, address: TupleId, packed: bytes | None) -> None:
    def attempt() -> None:
        with heap.pages.latch:
            heap.apply(address, packed, LSN(1))

    run_with_pages(attempt)


def overflow_bytes(heap: Heap) -> int:
    def attempt() -> int:
        overflow = heap.overflow
        with overflow.pages.latch:
            pages = range(overflow.pages.page_count)
            return sum(size for page in pages for _, size in overflow.check_page(PageId(page)))

    return run_with_pages(attempt)


def test_rows_survive_eviction_of_every_page() -> None:
    world = World(budget_bytes=0)
    heap = world.heap([INTEGER, TEXT, TEXT])
    rows = [LAYOUT.pack((n, "name " * (n % 7), "z" * (n * 37 % 3000))) for n in range(300)]
    places = [put(heap, row) for row in rows]
    world.evict_everything()
    assert not heap.pages.frames
    for address, row in zip(places, rows, strict=True):
        stored = take(heap, address)
        assert stored is not None
        assert heap.inline(stored) == row
        world.pool.trim()


def test_freed_slots_are_used_again() -> None:
    heap = World().heap([INTEGER, TEXT, TEXT])
    row = LAYOUT.pack((1, "a" * 40, ""))
    places = [put(heap, row) for _ in range(500)]
    page_count = heap.pages.page_count
    for address in places[::2]:
        apply(heap, address, None)
    again = [put(heap, row) for _ in range(250)]
    assert heap.pages.page_count == page_count
    assert not set(again) & set(places[1::2])


def test_a_ten_megabyte_text_comes_back_and_its_pages_are_freed() -> None:
    world = World(page_size=65536)
    heap = world.heap([INTEGER, TEXT, TEXT])
    long = "".join(random.Random(5).choices("abcdefgh", k=100)) * 100_000
    packed = LAYOUT.pack((1, long, "short"))
    address = put(heap, packed)
    stored = take(heap, address)
    assert stored is not None
    assert len(stored) < 200
    assert heap.values(stored) == (1, long, "short")
    assert heap.inline(stored) == packed
    page_count = heap.overflow.pages.page_count
    assert page_count * 65536 < 1.05 * len(long)
    apply(heap, address, LAYOUT.pack((2, "", "")))
    assert overflow_bytes(heap) == 0
    world.evict_everything()
    put(heap, packed)
    assert heap.overflow.pages.page_count == page_count


def test_rows_with_long_values_share_a_page() -> None:
    heap = World().heap([INTEGER, TEXT, TEXT])
    for number in range(20):
        put(heap, LAYOUT.pack((number, "v" * 5000, "")))
    assert heap.pages.page_count == 1


def test_a_row_that_outgrows_its_full_page_sends_little_to_shared_overflow_pages() -> None:
    heap = World().heap([INTEGER, TEXT, TEXT])
    places = [put(heap, LAYOUT.pack((n, "x" * 13, ""))) for n in range(120)]
    first_page = [address for address in places if page_of(address) == 0]
    for address in first_page:
        apply(heap, address, LAYOUT.pack((7, "y" * 120, "")))
    assert heap.overflow.pages.page_count <= 3
    rows = [take(heap, address) for address in first_page]
    assert any(row is not None and row[FLAGS_OFFSET] & HAS_OVERFLOW for row in rows)
    assert [heap.values(row) for row in rows if row] == [(7, "y" * 120, "")] * len(first_page)


def test_a_row_is_placed_at_an_exact_address_beyond_the_end() -> None:
    heap = World().heap([INTEGER, TEXT, TEXT])
    address = tuple_id(5, 3)
    packed = LAYOUT.pack((1, "far away from home", ""))
    apply(heap, address, packed)
    assert heap.pages.page_count == 6
    assert take(heap, address) == packed
    assert take(heap, tuple_id(2, 0)) is None
    assert take(heap, tuple_id(99, 0)) is None


def test_rows_come_back_in_any_order_even_if_tails_are_in_the_way() -> None:
    heap = World().heap([INTEGER, TEXT, TEXT])
    slots = heap.format.slot_count_max
    for slot in range(10):
        apply(heap, tuple_id(0, slot), LAYOUT.pack((slot, "t" * 390, "")))
    for slot in range(10, slots):
        apply(heap, tuple_id(0, slot), LAYOUT.pack((slot, "u" * 20, "")))
    for slot in range(slots):
        stored = take(heap, tuple_id(0, slot))
        assert stored is not None
        expected = "t" * 390 if slot < 10 else "u" * 20
        assert heap.values(stored) == (slot, expected, "")
    assert heap.pages.page_count == 1


def test_updates_of_equal_size_do_not_compact_the_page_each_time() -> None:
    heap = World().heap([INTEGER, TEXT, TEXT])
    places = [put(heap, LAYOUT.pack((n, "x" * 30, ""))) for n in range(200)]
    before = heap.format.tails_start(heap.pages.frames[PageId(0)].data)
    for address in places:
        apply(heap, address, LAYOUT.pack((7, "y" * 30, "")))
    assert heap.format.tails_start(heap.pages.frames[PageId(0)].data) == before
    assert heap.overflow.pages.page_count == 0


def test_applying_a_row_twice_is_the_same_as_once() -> None:
    heap = World().heap([INTEGER, TEXT, TEXT])
    packed = LAYOUT.pack((1, "q" * 5000, "r" * 900))
    for _ in range(2):
        apply(heap, tuple_id(0, 0), packed)
    stored = take(heap, tuple_id(0, 0))
    assert stored is not None
    assert heap.inline(stored) == packed
    assert overflow_bytes(heap) == 5000
    for _ in range(2):
        apply(heap, tuple_id(0, 0), None)
    assert overflow_bytes(heap) == 0


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(-1, 9000)), max_size=40))
@settings(max_examples=60, deadline=None)
def test_overflow_pages_hold_exactly_what_rows_point_to(steps: list[tuple[int, int]]) -> None:
    world = World(budget_bytes=0)
    heap = world.heap([INTEGER, TEXT, TEXT])
    model: dict[TupleId, bytes] = {}
    for slot, size in steps:
        address = tuple_id(slot // 4, slot % 4)
        if size < 0:
            apply(heap, address, None)
            model.pop(address, None)
        else:
            packed = LAYOUT.pack((size, "ab" * (size // 2), "c" * (size // 3)))
            apply(heap, address, packed)
            model[address] = packed
        world.pool.trim()
    pointed = 0
    for address, packed in model.items():
        stored = take(heap, address)
        assert stored is not None
        assert heap.inline(stored) == packed
        pointed += sum(pointer.size for pointer in LAYOUT.overflow_pointers(stored))
    assert overflow_bytes(heap) == pointed


def test_the_free_space_map_survives_encoding_and_can_be_rebuilt() -> None:
    world = World()
    heap = world.heap([INTEGER, TEXT, TEXT])
    places = [put(heap, LAYOUT.pack((n, "x" * 50, ""))) for n in range(400)]
    for address in places[::3]:
        apply(heap, address, None)
    levels = heap.free_space.encode()
    heap.free_space.decode(levels)
    assert heap.free_space.encode() == levels
    heap.free_space.decode(b"")
    world.evict_everything()
    heap.rebuild_free_space()
    # The last page was being filled: how much room it has was not written down.
    assert heap.free_space.encode()[:-1] == levels[:-1]


def test_a_page_of_another_relation_is_refused() -> None:
    world = World()
    heap = world.heap([INTEGER, TEXT, TEXT])
    put(heap, LAYOUT.pack((1, "", "")))
    other = Heap(world.pool.open_relation(HEAP), heap.overflow, RowLayout([BIGINT]), 4096)
    with pytest.raises(errors.CorruptPage):
        take(other, tuple_id(0, 0))


def test_a_chain_that_points_nowhere_is_corrupt() -> None:
    heap = World().heap([INTEGER, TEXT, TEXT])
    address = put(heap, LAYOUT.pack((1, "w" * 9000, "")))
    stored = take(heap, address)
    assert stored is not None
    heap.free_overflow(stored, LSN(2))
    with pytest.raises(errors.CorruptPage):
        heap.values(stored)
