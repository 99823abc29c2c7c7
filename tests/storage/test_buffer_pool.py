"""The buffer pool, step by step: what happens between two threads is played by one, in the middle of the other's write."""

from __future__ import annotations

import pytest

from lungfish.errors import CorruptPage, DiskFull, InternalError
from lungfish.storage.buffer_pool import FRAME_COUNT_MIN, BufferPool
from lungfish.storage.check import check_pages
from lungfish.storage.frozen_pages import FrozenPages
from lungfish.storage.ids import LSN, PageId, RelationId
from lungfish.storage.image import RelationKind
from lungfish.storage.page_store import PageStore
from lungfish.storage.relation_pages import PageMiss, RelationPages
from tests.storage.buffer_pool_world import PAGE_SIZE, TABLE, World


@pytest.fixture
def world() -> World:
    return World()


def test_a_page_not_in_memory_is_a_miss_that_a_load_mends(world: World) -> None:
    page = world.allocate(7)
    world.fill()
    with world.pages.latch, pytest.raises(PageMiss) as miss:
        world.pages.fetch(PageId(page))
    miss.value.load()
    with world.pages.latch:
        assert world.pages.fetch(PageId(page)).data[0] == 7


def test_loading_a_page_that_is_there_already_keeps_the_one_that_is_there(world: World) -> None:
    page = world.allocate(7)
    frame = world.pages.frames[PageId(page)]
    world.fill()
    assert not world.is_resident(page)
    world.pages.load(PageId(page))
    loaded = world.pages.frames[PageId(page)]
    world.put(page, 8)
    world.pages.load(PageId(page))
    assert world.pages.frames[PageId(page)] is loaded is not frame
    assert world.get(page) == 8


def test_a_page_that_does_not_exist_raises_corrupt_page(world: World) -> None:
    world.allocate(1)
    with pytest.raises(CorruptPage, match="page 99 of relation 1 does not exist"):
        world.pages.load(PageId(99))


def test_memory_stays_within_the_budget_and_all_pages_keep_their_content(world: World) -> None:
    pages = [world.allocate(value % 250) for value in range(10 * FRAME_COUNT_MIN)]
    world.pool.trim()
    assert world.pool.figures().resident_pages <= FRAME_COUNT_MIN
    for value, page in enumerate(pages):
        assert world.get(page) == value % 250
        world.pool.trim()
    figures = world.pool.figures()
    assert figures.resident_pages <= FRAME_COUNT_MIN
    assert figures.early_writes >= 9 * FRAME_COUNT_MIN
    assert figures.misses >= 9 * FRAME_COUNT_MIN


def test_a_load_that_a_change_and_an_early_write_overtook_takes_the_newer_version(
    world: World,
) -> None:
    page = world.allocate(7)
    world.fill()
    original = world.store.read_version

    def overtaken(relation_id: RelationId, page_id: PageId) -> tuple[bytearray, tuple[int, int]]:
        found = original(relation_id, page_id)
        world.store.read_version = original  # type: ignore[method-assign]
        world.put(page, 8)
        world.fill()
        assert not world.is_resident(page)
        return found

    world.store.read_version = overtaken  # type: ignore[method-assign]
    world.pages.load(PageId(page))
    assert world.get(page) == 8


def test_a_page_changed_while_it_is_written_early_stays_in_memory_with_the_change(
    world: World,
) -> None:
    page = world.allocate(7)
    before = world.pages.frames[PageId(page)].data
    world.during_write_of(7, lambda: world.put(page, 8))
    world.fill()
    assert before[0] == 7, "the bytes being written are left alone"
    assert world.get(page) == 8
    assert world.checkpoint()[page] == 8


def test_a_page_written_early_that_nobody_changed_is_out_of_memory(world: World) -> None:
    page = world.allocate(7)
    world.fill()
    assert not world.is_resident(page)
    assert world.store.read(TABLE, PageId(page))[0] == 7
    assert world.pool.figures().dirty_pages <= FRAME_COUNT_MIN


def test_a_page_frozen_while_it_is_written_early_is_in_the_image(world: World) -> None:
    page = world.allocate(7)
    world.during_write_of(7, lambda: frozen.append(world.pool.freeze()))
    frozen: list[FrozenPages] = []
    world.fill()
    for each in frozen[0]:
        frozen[0].write(each)
    world.put(page, 9)
    frozen[0].publish()
    assert world.image()[page] == 7
    assert world.get(page) == 9


def test_an_early_write_that_a_change_and_a_freeze_overtook_hides_neither(world: World) -> None:
    """What it writes is older than what is frozen, though it comes later."""
    page = world.allocate(7)
    frozen: list[FrozenPages] = []

    def overtake() -> None:
        world.put(page, 8)
        frozen.append(world.pool.freeze())

    world.during_write_of(7, overtake)
    world.fill()
    for each in frozen[0]:
        frozen[0].write(each)
    world.fill()
    assert not world.is_resident(page)
    assert world.get(page) == 8
    frozen[0].publish()
    assert world.image()[page] == 8


def test_an_early_write_that_was_overtaken_before_it_began_hides_nothing(world: World) -> None:
    """The page is taken for an early write, changed and frozen; only then is it written."""
    page = world.allocate(7)
    frozen: list[FrozenPages] = []
    original = world.store.write

    def late(relation_id: RelationId, page_id: PageId, data: bytearray, *, taken_at: int) -> bool:
        if page_id == page:
            world.store.write = original  # type: ignore[method-assign]
            world.put(page, 8)
            frozen.append(world.pool.freeze())
        return original(relation_id, page_id, data, taken_at=taken_at)

    world.store.write = late  # type: ignore[assignment, method-assign]
    world.fill()
    for each in frozen[0]:
        frozen[0].write(each)
    world.fill()
    assert not world.is_resident(page)
    assert world.get(page) == 8


def test_an_early_write_that_a_whole_checkpoint_overtook_hides_nothing(world: World) -> None:
    page = world.allocate(7)

    def overtake() -> None:
        world.put(page, 8)
        assert world.checkpoint()[page] == 8

    world.during_write_of(7, overtake)
    world.fill()
    world.fill()
    assert not world.is_resident(page)
    assert world.get(page) == 8


def test_a_frozen_page_changed_copied_and_evicted_reads_new_and_is_old_in_the_image(
    world: World,
) -> None:
    page = world.allocate(7)
    frozen = world.pool.freeze()
    world.put(page, 8)
    world.fill()
    assert not world.is_resident(page)
    for each in frozen:
        frozen.write(each)
    assert world.get(page) == 8
    frozen.publish()
    assert world.image()[page] == 7
    assert world.get(page) == 8
    assert world.checkpoint()[page] == 8


def test_eviction_writes_a_frozen_page_into_the_image_for_the_checkpoint(world: World) -> None:
    page = world.allocate(7)
    frozen = world.pool.freeze()
    left = frozen.pages_left
    world.fill()
    assert not world.is_resident(page)
    assert frozen.pages_left == left - 1
    assert page not in [each.page_id for each in frozen]
    frozen.publish()
    assert world.image()[page] == 7
    assert world.get(page) == 7


def test_a_frozen_page_changed_while_eviction_writes_it_is_old_in_the_image(world: World) -> None:
    page = world.allocate(7)
    frozen = world.pool.freeze()
    world.during_write_of(7, lambda: world.put(page, 8))
    world.fill()
    for each in frozen:
        frozen.write(each)
    frozen.publish()
    assert world.image()[page] == 7
    assert world.get(page) == 8
    assert world.checkpoint()[page] == 8


def test_a_checkpoint_that_overtakes_an_eviction_keeps_its_image_whole(world: World) -> None:
    """The eviction's own write into the image comes after the image was published, and must not touch it."""
    page = world.allocate(7)
    frozen = world.pool.freeze()

    def finish() -> None:
        for each in frozen:
            frozen.write(each)
        frozen.publish()

    world.during_write_of(7, finish)
    world.fill()
    assert world.image()[page] == 7
    assert world.get(page) == 7
    world.put(page, 8)
    assert world.checkpoint()[page] == 8
    assert check_pages(world.store).findings == ()


def test_a_checkpoint_given_up_while_eviction_writes_for_it_loses_nothing(world: World) -> None:
    page = world.allocate(7)
    frozen = world.pool.freeze()
    world.during_write_of(7, frozen.abort)
    world.fill()
    assert world.get(page) == 7
    assert world.checkpoint()[page] == 7
    assert check_pages(world.store).findings == ()


def test_pages_written_into_an_image_that_was_given_up_are_in_the_next_one(world: World) -> None:
    pages = [world.allocate(value) for value in range(1, 9)]
    frozen = world.pool.freeze()
    for each, _ in zip(frozen, range(4), strict=False):
        frozen.write(each)
    world.put(pages[0], 101)
    world.put(pages[7], 108)
    frozen.abort()
    frozen.abort()
    expected = {page: value for value, page in enumerate(pages, 1)}
    expected |= {pages[0]: 101, pages[7]: 108}
    assert world.checkpoint() == expected


def test_only_one_image_is_built_at_a_time(world: World) -> None:
    world.allocate(1)
    frozen = world.pool.freeze()
    with pytest.raises(InternalError, match="being built"):
        world.pool.freeze()
    with pytest.raises(InternalError, match="being built"):
        world.store.freeze()
    frozen.abort()
    assert world.checkpoint() == {0: 1}


def test_an_image_with_a_page_missing_is_not_published(world: World) -> None:
    world.allocate(1)
    frozen = world.pool.freeze()
    with pytest.raises(InternalError, match="1 pages of the image are not written"):
        frozen.publish()


def test_a_clean_page_is_not_written_again_by_the_next_checkpoint(world: World) -> None:
    first, second = world.allocate(1), world.allocate(2)
    world.checkpoint()
    world.put(second, 3)
    frozen = world.pool.freeze()
    assert [page.page_id for page in frozen] == [second]
    frozen.abort()
    assert world.checkpoint() == {first: 1, second: 3}


def test_the_decoded_form_kept_with_a_page_goes_when_its_bytes_are_others(world: World) -> None:
    page = world.allocate(7)
    frame = world.pages.frames[PageId(page)]
    frame.cache = "decoded"
    world.put(page, 8)
    assert frame.cache == "decoded"
    frozen = world.pool.freeze()
    world.put(page, 9)
    assert frame.cache is None
    frozen.abort()


def test_on_a_full_disk_pages_stay_in_memory_and_writers_are_told(world: World) -> None:
    pages = [world.allocate(value) for value in range(1, FRAME_COUNT_MIN + 1)]
    world.disk.capacity_bytes = 0
    more = [world.allocate(9) for _ in range(3 * FRAME_COUNT_MIN)]
    world.pool.trim()
    assert world.pool.figures().resident_pages == 4 * FRAME_COUNT_MIN
    assert world.pool.figures().early_write_failures > 0
    with pytest.raises(DiskFull):
        world.pool.check_room()
    assert [world.get(page) for page in pages] == list(range(1, FRAME_COUNT_MIN + 1))
    world.disk.capacity_bytes = None
    world.pool.trim()
    world.pool.check_room()
    assert world.pool.figures().resident_pages == FRAME_COUNT_MIN
    assert [world.get(page) for page in more] == [9] * len(more)


def test_a_page_whose_early_write_failed_can_be_changed_and_is_written_later(world: World) -> None:
    page = world.allocate(7)
    world.disk.capacity_bytes = 0
    world.fill()
    world.put(page, 8)
    world.disk.capacity_bytes = None
    world.fill()
    assert not world.is_resident(page)
    assert world.get(page) == 8


def test_an_operation_that_needs_more_pages_than_there_is_room_for_still_ends(world: World) -> None:
    pages = [world.allocate(value) for value in range(8 * FRAME_COUNT_MIN)]
    world.pool.trim()
    for _ in range(100):
        try:
            with world.pages.latch:
                sum_ = sum(world.pages.fetch(PageId(page)).data[0] for page in pages)
            break
        except PageMiss as miss:
            for page in pages[miss.page_id :]:
                world.pages.load(PageId(page))
    assert sum_ == sum(range(8 * FRAME_COUNT_MIN))
    world.pool.trim()
    assert world.pool.figures().resident_pages == FRAME_COUNT_MIN


def test_loading_without_end_and_without_trimming_is_bounded(world: World) -> None:
    pages = [world.allocate(1) for _ in range(60 * FRAME_COUNT_MIN)]
    world.pool.trim()
    for page in pages:
        world.get(page)
    assert world.pool.figures().resident_pages < 15 * FRAME_COUNT_MIN


def test_trimming_passes_by_a_relation_whose_latch_is_held(world: World) -> None:
    for value in range(2 * FRAME_COUNT_MIN):
        world.allocate(value)
    with world.pages.latch:
        world.pool.trim()
        assert len(world.pages.frames) == 2 * FRAME_COUNT_MIN
    world.pool.trim()
    assert len(world.pages.frames) == FRAME_COUNT_MIN


def test_an_early_write_that_meets_a_held_latch_is_finished_the_next_time(world: World) -> None:
    page = world.allocate(7)
    pages = world.pages
    world.during_write_of(7, lambda: [pages.latch.acquire(), None][1])
    for _ in range(FRAME_COUNT_MIN):
        world.allocate(255)
    world.pool.trim()
    assert world.is_resident(page)
    pages.latch.release()
    world.fill()
    assert not world.is_resident(page)
    assert world.get(page) == 7


def test_pages_fetched_again_and_again_outlive_a_scan(world: World) -> None:
    hot = world.allocate(1)
    cold = [world.allocate(2) for _ in range(4 * FRAME_COUNT_MIN)]
    for page in cold:
        world.get(hot)
        world.get(hot)
        world.get(page)
        world.pool.trim()
    assert world.is_resident(hot)
    with world.pages.latch:
        loads = world.pages.misses
    world.get(hot)
    assert world.pages.misses == loads


def test_a_dropped_relation_gives_its_memory_and_its_space_back(world: World) -> None:
    other = world.pool.create_relation(RelationId(2), RelationKind.INDEX)
    with other.latch:
        for _ in range(40):
            other.writable(other.allocate(), LSN(1))[:] = b"x" * PAGE_SIZE
    world.pool.trim()
    used = world.store.usage().used_bytes
    world.pool.drop_relation(RelationId(2))
    assert world.pool.figures().resident_pages == 0
    assert world.store.usage().used_bytes < used
    assert check_pages(world.store).findings == ()
    with pytest.raises(InternalError, match="relation 2"):
        other.load(PageId(0))


def test_a_relation_dropped_under_the_hands_of_an_eviction_does_not_disturb_it(
    world: World,
) -> None:
    world.during_write_of(7, world.pages.drop)
    world.allocate(7)
    for _ in range(2 * FRAME_COUNT_MIN):
        world.allocate(255)
    world.pool.trim()
    assert world.pages.frames == {}
    assert check_pages(world.store).findings == ()


def test_a_relation_dropped_while_an_image_is_built_is_whole_in_it(world: World) -> None:
    page = world.allocate(7)
    frozen = world.pool.freeze()
    world.pool.drop_relation(TABLE)
    for each in frozen:
        frozen.write(each)
    frozen.publish()
    assert world.image() == {page: 7}
    assert check_pages(world.store).findings == ()
    world.pool.freeze().publish()
    world.pool.freeze().publish()
    assert TABLE not in world.store.image.relations
    assert check_pages(world.store).findings == ()


def test_the_figures_say_from_which_lsn_on_changes_are_in_no_image(world: World) -> None:
    pages: RelationPages = world.pages
    world.allocate(1)
    world.put(0, 2)
    assert (pages.figures().oldest_lsn, pages.figures().newest_lsn) == (1, 2)
    frozen = world.pool.freeze()
    assert frozen.relations[TABLE].oldest_lsn == 1
    assert frozen.relations[TABLE].newest_lsn == 2
    assert pages.figures().oldest_lsn == 0
    world.put(0, 3)
    assert pages.figures().oldest_lsn == 3
    frozen.abort()
    assert pages.figures().oldest_lsn == 1
    world.checkpoint()
    assert pages.figures().oldest_lsn == 0
    assert pages.figures().newest_lsn == 3


def test_allocated_pages_that_nobody_wrote_are_zero_after_reopening(world: World) -> None:
    with world.pages.latch:
        world.pages.allocate()
        world.pages.allocate()
    world.checkpoint()
    world.store.close()
    store = PageStore.open(world.disk, "a.db")
    pages = BufferPool(store, 0).open_relation(TABLE)
    assert pages.page_count == 2
    pages.load(PageId(1))
    assert pages.frames[PageId(1)].data == bytearray(PAGE_SIZE)
    store.close()
