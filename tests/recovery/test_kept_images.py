"""Images that are kept under a name, through SQL and through kills: taken, dropped, expired, and what they keep of the log."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lungfish import errors
from lungfish.storage.check import check_pages
from lungfish.storage.crash_state import Persistence
from lungfish.storage.simulated_disk import SimulatedDisk
from tests.recovery.image_world import World

DAY_S = 86_400.0


@pytest.fixture
def world() -> Iterator[World]:
    with World() as made:
        made.run("CREATE TABLE t (id int PRIMARY KEY, v text)")
        made.run("INSERT INTO t SELECT g, repeat('x', 50) FROM generate_series(1, 500) g")
        yield made


def test_a_named_checkpoint_outlives_others_a_kill_and_a_close(world: World) -> None:
    world.run("CHECKPOINT (NAME 'june')")
    for number in range(4):
        world.run(f"UPDATE t SET v = 'changed {number}'")
        world.run("CHECKPOINT")
    expected = [("june", "named"), (None, "previous"), (None, "current")]
    assert world.images() == expected
    world.kill()
    assert world.images() == expected
    world.check()
    world.database.close()
    world.reopen()
    assert world.images() == expected
    world.check()


def test_a_dropped_name_stays_dropped_and_its_space_is_used_again(world: World) -> None:
    world.run("CHECKPOINT (NAME 'june')")
    for number in range(3):
        world.run(f"UPDATE t SET v = 'changed {number}'")
        world.run("CHECKPOINT")
    store = world.database._database.core.store
    before = store.usage().used_bytes
    world.run("DROP CHECKPOINT june")
    assert world.images() == [(None, "previous"), (None, "current")]
    assert store.usage().used_bytes < before
    world.kill()
    assert world.images() == [(None, "previous"), (None, "current")]
    world.check()


def test_the_name_of_the_newest_images_can_be_dropped_too(world: World) -> None:
    world.run("CHECKPOINT (NAME 'june')")
    world.run("DROP CHECKPOINT june")
    assert world.images() == [(None, "previous"), (None, "current")]
    world.kill()
    assert world.images() == [(None, "previous"), (None, "current")]
    world.run("CHECKPOINT (NAME 'june')")
    assert world.images() == [(None, "previous"), ("june", "current")]


def test_a_kept_image_expires_at_the_first_checkpoint_past_its_time(world: World) -> None:
    world.run("CHECKPOINT (NAME 'short', KEEP '1 day')")
    world.run("CHECKPOINT (NAME 'long', KEEP '1 month')")
    world.clock.advance(DAY_S / 2)
    for _ in range(2):
        world.run("CHECKPOINT")
    assert [name for name, _ in world.images() if name] == ["short", "long"]
    world.kill()
    world.clock.advance(DAY_S)
    world.run("CHECKPOINT")
    assert [name for name, _ in world.images() if name] == ["long"]
    world.clock.advance(30 * DAY_S)
    world.run("CHECKPOINT")
    assert [name for name, _ in world.images() if name] == []


def test_all_before_a_moment_drops_the_older_names(world: World) -> None:
    world.run("CHECKPOINT (NAME 'a')")
    world.clock.advance(DAY_S)
    ((moment,),) = world.run("SELECT now()::text")
    world.clock.advance(DAY_S)
    world.run("CHECKPOINT (NAME 'b')")
    world.run(f"DROP CHECKPOINT ALL BEFORE '{moment}'")
    assert [name for name, _ in world.images() if name] == ["b"]
    world.run(f"DROP CHECKPOINT ALL BEFORE '{moment}'")
    assert [name for name, _ in world.images() if name] == ["b"]


@pytest.mark.parametrize(
    ("sql", "error", "message"),
    [
        ("CHECKPOINT (NAME 'june')", errors.DuplicateObject, 'checkpoint "june" already exists'),
        ("DROP CHECKPOINT may", errors.UndefinedObject, 'checkpoint "may" does not exist'),
        ("CHECKPOINT (KEEP '1 day')", errors.InvalidParameterValue, "needs a NAME"),
        ("CHECKPOINT (RETAIN_WAL)", errors.InvalidParameterValue, "needs a NAME"),
        ("CHECKPOINT (NAME 'x', KEEP '-1 day')", errors.InvalidParameterValue, "above zero"),
        ("CHECKPOINT (NAME 'x', KEEP 'soon')", errors.Error, "invalid input syntax"),
        ("DROP CHECKPOINT ALL BEFORE 'soon'", errors.Error, "invalid input syntax"),
    ],
)
def test_what_cannot_be_kept_or_dropped_is_refused(
    world: World, sql: str, error: type[errors.Error], message: str
) -> None:
    world.run("CHECKPOINT (NAME 'june')")
    before = world.images()
    with pytest.raises(error, match=message):
        world.run(sql)
    assert world.images() == before


def test_dropping_is_refused_inside_a_transaction_and_when_read_only(world: World) -> None:
    world.run("CHECKPOINT (NAME 'june')")
    world.run("BEGIN")
    with pytest.raises(errors.ActiveSqlTransaction):
        world.run("DROP CHECKPOINT june")
    world.run("ROLLBACK")
    with (
        world.database.connect(autocommit=True, read_only=True) as reader,
        pytest.raises(errors.ReadOnlySqlTransaction),
    ):
        reader.execute("DROP CHECKPOINT june")


def test_only_a_named_checkpoint_that_asks_for_it_holds_the_log(world: World) -> None:
    world.run("CHECKPOINT (NAME 'a')")
    world.run("CHECKPOINT (NAME 'b', RETAIN_WAL)")
    for _ in range(3):
        world.run("UPDATE t SET v = 'changed'")
        world.run("CHECKPOINT")
    held = "SELECT holder_id, remedy_sql FROM lungfish.wal_retention WHERE holder_kind = 'named_checkpoint'"
    assert world.run(held) == [("b", "DROP CHECKPOINT b")]
    world.kill()
    assert world.run(held) == [("b", "DROP CHECKPOINT b")]
    world.run('DROP CHECKPOINT "b"')
    assert world.run(held) == []


def test_a_drop_that_cannot_be_made_durable_leaves_the_name(world: World) -> None:
    def fail(_: int) -> None:
        raise errors.DiskFull("no space left on device")

    world.run("CHECKPOINT (NAME 'june')")
    world.run("INSERT INTO t VALUES (1000)")
    world.database._database.core.checkpoints.pages.pace = fail
    with pytest.raises(errors.DiskFull):
        world.run("DROP CHECKPOINT june")
    assert "june" in [name for name, _ in world.images()]
    world.kill()
    assert "june" in [name for name, _ in world.images()]


def test_a_kill_at_any_point_of_naming_and_dropping_leaves_whole_images() -> None:
    disk = SimulatedDisk()
    with World(disk) as world:
        world.run("CREATE TABLE t (id int PRIMARY KEY)")
        world.run("INSERT INTO t SELECT g FROM generate_series(1, 50) g")
        begun = disk.operation_count
        world.run("CHECKPOINT (NAME 'a')")
        named = disk.operation_count
        world.run("INSERT INTO t VALUES (100)")
        world.run("CHECKPOINT (NAME 'b')")
        world.run("CHECKPOINT")
        both = disk.operation_count
        world.run("DROP CHECKPOINT a")
        dropped = disk.operation_count
    for number in range(begun, dropped + 1):
        with World(disk.crash_state(number, Persistence.SYNCED)) as after:
            names = [name for name, _ in after.images() if name]
            if number >= dropped:
                assert names == ["b"]
            elif number >= both:
                assert names in (["a", "b"], ["b"])
            elif number >= named:
                assert names in (["a"], ["a", "b"])
            else:
                assert names in ([], ["a"])
            assert after.run("SELECT count(*) FROM t WHERE id <= 50") == [(50,)]
            assert check_pages(after.database._database.core.store).findings == ()


def test_what_is_remembered_of_images_goes_with_them(world: World) -> None:
    images = world.database._database.core.images
    for number in range(8):
        world.run(f"UPDATE t SET v = '{number}' WHERE id = 1")
        world.run("CHECKPOINT")
        world.run("SCRUB IMAGES")
        assert len(images._facts) <= len(images.images()) + 1
    assert images._readers == {}
