"""SERIALIZABLE through SQL: what is allowed, who has to go, and that every way of reading and writing is followed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import lungfish
from lungfish.storage import predicate_locks, serializable

MESSAGE = "could not serialize access due to read/write dependencies among transactions"


class Sessions:
    """Sessions of one database with a table t(id, v, w) of four rows, of which v has an index and w has none."""

    def __init__(self, database: lungfish.Database) -> None:
        self.one, self.two, self.three = (database.connect(autocommit=True) for _ in range(3))
        self.one.execute(
            """
            CREATE TABLE t (id integer PRIMARY KEY, v integer, w integer);
            CREATE INDEX ON t (v);
            INSERT INTO t VALUES (1, 10, 100), (2, 20, 200), (3, 30, 300), (4, 40, 400);
            """
        )

    def begin(self, *sessions: Any, mode: str = "") -> None:
        for session in sessions or (self.one, self.two):
            session.execute(f"BEGIN ISOLATION LEVEL SERIALIZABLE {mode}")
            session.execute("SELECT 1")

    def failures(self, *steps: tuple[Any, str]) -> list[str | None]:
        """The SQLSTATE of each step; a failed transaction is rolled back and its other steps are left out."""
        states: list[str | None] = []
        gone = set()
        for session, sql in steps:
            if session in gone:
                continue
            try:
                session.execute(sql)
                states.append(None)
            except lungfish.Error as error:
                states.append(error.sqlstate)
                gone.add(session)
                session.rollback()
        return states


@pytest.fixture
def world() -> Iterator[Sessions]:
    with lungfish.open(":memory:") as database:
        made = Sessions(database)
        yield made
        for session in (made.one, made.two, made.three):
            session.close()


# How one reads what the other writes, each with the write that it must not miss.
READS_AND_WRITES = [
    ("SELECT sum(w) FROM t", "UPDATE t SET w = 0 WHERE id = 1"),
    ("SELECT sum(w) FROM t", "INSERT INTO t VALUES (9, 9, 9)"),
    ("SELECT sum(w) FROM t", "DELETE FROM t WHERE id = 4"),
    ("SELECT w FROM t WHERE id = 2", "UPDATE t SET w = 0 WHERE id = 2"),
    ("SELECT w FROM t WHERE id = 2", "DELETE FROM t WHERE id = 2"),
    ("SELECT w FROM t WHERE id = 7", "INSERT INTO t VALUES (7, 7, 7)"),
    ("SELECT w FROM t WHERE id = 7", "UPDATE t SET id = 7 WHERE id = 1"),
    ("SELECT w FROM t WHERE id BETWEEN 5 AND 8", "INSERT INTO t VALUES (7, 7, 7)"),
    ("SELECT w FROM t WHERE v > 35", "UPDATE t SET v = 99 WHERE id = 1"),
    ("SELECT w FROM t WHERE v > 35", "UPDATE t SET w = 0 WHERE id = 4"),
    ("SELECT w FROM t WHERE v = 40", "UPDATE t SET v = 0 WHERE id = 4"),
    ("SELECT id FROM t WHERE v IN (10, 77)", "INSERT INTO t VALUES (9, 77, 9)"),
    ("SELECT max(id) FROM t", "INSERT INTO t VALUES (9, 9, 9)"),
    ("SELECT id FROM t ORDER BY v DESC LIMIT 1", "INSERT INTO t VALUES (9, 99, 9)"),
    ("SELECT count(*) FROM t", "INSERT INTO t SELECT i, i, i FROM generate_series(100, 2500) g(i)"),
    ("SELECT count(*) FROM t WHERE w = 1", "COPY t FROM STDIN"),
    ("SELECT id FROM t WHERE id = 2 FOR UPDATE", "UPDATE t SET w = 0 WHERE v = 77"),
    ("SELECT 1 FROM t WHERE EXISTS (SELECT 1 FROM t u WHERE u.id = 9)", "INSERT INTO t VALUES (9)"),
    ("DECLARE c CURSOR FOR SELECT * FROM t WHERE id = 3", "UPDATE t SET w = 5 WHERE id = 3"),
    ("INSERT INTO other SELECT id FROM t", "INSERT INTO t VALUES (9, 9, 9)"),
    ("COPY t TO STDOUT", "DELETE FROM t WHERE id = 1"),
    (
        "MERGE INTO other USING t ON other.id = t.id WHEN NOT MATCHED THEN DO NOTHING",
        "DELETE FROM t",
    ),
    ("SELECT id FROM t WHERE id = 1", "TRUNCATE t"),
]


def run(session: Any, sql: str) -> None:
    if sql.startswith("COPY") and "STDIN" in sql:
        with session.copy(sql) as copy:
            copy.write("9\t9\t1\n")
    elif sql.startswith("COPY"):
        with session.copy(sql) as copy:
            assert list(copy)
    else:
        session.execute(sql)


@pytest.mark.parametrize(("read", "write"), READS_AND_WRITES)
def test_each_reads_what_the_other_writes_and_one_has_to_go(
    world: Sessions, read: str, write: str
) -> None:
    """Write skew over the table and a second one: the first reads `read` and writes x, the second reads x and writes `write`."""
    world.one.execute("CREATE TABLE x (n integer); CREATE TABLE other (id integer PRIMARY KEY)")
    world.begin()
    locks_rows = "FOR UPDATE" in read
    is_exclusive = write.startswith("TRUNCATE")
    run(world.one, read)
    world.two.execute("SELECT * FROM x")
    world.one.execute("INSERT INTO x VALUES (1)")
    if is_exclusive:
        world.one.execute("COMMIT")
    if locks_rows:
        # No write of a row that was read: nothing is wrong.
        run(world.two, write)
        assert world.failures((world.one, "COMMIT"), (world.two, "COMMIT")) == [None, None]
        return
    with pytest.raises(lungfish.errors.SerializationFailure, match=MESSAGE) as caught:
        run(world.two, write)
        if not is_exclusive:
            world.one.execute("COMMIT")
        world.two.execute("COMMIT")
    assert caught.value.hint == "The transaction might succeed if retried."


UNRELATED = [
    ("SELECT w FROM t WHERE id = 2", "UPDATE t SET w = 0 WHERE id = 3"),
    ("SELECT w FROM t WHERE id = 7", "INSERT INTO t VALUES (8, 8, 8)"),
    ("SELECT w FROM t WHERE id > 2000 ORDER BY id LIMIT 3", "INSERT INTO t VALUES (9, 7, 7)"),
    ("SELECT w FROM t ORDER BY v DESC LIMIT 1", "DELETE FROM t WHERE id = 2000"),
    ("SELECT w FROM t WHERE v = 10", "DELETE FROM t WHERE v = 20"),
]


@pytest.mark.parametrize(("read", "write"), UNRELATED)
def test_what_was_not_read_may_be_written(world: Sessions, read: str, write: str) -> None:
    world.one.execute("CREATE TABLE x (n integer)")
    # So many rows that the indexes are used.
    world.one.execute("INSERT INTO t SELECT i, -i, i FROM generate_series(1000, 4000) g(i)")
    world.one.execute("ANALYZE t")
    assert "Index Scan" in str(world.one.execute(f"EXPLAIN {read}").fetchall())
    world.begin()
    run(world.one, read)
    world.two.execute("SELECT * FROM x")
    world.one.execute("INSERT INTO x VALUES (1)")
    run(world.two, write)
    assert world.failures((world.one, "COMMIT"), (world.two, "COMMIT")) == [None, None]


def test_a_range_is_followed_to_its_end(world: Sessions) -> None:
    world.one.execute("CREATE TABLE x (n integer)")
    world.one.execute("INSERT INTO t SELECT i, -i, i FROM generate_series(1000, 4000) g(i)")
    world.one.execute("ANALYZE t")
    query = "SELECT id FROM t WHERE id > 3998 ORDER BY id LIMIT 3"
    assert "Index Scan" in str(world.one.execute(f"EXPLAIN {query}").fetchall())
    world.begin()
    assert len(world.one.execute(query).fetchall()) == 2
    world.two.execute("SELECT * FROM x")
    world.one.execute("INSERT INTO x VALUES (1)")
    world.two.execute("INSERT INTO t VALUES (4001, 1, 1)")
    assert world.failures((world.one, "COMMIT"), (world.two, "COMMIT")) == [None, "40001"]


def test_a_structure_whose_last_transaction_does_not_commit_first_is_let_through(
    world: Sessions,
) -> None:
    world.begin()
    world.one.execute("SELECT w FROM t WHERE id = 1")
    world.two.execute("UPDATE t SET w = 0 WHERE id = 1")
    assert world.failures((world.one, "COMMIT"), (world.two, "COMMIT")) == [None, None]


def test_the_same_row_written_twice_is_a_concurrent_update(world: Sessions) -> None:
    world.begin()
    world.two.execute("SELECT * FROM t")
    world.one.execute("UPDATE t SET w = 0 WHERE id = 1")
    world.one.execute("COMMIT")
    with pytest.raises(lungfish.errors.SerializationFailure, match="due to concurrent update"):
        world.two.execute("UPDATE t SET w = 1 WHERE id = 1")


def test_a_reader_alone_sees_no_state_that_no_order_explains(world: Sessions) -> None:
    """The read-only anomaly of Fekete, O'Neil and O'Neil (2004)."""
    world.begin()
    world.two.execute("SELECT sum(w) FROM t WHERE id IN (1, 2)")
    world.one.execute("UPDATE t SET w = w + 20 WHERE id = 2")
    world.one.execute("COMMIT")
    world.begin(world.three)
    world.three.execute("SELECT * FROM t WHERE id IN (1, 2)")
    world.three.execute("COMMIT")
    assert (
        world.failures((world.two, "UPDATE t SET w = w - 11 WHERE id = 1"), (world.two, "COMMIT"))[
            -1
        ]
        == "40001"
    )


def test_rolling_back_to_a_savepoint_keeps_what_was_read(world: Sessions) -> None:
    world.begin()
    world.one.execute("SAVEPOINT s; SELECT * FROM t WHERE id = 1; ROLLBACK TO s")
    world.two.execute("SELECT * FROM t WHERE id = 2; UPDATE t SET w = 0 WHERE id = 1")
    world.one.execute("UPDATE t SET w = 0 WHERE id = 2")
    assert world.failures((world.one, "COMMIT"), (world.two, "COMMIT")) == [None, "40001"]


def test_a_safe_snapshot_of_a_reader_needs_no_locks(world: Sessions) -> None:
    world.begin(world.one, mode="READ ONLY")
    world.one.execute("SELECT * FROM t")
    assert _read_locks(world.two) == []
    world.one.execute("COMMIT")
    world.begin(world.two)
    world.two.execute("SELECT * FROM t WHERE id = 1")
    world.begin(world.one, mode="READ ONLY")
    world.one.execute("SELECT sum(w) FROM t")
    assert len(_read_locks(world.three)) == 2
    # Its snapshot is safe from now on: the only writer had no conflict out.
    world.two.execute("COMMIT")
    world.one.execute("SELECT sum(w) FROM t")
    assert _read_locks(world.three) == []


def _read_locks(session: Any) -> list[Any]:
    return session.execute(
        "SELECT locktype, relation::regclass::text FROM pg_locks WHERE mode = 'SIReadLock' ORDER BY 1, 2"
    ).fetchall()


def test_pg_locks_shows_what_was_read(world: Sessions) -> None:
    world.begin(world.one)
    world.one.execute("SELECT count(w) FROM t; SELECT * FROM t WHERE id = 1")
    assert _read_locks(world.two) == [("relation", "t")]
    world.one.execute("ROLLBACK")
    assert _read_locks(world.two) == []


def test_a_deferrable_reader_waits_until_its_snapshot_is_safe(world: Sessions) -> None:
    world.begin(world.two)
    world.two.execute("UPDATE t SET w = 7 WHERE id = 1")
    seen: list[Any] = []

    def read() -> None:
        world.one.execute("BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE")
        seen.append(world.one.execute("SELECT w FROM t WHERE id = 1").fetchval())

    thread = threading.Thread(target=read)
    thread.start()
    waiting = (
        "SELECT wait_event_type, wait_event FROM pg_stat_activity WHERE wait_event IS NOT NULL"
    )
    while (found := world.three.execute(waiting).fetchall()) == []:
        pass
    assert found == [("IPC", "SafeSnapshot")]
    assert not seen
    world.two.execute("COMMIT")
    thread.join()
    assert seen == [100]
    assert _read_locks(world.three) == []


def test_a_wait_for_a_safe_snapshot_can_be_canceled(world: Sessions) -> None:
    world.begin(world.two)
    world.two.execute("UPDATE t SET w = 7 WHERE id = 1")
    world.one.execute("BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE")
    world.one.execute("SET LOCAL statement_timeout = '1ms'")
    with pytest.raises(lungfish.errors.QueryCanceled):
        world.one.execute("SELECT 1")
    world.one.execute("ROLLBACK")
    assert world.three.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchval() == 0


def test_the_level_is_chosen_in_every_way_that_postgres_has(world: Sessions) -> None:
    show: Callable[[], Any] = lambda: world.one.execute("SHOW transaction_isolation").fetchval()  # noqa: E731
    world.one.execute("BEGIN; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
    assert show() == "serializable"
    world.one.execute("ROLLBACK; SET default_transaction_isolation = 'serializable'")
    assert show() == "serializable"
    world.one.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
    assert show() == "read committed"
    world.one.execute("COMMIT; RESET default_transaction_isolation")
    world.one.execute("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE")
    world.one.execute("BEGIN")
    assert show() == "serializable"
    world.one.execute("SAVEPOINT s")
    with pytest.raises(lungfish.errors.ActiveSqlTransaction, match="in a subtransaction"):
        world.one.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")


def test_single_statements_under_a_serializable_default_are_followed_too(world: Sessions) -> None:
    world.one.execute("SET default_transaction_isolation = 'serializable'")
    for _ in range(3):
        assert world.one.execute("SELECT w FROM t WHERE id = ?", (1,)).fetchval() == 100
        world.one.execute("UPDATE t SET w = w WHERE id = ?", (1,))
    world.begin(world.two)
    world.two.execute("SELECT w FROM t WHERE id = 1; SELECT * FROM t WHERE id = 2")
    world.one.execute("UPDATE t SET w = ? WHERE id = ?", (5, 1))
    assert (
        world.failures((world.two, "UPDATE t SET w = 0 WHERE id = 3"), (world.two, "COMMIT"))[-1]
        is None
    )
    assert world.two.execute("SELECT w FROM t WHERE id = 1").fetchval() == 5


def test_a_foreign_key_does_not_lean_on_a_row_that_the_snapshot_does_not_see(
    world: Sessions,
) -> None:
    world.one.execute("CREATE TABLE child (t_id integer REFERENCES t (id))")
    world.begin(world.one)
    assert world.one.execute("SELECT count(*) FROM t WHERE id = 9").fetchval() == 0
    world.two.execute("BEGIN ISOLATION LEVEL SERIALIZABLE; INSERT INTO t VALUES (9, 9, 9); COMMIT")
    with pytest.raises(lungfish.errors.SerializationFailure):
        world.one.execute("INSERT INTO child VALUES (9)")


def test_a_new_index_does_not_hide_what_was_read_before(world: Sessions) -> None:
    world.one.execute("CREATE TABLE x (n integer)")
    world.begin()
    world.one.execute("SELECT * FROM t WHERE v = 77")
    world.two.execute("SELECT * FROM x")
    world.one.execute("INSERT INTO x VALUES (1)")
    world.one.execute("COMMIT")
    world.three.execute("DROP INDEX t_v_idx")
    assert "40001" in world.failures(
        (world.two, "INSERT INTO t VALUES (77, 77, 77)"), (world.two, "COMMIT")
    )


def test_beyond_their_limits_locks_become_coarser_and_nothing_is_missed(
    world: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predicate_locks, "DETAILS_OF_RELATION_MAX", 2)
    world.one.execute("CREATE TABLE x (n integer)")
    world.begin()
    for row in range(1, 5):
        world.one.execute("SELECT * FROM t WHERE id = ?", (row,))
    assert _read_locks(world.three) == [("relation", "t")]
    world.two.execute("SELECT * FROM x")
    world.one.execute("INSERT INTO x VALUES (1)")
    world.two.execute("UPDATE t SET w = 0 WHERE id = 2")
    assert world.failures((world.one, "COMMIT"), (world.two, "COMMIT")) == [None, "40001"]


def test_transactions_that_are_kept_by_relation_only_are_still_found(
    world: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serializable, "FINISHED_MAX", 0)
    world.one.execute("CREATE TABLE x (n integer)")
    world.begin()
    world.one.execute("SELECT * FROM t")
    world.two.execute("SELECT * FROM x")
    world.one.execute("INSERT INTO x VALUES (1)")
    world.one.execute("COMMIT")
    assert "40001" in world.failures(
        (world.two, "UPDATE t SET w = 0 WHERE id = 2"), (world.two, "COMMIT")
    )


def test_nothing_is_kept_once_all_have_ended(world: Sessions) -> None:
    world.begin(world.one, world.two, world.three)
    for session in (world.one, world.two):
        session.execute("SELECT * FROM t; UPDATE t SET w = 0 WHERE id = 1 AND w = 77; COMMIT")
    assert len(_read_locks(world.one)) >= 2
    world.three.execute("COMMIT")
    assert _read_locks(world.one) == []
    conflicts = world.one._session.database.transactions.serializable
    assert not conflicts._finished
    assert not conflicts._active


# What the first has not seen, though it goes by it: the second has freed a key, or taken away who referred to one.
FREED = [
    (
        "SELECT id FROM t WHERE w = 100",
        "INSERT INTO t VALUES (1)",
        "UPDATE t SET id = 9 WHERE v = 10",
    ),
    ("SELECT u FROM k WHERE id = 1", "INSERT INTO k VALUES (7, 1)", "DELETE FROM k WHERE id = 1"),
    (
        "SELECT u FROM k WHERE id = 1",
        "UPDATE k SET u = 1 WHERE id = 2",
        "DELETE FROM k WHERE id = 1",
    ),
    ("SELECT p FROM c WHERE id = 1", "DELETE FROM p WHERE id = 1", "DELETE FROM c WHERE id = 1"),
    (
        "SELECT p FROM c WHERE id = 1",
        "DELETE FROM p WHERE id = 1",
        "UPDATE c SET p = 2 WHERE id = 1",
    ),
    (
        "SELECT * FROM r WHERE id = 1",
        "INSERT INTO r VALUES (2, '[3,4)')",
        "DELETE FROM r WHERE id = 1",
    ),
]


@pytest.mark.parametrize("reads", [True, False])
@pytest.mark.parametrize(("read", "change", "freed"), FREED)
def test_who_goes_by_what_the_snapshot_does_not_see_comes_behind_it(
    world: Sessions, read: str, change: str, freed: str, *, reads: bool
) -> None:
    """Alone that is no harm; but who has also read what it was before, would have to come both before and behind the second."""
    world.one.execute(
        """
        CREATE TABLE k (id integer PRIMARY KEY, u integer UNIQUE);
        INSERT INTO k VALUES (1, 1), (2, 2);
        CREATE TABLE p (id integer PRIMARY KEY);
        CREATE TABLE c (id integer PRIMARY KEY, p integer REFERENCES p);
        CREATE INDEX ON c (p);
        INSERT INTO p VALUES (1), (2); INSERT INTO c VALUES (1, 1);
        CREATE TABLE r (id integer PRIMARY KEY, at int4range, EXCLUDE USING gist (at WITH &&));
        INSERT INTO r VALUES (1, '[1,5)');
        """
    )
    world.begin()
    if reads:
        world.one.execute(read)
    world.two.execute(freed)
    world.two.execute("COMMIT")
    expected = "40001" if reads else None
    failed = world.failures((world.one, change), (world.one, "COMMIT"))
    assert failed == ([expected] if reads else [None, None])
