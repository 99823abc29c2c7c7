"""A newest image that cannot be read: restart takes the one before, and redoes from there what the log has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lungfish import errors
from lungfish.storage.check import check_pages
from lungfish.storage.ids import PageId
from lungfish.storage.image import Image, RelationKind
from lungfish.storage.memory_disk import MemoryDisk
from lungfish.storage.page_table import UNIT_SIZE, unpack_location
from tests.recovery.image_world import PATH, World

EXPECTED = [(400, 100, 400)]
FOUND = "SELECT count(*), count(*) FILTER (WHERE v = 'last'), count(DISTINCT id) FROM t"


@pytest.fixture
def world() -> Iterator[World]:
    """Two checkpoints with changes before, between and after them."""
    with World() as made:
        made.run("CREATE TABLE t (id int PRIMARY KEY, v text, w text)")
        made.run("CREATE INDEX t_v ON t (v)")
        made.run("INSERT INTO t SELECT g, 'first', repeat('w', 100) FROM generate_series(1, 300) g")
        made.run("CHECKPOINT (NAME 'first')")
        made.run("UPDATE t SET v = 'second ' || id WHERE id % 2 = 0")
        made.run("INSERT INTO t SELECT g, 'second', '' FROM generate_series(301, 400) g")
        made.run("CHECKPOINT")
        made.run("UPDATE t SET v = 'last' WHERE id % 4 = 0")
        yield made


def flip(world: World, offset: int) -> None:
    """Change a byte of the database file, as a bad disk would."""
    assert world.options.disk is not None
    file = world.options.disk.open(PATH)
    file.write_at(offset, bytes([file.read_at(offset, 1)[0] ^ 0x40]))
    file.close()


def kill_with_damage(world: World, offset: int) -> None:
    """Kill the database, and damage its file before it is opened again."""
    world.database.crash()
    world.connection.close()
    flip(world, offset)
    world.reopen()


def newest(world: World) -> Image:
    return world.database._database.core.store.images[-1]


def pages_of_the_newest(world: World) -> dict[RelationKind, list[int]]:
    """Offsets of pages that the newest image does not share with the one before, by kind."""
    *_, before, image = world.database._database.core.store.images
    found: dict[RelationKind, list[int]] = {}
    for relation_id, relation in image.relations.items():
        old = before.relations.get(relation_id)
        for page_id in map(PageId, range(relation.table.page_count)):
            location = relation.table.location(page_id)
            if location and (old is None or old.table.location(page_id) != location):
                offset = unpack_location(location).first_unit * UNIT_SIZE
                found.setdefault(relation.kind, []).append(offset)
    return found


def assert_recovered(world: World) -> None:
    assert world.run(FOUND) == EXPECTED
    assert world.run("SELECT v FROM t WHERE id = 6") == [("second 6",)]
    world.check_tables()


def opening(world: World) -> tuple[object, ...]:
    return world.run(
        "SELECT clean, fallback_used, checkpoint_id FROM lungfish.recovery_history ORDER BY recovery_id"
    )[-1]


def test_without_damage_the_newest_image_is_taken(world: World) -> None:
    world.kill()
    assert opening(world) == (False, False, 2)
    assert_recovered(world)


@pytest.mark.parametrize("what", ["superblock", "manifest"])
def test_a_damaged_head_of_the_newest_image_is_met_by_the_one_before(
    world: World, what: str
) -> None:
    image = newest(world)
    unit = image.generation % 2 if what == "superblock" else image.manifest.first_unit
    kill_with_damage(world, unit * UNIT_SIZE + 40)
    assert opening(world) == (False, True, 1)
    assert_recovered(world)
    # The next checkpoint takes the damaged one's place.
    world.run("CHECKPOINT")
    world.kill()
    assert opening(world)[1] is False
    assert_recovered(world)
    assert check_pages(world.database._database.core.store).findings == ()


@pytest.mark.parametrize("kind", [RelationKind.HEAP, RelationKind.INDEX])
def test_a_damaged_page_that_recovery_meets_is_no_loss(world: World, kind: RelationKind) -> None:
    fallbacks = 0
    for offset in pages_of_the_newest(world)[kind][:3]:
        with World(copy_of(world)) as damaged:
            kill_with_damage(damaged, offset)
            if opening(damaged)[1]:
                fallbacks += 1
                assert damaged.images()[-2:] == [("first", "current"), (None, "quarantined")]
                assert damaged.run(FOUND) == EXPECTED
                damaged.check_tables()
                # Killed again at once: whatever was written meanwhile, nothing of it took the damaged image's place.
                damaged.kill()
                assert opening(damaged)[1] is True
                damaged.run("CHECKPOINT")
                assert "quarantined" in [state for _, state in damaged.images()]
                damaged.kill()
                assert opening(damaged)[1] is False
                assert damaged.images() == [("first", "previous"), (None, "current")]
                assert_recovered(damaged)
                assert check_pages(damaged.database._database.core.store).findings == ()
    assert fallbacks


def copy_of(world: World) -> MemoryDisk:
    """The files as they are now."""
    source, copy = world.options.disk, MemoryDisk()
    assert source is not None
    paths = [PATH, *(f"{PATH}-wal/{name}" for name in source.list(f"{PATH}-wal"))]
    copy.make_directory(f"{PATH}-wal")
    for path in paths:
        read, written = source.open(path), copy.open(path, create=True)
        written.write_at(0, read.read_at(0, read.size()))
        read.close()
        written.close()
    return copy


def test_a_page_that_both_images_share_is_not_made_up(world: World) -> None:
    *_, before, image = world.database._database.core.store.images
    shared = [
        unpack_location(relation.table.location(page_id)).first_unit * UNIT_SIZE
        for relation_id, relation in image.relations.items()
        if relation_id in before.relations
        for page_id in map(PageId, range(relation.table.page_count))
        if relation.table.location(page_id)
        and relation.table.location(page_id)
        == before.relations[relation_id].table.location(page_id)
    ]
    for offset in shared:
        with World(copy_of(world)) as damaged:
            damaged.database.crash()
            damaged.connection.close()
            flip(damaged, offset)
            try:
                damaged.reopen()
            except errors.CorruptPage:
                continue
            try:
                assert_recovered(damaged)
            except errors.CorruptPage:
                continue


def test_after_a_clean_close_either_superblock_is_enough(world: World) -> None:
    for which in range(2):
        world.connection.close()
        world.database.close()
        flip(world, which * UNIT_SIZE + 40)
        world.reopen()
        assert world.run(FOUND) == EXPECTED
        assert_recovered(world)


def test_a_damaged_named_image_keeps_nobody_from_opening(world: World) -> None:
    for _ in range(2):
        world.run("CHECKPOINT")
    first = world.database._database.core.store.images[0]
    assert first.name == "first"
    kill_with_damage(world, first.manifest.first_unit * UNIT_SIZE)
    assert opening(world)[1] is False
    assert world.images() == [(None, "previous"), (None, "current"), ("first", "quarantined")]
    with pytest.raises(errors.CorruptDatabase, match='checkpoint "first" is damaged'):
        world.run("SELECT 1 AS OF CHECKPOINT 'first'")
    assert_recovered(world)
    world.run("DROP CHECKPOINT first")
    assert world.images() == [(None, "previous"), (None, "current")]
    world.kill()
    assert world.images() == [(None, "previous"), (None, "current")]
    assert check_pages(world.database._database.core.store).findings == ()
