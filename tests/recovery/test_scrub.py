"""SCRUB reads images, log, tables and indexes, and says what is damaged; the views that tell of images and marks."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from lungfish import errors
from lungfish.database.scrub import Scrub, ScrubFinding
from lungfish.storage.ids import PageId, RelationId
from lungfish.storage.page_table import UNIT_SIZE, unpack_location
from tests.recovery.image_world import PATH, World


@pytest.fixture
def world() -> Iterator[World]:
    with World() as made:
        made.run("CREATE TABLE t (id int PRIMARY KEY, v text)")
        made.run("CREATE INDEX t_v ON t (v)")
        made.run("INSERT INTO t SELECT g, 'value ' || g FROM generate_series(1, 800) g")
        made.run("CHECKPOINT (NAME 'june')")
        made.run("UPDATE t SET v = 'newer' WHERE id < 100")
        made.run("CHECKPOINT")
        made.run("UPDATE t SET v = 'newest' WHERE id < 50")
        yield made


def flip(world: World, path: str, offset: int) -> None:
    assert world.options.disk is not None
    file = world.options.disk.open(path)
    file.write_at(offset, bytes([file.read_at(offset, 1)[0] ^ 0x40]))
    file.close()


def page_offset(world: World, relation: str, *, image: int) -> int:
    """Where the first page of a relation's image is stored."""
    core = world.database._database.core
    relation_id = next(
        RelationId(each)
        for each, label in core.relation_names().items()
        if label.name == relation and label.kind != "toast"
    )
    table = core.store.images[image].relations[relation_id].table
    return unpack_location(table.location(PageId(0))).first_unit * UNIT_SIZE


def states(world: World, sql: str) -> dict[str, str]:
    return {row[0]: row[1] for row in world.run(sql)}


def test_a_whole_database_is_whole(world: World) -> None:
    found = states(world, "SCRUB")
    assert set(found.values()) == {"ok"}
    assert 'image of checkpoint 1 "june"' in found
    assert {"image of checkpoint 2", "table t", "index t_pkey", "index t_v"} <= set(found)
    assert [name for name in found if name.startswith("segment")]


@pytest.mark.parametrize("part", ["images", "log", "tables"])
def test_a_scrub_can_be_given_up_at_every_page_and_part_of_the_log(world: World, part: str) -> None:
    looks = 0

    def scrub(stop_at: int) -> list[ScrubFinding]:
        def look() -> None:
            nonlocal looks
            looks += 1
            if looks == stop_at:
                raise errors.QueryCanceled("given up")

        made = Scrub(world.database._database, lock_timeout_s=None, look=look)
        return getattr(made, part)()

    found = scrub(0)
    pages = [int(each.details.split()[0]) for each in found if each.details.endswith("pages")]
    assert looks >= sum(pages) + 1
    for stop_at in range(1, looks + 1):
        looks = 0
        with pytest.raises(errors.QueryCanceled):
            scrub(stop_at)
    assert set(states(world, "SCRUB").values()) == {"ok"}


def test_one_relation_or_one_part_can_be_scrubbed(world: World) -> None:
    assert states(world, "SCRUB t") == {"table t": "ok", "index t_pkey": "ok", "index t_v": "ok"}
    assert states(world, "SCRUB public.t_v") == {"index t_v": "ok"}
    assert all(name.startswith("image") for name in states(world, "SCRUB IMAGES"))
    assert all(name.startswith("segment") for name in states(world, "SCRUB WAL"))
    with pytest.raises(errors.UndefinedTable):
        world.run("SCRUB nosuch")
    world.run("CREATE VIEW w AS SELECT 1")
    with pytest.raises(errors.WrongObjectType):
        world.run("SCRUB w")
    world.run("BEGIN")
    with pytest.raises(errors.ActiveSqlTransaction):
        world.run("SCRUB")
    world.run("ROLLBACK")


def test_a_damaged_page_of_a_kept_image_is_found_and_remembered(world: World) -> None:
    flip(world, PATH, page_offset(world, "t", image=0) + 100)
    found = states(world, "SCRUB IMAGES")
    assert found['image of checkpoint 1 "june"'] == "damaged"
    assert found["image of checkpoint 2"] == "ok"
    sql = "SELECT name, state, bad_pages, verified_at = now() FROM lungfish.checkpoint_images ORDER BY checkpoint_id DESC LIMIT 2"
    assert world.run(sql) == [(None, "current", 0, True), ("june", "quarantined", 1, True)]
    (event,) = world.database._database.core.integrity.events()
    assert (event.kind.value, event.source, event.page_no) == ("image_crc", "scrub", 0)
    # It is still known after the next checkpoint and a kill.
    world.run("CHECKPOINT")
    world.kill()
    bad = "SELECT bad_pages FROM lungfish.checkpoint_images WHERE name = 'june'"
    assert world.run(bad) == [(1,)]


def test_a_damaged_page_of_the_newest_image_is_found(world: World) -> None:
    flip(world, PATH, page_offset(world, "t_v", image=-1) + 100)
    assert states(world, "SCRUB t") == {
        "table t": "ok",
        "index t_pkey": "ok",
        "index t_v": "damaged",
    }


def test_an_index_that_disagrees_with_its_table_is_found(world: World) -> None:
    database = world.database._database
    (table,) = database.catalog.tables()
    index = database.stores.get(table).indexes[1]
    (chunk, *_) = index.btree.scan((None, None))
    address = index.addresses(index.btree.codec.encode(("newest",)))[0]
    assert chunk
    index.btree.remove(index.btree.codec.encode(("newest",)), address, database.core.log.end_lsn())
    assert states(world, "SCRUB t") == {
        "table t": "ok",
        "index t_pkey": "ok",
        "index t_v": "damaged",
    }


def test_a_damaged_log_is_found(world: World) -> None:
    core = world.database._database.core
    number, place = divmod(core.memory.facts.redo_lsn, core.log.start.capacity)
    flip(world, core.folder.path_of(number), 4096 + place + 200)
    assert "damaged" in states(world, "SCRUB WAL").values()
    assert world.database._database.core.integrity.events()[-1].kind.value == "wal_crc"


def test_scrubbing_under_load_finds_nothing(world: World) -> None:
    failures: list[BaseException] = []

    def write(number: int) -> None:
        try:
            with world.database.connect(autocommit=True) as mine:
                for step in range(60):
                    row = number * 100 + step
                    mine.execute(f"UPDATE t SET v = 'w{number} {step}' WHERE id = {row % 800 + 1}")
                    mine.execute(f"DELETE FROM t WHERE id = {(row * 7) % 800 + 1}")
        except BaseException as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for each in writers:
        each.start()
    while any(each.is_alive() for each in writers):
        damaged = [row for row in world.run("SCRUB") if row[1] != "ok"]
        assert damaged == []
        world.run("CHECKPOINT")
    for each in writers:
        each.join()
    assert failures == []


def test_marks_say_up_to_where_each_relation_is_complete(world: World) -> None:
    world.run("CHECKPOINT")
    sql = "SELECT name, kind, table_name, state, dirty_pages, replay_bytes FROM lungfish.relation_marks WHERE table_name = 't'"
    assert world.run(sql) == [
        ("t", "heap", "t", "consistent", 0, 0),
        ("t_pkey", "index", "t", "consistent", 0, 0),
        ("t_v", "index", "t", "consistent", 0, 0),
    ]
    world.run("UPDATE t SET v = 'again' WHERE id = 7")
    world.run("CREATE INDEX t_late ON t (v, id)")
    found = world.run(
        "SELECT name, state, replay_bytes > 0, last_checkpoint_id FROM lungfish.index_wal_marks WHERE table_name = 't'"
    )
    assert found == [
        ("t_pkey", "consistent", False, 3),
        ("t_v", "needs_replay", True, 3),
        ("t_late", "needs_rebuild", True, None),
    ]


def test_pg_control_checkpoint_tells_of_the_newest_checkpoint(world: World) -> None:
    world.run("CHECKPOINT")
    ((redo, newest, file, pages, active),) = world.run(
        "SELECT redo_lsn, (SELECT redo_lsn FROM lungfish.checkpoint_history ORDER BY checkpoint_id DESC LIMIT 1),"
        " redo_wal_file, full_page_writes, oldest_active_xid FROM pg_control_checkpoint()"
    )
    assert redo == newest
    assert file.endswith(".wal")
    assert pages is False
    other = world.database.connect()
    other.execute("INSERT INTO t VALUES (9000, 'running')")
    world.run("CHECKPOINT")
    ((later, next_xid),) = world.run(
        "SELECT oldest_active_xid, next_xid FROM pg_control_checkpoint()"
    )
    assert later >= active
    assert later < int(next_xid.removeprefix("0:"))
    other.rollback()
    other.close()
