"""SELECT ... AS OF CHECKPOINT 'name': the database as a kept image has it, and nothing of the present."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from lungfish import errors
from lungfish.storage.check import check_pages
from tests.recovery.image_world import World


@pytest.fixture
def world() -> Iterator[World]:
    with World() as made:
        made.run("CREATE TABLE t (id int PRIMARY KEY, v text)")
        made.run("INSERT INTO t SELECT g, 'old ' || g FROM generate_series(1, 300) g")
        made.run("CREATE INDEX t_v ON t (v)")
        yield made


def test_rows_are_those_of_the_checkpoint(world: World) -> None:
    world.run("CHECKPOINT (NAME 'june')")
    world.run("UPDATE t SET v = 'new'")
    world.run("DELETE FROM t WHERE id > 100")
    world.run("INSERT INTO t VALUES (1000, 'later')")
    world.run("CHECKPOINT")
    past = "AS OF CHECKPOINT 'june'"
    assert world.run(f"SELECT count(*), min(v), max(id) FROM t {past}") == [(300, "old 1", 300)]
    assert world.run(f"SELECT id FROM t WHERE v = 'old 77' {past}") == [(77,)]
    assert world.run(f"SELECT v FROM t WHERE id = 5 {past};") == [("old 5",)]
    assert world.run("SELECT count(*), min(v) FROM t") == [(101, "later")]


def test_it_is_so_after_a_kill_and_after_a_close(world: World) -> None:
    world.run("CHECKPOINT (NAME 'june')")
    world.run("UPDATE t SET v = 'new'")
    world.kill()
    assert world.run("SELECT v FROM t WHERE id = 5 AS OF CHECKPOINT 'june'") == [("old 5",)]
    world.connection.close()
    world.database.close()
    world.reopen()
    assert world.run("SELECT v FROM t WHERE id = 5 AS OF CHECKPOINT 'june'") == [("old 5",)]
    assert world.run("SELECT v FROM t WHERE id = 5") == [("new",)]


def test_the_catalog_is_that_of_the_checkpoint_too(world: World) -> None:
    world.run("CREATE VIEW long AS SELECT * FROM t WHERE id > 290")
    world.run("CHECKPOINT (NAME 'june')")
    world.run("DROP VIEW long")
    world.run("DROP TABLE t")
    world.run("CREATE TABLE u (x int)")
    world.run("CHECKPOINT")
    world.run("CHECKPOINT")
    assert world.run("SELECT count(*) FROM long AS OF CHECKPOINT 'june'") == [(10,)]
    with pytest.raises(errors.UndefinedTable) as caught:
        world.run("SELECT 1, x FROM u AS OF CHECKPOINT 'june'")
    assert caught.value.position == 17
    with pytest.raises(errors.UndefinedTable):
        world.run("SELECT * FROM t")


def test_what_was_not_committed_at_the_fence_does_not_show(world: World) -> None:
    other = world.database.connect()
    other.execute("INSERT INTO t VALUES (1000, 'running')")
    other.execute("UPDATE t SET v = 'running' WHERE id <= 10")
    other.execute("DELETE FROM t WHERE id = 20")
    world.run("CHECKPOINT (NAME 'june')")
    other.commit()
    other.close()
    past = "AS OF CHECKPOINT 'june'"
    assert world.run(f"SELECT count(*) FROM t WHERE v = 'running' {past}") == [(0,)]
    assert world.run(f"SELECT v FROM t WHERE id IN (10, 20) ORDER BY id {past}") == [
        ("old 10",),
        ("old 20",),
    ]
    assert world.run("SELECT count(*) FROM t WHERE v = 'running'") == [(11,)]
    # Undoing it there changed nothing here.
    world.check()
    assert check_pages(world.database._database.core.store).findings == ()


def test_it_takes_parameters_settings_and_explain(world: World) -> None:
    world.run("CHECKPOINT (NAME 'it''s june')")
    world.run("CREATE SCHEMA s")
    world.run("SET search_path = s, public")
    world.run("SET TimeZone = 'Asia/Tokyo'")
    sql = "SELECT v, current_setting('TimeZone') FROM t WHERE id = ? AS OF CHECKPOINT 'it''s june'"
    assert world.connection.execute(sql, (7,)).fetchall() == [("old 7", "Asia/Tokyo")]
    plan = world.run("EXPLAIN SELECT * FROM t WHERE id = 7 AS OF CHECKPOINT 'it''s june'")
    assert "t_pkey" in plan[0][0]


@pytest.mark.parametrize(
    ("sql", "error", "position"),
    [
        ("SELECT 1 AS OF CHECKPOINT 'may'", errors.UndefinedObject, 9),
        (
            "INSERT INTO t SELECT * FROM t AS OF CHECKPOINT 'june'",
            errors.ReadOnlySqlTransaction,
            30,
        ),
        ("DELETE FROM t AS OF CHECKPOINT 'june'", errors.ReadOnlySqlTransaction, 14),
        ("DROP TABLE t AS OF CHECKPOINT 'june'", errors.FeatureNotSupported, 13),
        ("CREATE TABLE c AS TABLE t AS OF CHECKPOINT 'june'", errors.FeatureNotSupported, 26),
        (
            "WITH d AS (DELETE FROM t RETURNING id) SELECT * FROM d AS OF CHECKPOINT 'june'",
            errors.ReadOnlySqlTransaction,
            None,
        ),
        ("SELECT * FROM t FOR UPDATE AS OF CHECKPOINT 'june'", errors.ReadOnlySqlTransaction, None),
        ("SELECT * FROM t WHERE AS OF CHECKPOINT 'june'", errors.SyntaxError, None),
        ("SELECT nextval('s') AS OF CHECKPOINT 'june'", errors.ReadOnlySqlTransaction, None),
        ("SELECT nosuch FROM t AS OF CHECKPOINT 'june'", errors.UndefinedColumn, 7),
    ],
)
def test_what_it_cannot_do_is_refused_with_its_place(
    world: World, sql: str, error: type[errors.Error], position: int | None
) -> None:
    world.run("CREATE SEQUENCE s")
    world.run("CHECKPOINT (NAME 'june')")
    with pytest.raises(error) as caught:
        world.run(f"SELECT 1; {sql}")
    if position is not None:
        assert caught.value.position == position + len("SELECT 1; ")
    assert world.run("SELECT count(*) FROM t") == [(300,)]


def test_python_gets_a_read_only_connection(world: World) -> None:
    world.run("CHECKPOINT (NAME 'june')")
    world.run("DELETE FROM t")
    with world.database.as_of("june", autocommit=True) as past:
        assert past.execute("SELECT count(*) FROM t").fetchall() == [(300,)]
        with pytest.raises(errors.ReadOnlySqlTransaction):
            past.execute("INSERT INTO t VALUES (0)")
        with pytest.raises(errors.ReadOnlySqlTransaction):
            past.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE")
        with pytest.raises(errors.ReadOnlySqlTransaction):
            past.execute("CREATE TABLE u (x int)")
        with pytest.raises(errors.ReadOnlySqlTransaction):
            past.execute("CHECKPOINT")
    with pytest.raises(errors.UndefinedObject):
        world.database.as_of("may")


def test_an_image_that_is_being_read_outlives_its_name(world: World) -> None:
    world.run("CHECKPOINT (NAME 'june')")
    past = world.database.as_of("june", autocommit=True)
    (pinned_by,) = world.run(
        "SELECT pinned_by FROM lungfish.checkpoint_images WHERE name = 'june'"
    )[0]
    assert "python" in pinned_by
    world.run("UPDATE t SET v = 'new'")
    world.run("DROP CHECKPOINT june")
    for number in range(4):
        world.run(f"UPDATE t SET v = 'newer {number}'")
        world.run("CHECKPOINT")
    assert past.execute("SELECT v FROM t WHERE id = 200").fetchall() == [("old 200",)]
    past.close()
    world.run("CHECKPOINT")
    world.run("CHECKPOINT")
    assert check_pages(world.database._database.core.store).findings == ()


def test_a_dropped_name_frees_its_space_though_it_was_read_a_moment_ago(world: World) -> None:
    world.run("CHECKPOINT (NAME 'june')")
    assert world.run("SELECT count(*) FROM t AS OF CHECKPOINT 'june'") == [(300,)]
    world.run("UPDATE t SET v = 'new'")
    world.run("CHECKPOINT")
    world.run("CHECKPOINT")
    world.run("DROP CHECKPOINT june")
    assert world.images() == [(None, "previous"), (None, "current")]


def test_many_names_are_read_in_turn(world: World) -> None:
    for number in range(5):
        world.run(f"UPDATE t SET v = 'state {number}'")
        world.run(f"CHECKPOINT (NAME 'c{number}')")
    for number in [3, 0, 4, 1, 2, 3]:
        rows = world.run(f"SELECT DISTINCT v FROM t AS OF CHECKPOINT 'c{number}'")
        assert rows == [(f"state {number}",)]


def test_readers_of_the_past_and_writers_do_not_meet(world: World) -> None:
    world.run("CHECKPOINT (NAME 'june')")
    failures: list[BaseException] = []

    def read() -> None:
        try:
            with world.database.connect(autocommit=True) as mine:
                for _ in range(15):
                    found = mine.execute(
                        "SELECT count(*), count(DISTINCT v) FROM t AS OF CHECKPOINT 'june'"
                    ).fetchall()
                    assert found == [(300, 300)]
        except BaseException as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for each in readers:
        each.start()
    for number in range(10):
        world.run(f"UPDATE t SET v = 'now {number}'")
        world.run("CHECKPOINT")
    for each in readers:
        each.join()
    assert failures == []
