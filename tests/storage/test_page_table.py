"""Page tables, the map of free units, and the bytes of manifest and superblock, each against something simpler."""

from __future__ import annotations

import uuid

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungfish.errors import CorruptDatabase, Error, WrongObjectType
from lungfish.storage.free_units import FreeUnits
from lungfish.storage.ids import LSN, PageId, RelationId
from lungfish.storage.manifest import Manifest, RelationEntry, RetainedImage
from lungfish.storage.page_table import (
    UNIT_SIZE,
    ChunkAddress,
    PageTable,
    PageTableChunk,
    pack_location,
    unpack_location,
)
from lungfish.storage.superblock import ManifestAddress, Superblock

page_ids = st.integers(0, 1000)
locations = st.integers(0, (1 << 48) - 1)
checksums = st.integers(0, (1 << 64) - 1)
entries = st.lists(st.tuples(page_ids, locations, checksums), max_size=40)


@given(st.integers(0, (1 << 32) - 1), st.integers(0, 255), st.integers(0, 255))
def test_a_location_packs_and_unpacks(unit: int, head: int, tail: int) -> None:
    assert unpack_location(pack_location(unit, head=head, tail=tail)) == (unit, head, tail)


@given(entries, entries)
def test_a_frozen_table_keeps_its_entries_while_the_other_changes(
    before: list[tuple[int, int, int]], after: list[tuple[int, int, int]]
) -> None:
    table, model = PageTable(), {}
    for page, location, sum_ in before:
        table.set(PageId(page), location, sum_)
        model[page] = location, sum_
    frozen = table.freeze()
    changed = dict(model)
    for page, location, sum_ in after:
        assert table.set(PageId(page), location, sum_) == changed.get(page, (0, 0))[0]
        changed[page] = location, sum_
    for each, expected in ((frozen, model), (table, changed)):
        assert each.page_count == max(expected, default=-1) + 1
        assert each.unit_count == sum(unpack_location(at).unit_count for at, _ in expected.values())
        for page in range(each.page_count):
            assert each.entry(PageId(page)) == expected.get(page, (0, 0))


@given(entries)
def test_a_chunk_is_one_unit_and_reads_back(entries: list[tuple[int, int, int]]) -> None:
    chunk = PageTableChunk()
    for page, location, sum_ in entries:
        chunk.locations[page % 256], chunk.checksums[page % 256] = location, sum_
    data = chunk.encode()
    assert len(data) == UNIT_SIZE
    assert PageTableChunk.decode(data, None).has_same_entries(chunk)


def test_a_changed_chunk_is_no_longer_in_the_file() -> None:
    table = PageTable()
    table.set(PageId(300), 1, 2)
    table.chunks[1].address = ChunkAddress(9, 9)
    frozen = table.freeze()
    table.set(PageId(301), 3, 4)
    assert table.chunks[1].address is None
    assert frozen.chunks[1].address == (9, 9)
    assert table.chunks[0] is frozen.chunks[0]


@given(entries, entries)
def test_runs_not_in_other_chunks_are_those_of_pages_stored_elsewhere(
    first: list[tuple[int, int, int]], second: list[tuple[int, int, int]]
) -> None:
    ours, theirs = PageTableChunk(), PageTableChunk()
    for chunk, filled in ((ours, first + second), (theirs, second)):
        for page, location, _ in filled:
            chunk.locations[page % 256] = location
    firsts, counts = ours.runs_not_in([theirs])
    expected = [
        unpack_location(mine)
        for mine, other in zip(ours.locations, theirs.locations, strict=True)
        if mine and mine != other
    ]
    assert list(zip(firsts.tolist(), counts.tolist(), strict=True)) == [
        (each.first_unit, each.unit_count) for each in expected
    ]


# --- Free units ---

runs = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 8)), min_size=1, max_size=20)


@given(runs)
def test_claiming_many_runs_is_claiming_each(runs: list[tuple[int, int]]) -> None:
    one_by_one, at_once = FreeUnits(3), FreeUnits(3)
    firsts, counts = (np.array(each, np.int64) for each in zip(*runs, strict=True))
    try:
        for first, count in runs:
            one_by_one.claim(first, count)
    except CorruptDatabase:
        with pytest.raises(CorruptDatabase):
            at_once.claim_runs(firsts, counts)
        return
    at_once.claim_runs(firsts, counts)
    units = range(220)
    assert [at_once.is_used(unit) for unit in units] == [one_by_one.is_used(unit) for unit in units]
    assert at_once.used_count == one_by_one.used_count
    assert at_once.unit_count == one_by_one.unit_count
    at_once.release_runs(firsts, counts)
    assert at_once.used_count == 0
    assert at_once.free_at_end() == at_once.unit_count


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 9), st.integers(0, 99)), max_size=60))
def test_no_unit_is_given_out_twice(steps: list[tuple[bool, int, int]]) -> None:
    free, held = FreeUnits(), []
    taken: set[int] = set()
    for is_allocation, count, which in steps:
        if is_allocation or not held:
            first = free.allocate(count)
            units = set(range(first, first + count))
            assert not units & taken
            taken |= units
            held.append((first, count))
        else:
            first, count = held.pop(which % len(held))
            free.release(first, count)
            taken -= set(range(first, first + count))
            if which % 3 == 0:
                free.start_at_front()
            if which % 5 == 0:
                assert free.cut_end() == max(taken, default=-1) + 1
        assert free.used_count == len(taken)
    assert {unit for unit in range(free.unit_count) if free.is_used(unit)} == taken


def test_a_hole_that_is_large_enough_is_used_before_the_file_grows() -> None:
    free = FreeUnits()
    places = [free.allocate(4) for _ in range(5)]
    free.release(places[1], 4)
    free.start_at_front()
    assert free.allocate(5) == 20
    assert free.allocate(3) == places[1]
    assert free.allocate(2) == 25
    assert free.allocate(1) == places[1] + 3


# --- Manifest and superblock ---

names = st.text(max_size=10)
addresses = st.builds(
    ManifestAddress, st.integers(0, 1 << 32), st.integers(0, 1 << 32), st.integers(0, (1 << 64) - 1)
)
inline_entries = st.integers(0, 64).flatmap(
    lambda count: st.builds(
        RelationEntry,
        kind=st.integers(1, 3),
        mark_lsn=st.integers(0, 1 << 62).map(LSN),
        page_count=st.integers(count, 1 << 32),
        payload=st.binary(max_size=20),
        entry_count=st.just(count),
        is_inline=st.just(True),
        table=st.lists(checksums, min_size=2 * count, max_size=2 * count).map(tuple),
    )
)
manifests = st.builds(
    Manifest,
    generation=st.integers(0, 1 << 62),
    uuid=st.uuids(),
    name=names,
    payload=st.binary(max_size=40),
    relations=st.dictionaries(st.integers(0, 1 << 62).map(RelationId), inline_entries, max_size=4),
    retained=st.lists(
        st.builds(RetainedImage, st.integers(0, 1 << 62), names, addresses), max_size=3
    ).map(tuple),
)


@given(manifests)
def test_a_manifest_reads_back(manifest: Manifest) -> None:
    assert Manifest.decode(manifest.encode()) == manifest


@given(manifests, st.data())
def test_a_manifest_cut_off_anywhere_is_corrupt(manifest: Manifest, data: st.DataObject) -> None:
    encoded = manifest.encode()
    end = data.draw(st.integers(0, len(encoded) - 1))
    with pytest.raises(CorruptDatabase):
        Manifest.decode(encoded[:end])


@given(st.uuids(), st.sampled_from([4096, 32768, 524288]), st.integers(0, 1 << 62), addresses)
def test_a_superblock_reads_back(
    identity: uuid.UUID, size: int, generation: int, address: ManifestAddress
) -> None:
    superblock = Superblock(identity, size, generation, address)
    assert Superblock.decode(superblock.encode(), "a.db") == superblock


@given(st.integers(0, 511), st.integers(1, 255))
def test_no_changed_byte_of_a_superblock_goes_unnoticed(offset: int, change: int) -> None:
    address = ManifestAddress(7, 100, 12345)
    data = bytearray(Superblock(uuid.UUID(int=5), 32768, 3, address).encode())
    data[offset] ^= change
    with pytest.raises(Error):
        Superblock.decode(bytes(data), "a.db")


def test_a_short_file_is_no_database() -> None:
    with pytest.raises(WrongObjectType):
        Superblock.decode(b"Lungfish", "a.db")
