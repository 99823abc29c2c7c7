"""Checkpoints that run out of time leave indexes out: their log is kept, and a restart brings each up from its own mark."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from lungfish.connection.connection import Connection
from lungfish.storage.check import check_pages
from tests.recovery.image_world import World

# So much of the clock passes with each page that a checkpoint writes.
PAGE_S = 0.010


@pytest.fixture
def world() -> Iterator[World]:
    with World() as made:
        made.run("CREATE TABLE t (id int PRIMARY KEY, n int, v text)")
        made.run("CREATE INDEX t_n ON t (n)")
        made.run("CREATE INDEX t_v ON t (lower(v)) WHERE n % 3 <> 0")
        made.run(
            "INSERT INTO t SELECT g, g % 17, 'Value ' || g || repeat('x', 60) FROM generate_series(1, 2000) g"
        )
        made.run("CHECKPOINT")
        yield made


def checkpoint_out_of_time(world: World, pages: int = 0) -> str:
    """A checkpoint with time for all of its tables and so many pages of indexes; answers its outcome."""
    core = world.database._database.core
    catalog = world.database._database.catalog
    dirty = {each.relation_id: each.dirty_pages for each in core.pool.relation_figures()}
    indexes = {each.relation_id for table in catalog.tables() for each in table.indexes}
    left = sum(count for relation_id, count in dirty.items() if relation_id not in indexes)
    core.checkpoints.pages.pace = lambda _: world.clock.advance(PAGE_S)
    try:
        timeout_ms = max(1, 1000 * PAGE_S * (left + pages) - 1)
        return str(world.run(f"CHECKPOINT (TIMEOUT {timeout_ms:.0f})")[0][1])
    finally:
        core.checkpoints.pages.pace = lambda _: None


def replayed(world: World) -> int:
    return world.database.recovery_report.counts.indexes_replayed


def built(world: World) -> int:
    return world.database.recovery_report.counts.indexes_built


def change(world: World, seed: int) -> None:
    """Some of everything: keys changed, rows gone and new, changed and changed back."""
    chance = random.Random(seed)
    for _ in range(12):
        row = chance.randrange(1, 2000)
        match chance.randrange(4):
            case 0:
                world.run(f"UPDATE t SET n = n + 1, v = 'Changed {row}' WHERE id = {row}")
            case 1:
                world.run(f"DELETE FROM t WHERE id = {row}")
            case 2:
                world.run(
                    f"INSERT INTO t VALUES ({seed * 10000 + row}, {row}, 'New') ON CONFLICT DO NOTHING"
                )
            case _:
                world.run(f"UPDATE t SET v = upper(v) WHERE id BETWEEN {row} AND {row + 3}")


def change_in(other: Connection, chance: random.Random) -> None:
    """Changes of a transaction that is left running."""
    row = chance.randrange(1, 2000)
    other.execute(f"UPDATE t SET n = n + 7, v = 'Run' WHERE id BETWEEN {row} AND {row + 5}")
    other.execute(f"DELETE FROM t WHERE id = {row + 6}")


def test_an_index_that_was_left_out_is_replayed_from_its_mark(world: World) -> None:
    change(world, 1)
    assert checkpoint_out_of_time(world) == "partial"
    marks = dict(world.run("SELECT holder_kind, count(*) FROM lungfish.wal_retention GROUP BY 1"))
    assert marks["index_mark"] == 3
    change(world, 2)
    world.kill()
    assert (replayed(world), built(world)) == (3, 0)
    world.check()
    assert world.run("SELECT count(*) FROM t WHERE n >= 0") == world.run("SELECT count(*) FROM t")


def test_nothing_to_redo_for_the_table_and_yet_the_index_is_replayed(world: World) -> None:
    change(world, 1)
    assert checkpoint_out_of_time(world) == "partial"
    world.kill()
    assert world.database.recovery_report.counts.rows_redone == 0
    assert (replayed(world), built(world)) == (3, 0)
    world.check()


def test_an_index_may_be_left_out_many_times_and_its_log_stays(world: World) -> None:
    for seed in range(6):
        change(world, seed)
        assert checkpoint_out_of_time(world) == "partial"
    lowest = "SELECT min(pinned_lsn) = min(pinned_lsn) FILTER (WHERE holder_kind = 'index_mark') FROM lungfish.wal_retention"
    assert world.run(lowest) == [(True,)]
    world.kill()
    assert (replayed(world), built(world)) == (3, 0)
    world.check()
    # The next whole checkpoint catches up, and lets go.
    assert world.run("CHECKPOINT")[0][1] == "complete"
    assert world.run(
        "SELECT count(*) FROM lungfish.wal_retention WHERE holder_kind = 'index_mark'"
    ) == [(0,)]
    world.kill()
    assert (replayed(world), built(world)) == (0, 0)
    world.check()
    assert check_pages(world.database._database.core.store).findings == ()


def test_some_indexes_are_captured_and_others_not(world: World) -> None:
    world.run("UPDATE t SET n = n + 1, v = 'Changed' WHERE id % 250 = 0")
    assert checkpoint_out_of_time(world, pages=3) == "partial"
    held = world.run("SELECT count(*) FROM lungfish.wal_retention WHERE holder_kind = 'index_mark'")
    assert held[0][0] in (1, 2)
    world.kill()
    assert replayed(world) == held[0][0]
    world.check()


def test_rows_of_running_transactions_at_the_mark(world: World) -> None:
    """Those that commit are followed; of those that do not, nobody knows the entries: the index is built again."""
    for ends_well in (True, False):
        other = world.database.connect()
        other.execute("UPDATE t SET n = 500 WHERE id BETWEEN 10 AND 14")
        other.execute("DELETE FROM t WHERE id = 20")
        world.run("CHECKPOINT")
        if ends_well:
            other.execute("UPDATE t SET n = 501 WHERE id = 12")
            other.commit()
        else:
            other.rollback()
        other.close()
        world.run(f"UPDATE t SET n = 77 WHERE id = {31 if ends_well else 32}")
        assert checkpoint_out_of_time(world) == "partial"
        world.run("UPDATE t SET n = 78 WHERE id = 40")
        world.kill()
        assert (replayed(world), built(world)) == ((3, 0) if ends_well else (0, 2))
        world.check()
        world.run("CHECKPOINT")


def test_old_versions_that_a_reader_still_needed_at_the_mark(world: World) -> None:
    reader = world.database.connect()
    reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    reader.execute("SELECT count(*) FROM t")
    world.run("UPDATE t SET n = 900 WHERE id BETWEEN 50 AND 60")
    world.run("DELETE FROM t WHERE id BETWEEN 70 AND 75")
    # The old entries are in the indexes of this image; purging them is owed.
    world.run("CHECKPOINT")
    reader.close()
    world.run("UPDATE t SET n = 901 WHERE id = 55")
    world.run("INSERT INTO t VALUES (70, 1, 'again')")
    assert checkpoint_out_of_time(world) == "partial"
    world.kill()
    assert (replayed(world), built(world)) == (3, 0)
    world.check()


def test_an_index_without_an_image_is_built(world: World) -> None:
    world.run("CREATE INDEX t_late ON t (v, id)")
    assert checkpoint_out_of_time(world) == "partial"
    change(world, 3)
    world.kill()
    assert built(world) == 1
    world.check()


def test_an_image_with_lagging_indexes_is_read_as_of_itself(world: World) -> None:
    change(world, 1)
    world.run("UPDATE t SET n = 4242 WHERE id = 1000")
    core = world.database._database.core
    core.checkpoints.pages.pace = lambda _: world.clock.advance(PAGE_S)
    left = core.pool.figures().dirty_pages
    outcome = world.run(f"CHECKPOINT (NAME 'part', TIMEOUT {1000 * PAGE_S * (left - 4) - 1:.0f})")
    assert outcome[0][1] == "partial"
    core.checkpoints.pages.pace = lambda _: None
    world.run("UPDATE t SET n = 0")
    world.run("CHECKPOINT")
    found = world.run("SELECT id FROM t WHERE n = 4242 AS OF CHECKPOINT 'part'")
    assert found == [(1000,)]


def test_the_image_before_has_marks_of_its_own(world: World) -> None:
    """Fallback to an image that left indexes out, and redo of all that came after."""
    change(world, 1)
    assert checkpoint_out_of_time(world) == "partial"
    change(world, 2)
    world.run("CHECKPOINT")
    change(world, 3)
    image = world.database._database.core.store.images[-1]
    world.database.crash()
    world.connection.close()
    assert world.options.disk is not None
    file = world.options.disk.open("app.db")
    file.write_at(image.manifest.first_unit * 4096, bytes(64))
    file.close()
    world.reopen()
    assert world.database.recovery_report.fallback_used
    assert replayed(world) == 3
    world.check_tables()


@pytest.mark.parametrize("seed", range(3))
def test_a_mixed_load_killed_anywhere_leaves_every_index_equal_to_its_table(seed: int) -> None:
    chance = random.Random(seed)
    with World() as world:
        world.run("CREATE TABLE t (id int PRIMARY KEY, n int, v text)")
        world.run("CREATE INDEX t_n ON t (n)")
        world.run("CREATE INDEX t_v ON t (lower(v)) WHERE n % 3 <> 0")
        world.run("INSERT INTO t SELECT g, g, 'v' || g FROM generate_series(1, 2000) g")
        for step in range(25):
            match chance.randrange(8):
                case 0:
                    world.run("CHECKPOINT")
                case 1 | 2:
                    checkpoint_out_of_time(world, pages=chance.randrange(6))
                case 3:
                    other = world.database.connect()
                    change_in(other, chance)
                    checkpoint_out_of_time(world, pages=chance.randrange(4))
                    if chance.random() < 0.5:
                        other.commit()
                    other.close()
                case 4:
                    expected = world.run("SELECT * FROM t ORDER BY id")
                    world.kill()
                    assert world.run("SELECT * FROM t ORDER BY id") == expected
                    world.check()
                case _:
                    change(world, 100 * seed + step)
        expected = world.run("SELECT * FROM t ORDER BY id")
        world.kill()
        assert world.run("SELECT * FROM t ORDER BY id") == expected
        world.check()
